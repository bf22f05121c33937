// Makes one piece of the page equal to another by changing only what differs, so that focus and caret stay.

export function morph(from, to) {
  if (from.isEqualNode(to)) return from;
  if (from.nodeType !== to.nodeType || from.nodeName !== to.nodeName) {
    from.replaceWith(to);
    return to;
  }
  if (from.nodeType !== Node.ELEMENT_NODE) {
    from.nodeValue = to.nodeValue;
    return from;
  }
  morphAttributes(from, to);
  morphChildren(from, to);
  return from;
}

function morphAttributes(from, to) {
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && name !== "open") from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
}

function morphChildren(from, to) {
  const wanted = new Set([...to.children].map((child) => child.id).filter(Boolean));
  const known = new Map();
  // What goes, goes first: then those that stay need not be moved, and a node that is not moved keeps its focus.
  for (const child of [...from.children]) {
    if (child.id && wanted.has(child.id)) known.set(child.id, child);
    else if (child.id) child.remove();
  }
  let next = from.firstChild;
  for (const child of [...to.childNodes]) {
    const match = child.id ? known.get(child.id) : next && !next.id && next.nodeName === child.nodeName ? next : null;
    if (!match) {
      from.insertBefore(child, next);
      continue;
    }
    if (match === next) next = next.nextSibling;
    else from.insertBefore(match, next);
    morph(match, child);
  }
  while (next) {
    const gone = next;
    next = next.nextSibling;
    gone.remove();
  }
}

// Where the list is on the page.

export const lanes = () => document.getElementById("lanes");
export const cardOf = (requestId) => document.getElementById(`card-${requestId}`);
export const tab = () => lanes().dataset.tab;

// Without the priority, which is there for those who hear it.
export const titleOf = (card) =>
  [...card.querySelector(".card-title a").childNodes].slice(1).map((node) => node.textContent).join("").trim();

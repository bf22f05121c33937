// Passkeys: the browser is asked before a form is sent, and the form carries what it answered.

const asBytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));
const asText = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
const withBytes = (list) => (list ?? []).map((item) => ({ ...item, id: asBytes(item.id) }));

async function create({ creation_options: { publicKey } }, isAlone) {
  const options = {
    ...publicKey,
    challenge: asBytes(publicKey.challenge),
    user: { ...publicKey.user, id: asBytes(publicKey.user.id) },
    excludeCredentials: withBytes(publicKey.excludeCredentials),
    authenticatorSelection: {
      ...publicKey.authenticatorSelection,
      residentKey: isAlone ? "required" : "discouraged",
      requireResidentKey: isAlone,
      ...(isAlone && { userVerification: "required" }),
    },
  };
  const made = await navigator.credentials.create({ publicKey: options });
  return { ...common(made), response: { ...binary(made, "attestationObject"), transports: made.response.getTransports?.() ?? [] } };
}

async function get({ request_options: { publicKey } }) {
  const options = {
    ...publicKey,
    challenge: asBytes(publicKey.challenge),
    allowCredentials: withBytes(publicKey.allowCredentials),
  };
  const shown = await navigator.credentials.get({ publicKey: options });
  const { userHandle } = shown.response;
  return {
    ...common(shown),
    response: { ...binary(shown, "authenticatorData", "signature"), userHandle: userHandle && asText(userHandle) },
  };
}

function common(credential) {
  return {
    type: credential.type,
    id: credential.id,
    rawId: asText(credential.rawId),
    authenticatorAttachment: credential.authenticatorAttachment ?? null,
    clientExtensionResults: credential.getClientExtensionResults(),
  };
}

function binary({ response }, ...names) {
  return Object.fromEntries(["clientDataJSON", ...names].map((name) => [name, asText(response[name])]));
}

// Before a sign-in nobody is known: what to sign is asked for only when the button is pressed.
async function dataFor(form) {
  if (form.dataset.passkey !== "login") return JSON.parse(form.querySelector("#passkey-data").textContent);
  const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`answered ${answer.status}`);
  return answer.json();
}

function explain({ name }) {
  if (name === "NotAllowedError") return "Nothing was signed. Try again when you are ready.";
  if (name === "InvalidStateError") return "This device has a passkey of yours already.";
  if (name === "SecurityError") return "Passkeys need HTTPS and a host name.";
  return "That did not work. Try again, or use another way.";
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const error = form.querySelector(".error[role=alert]");
  if (!window.PublicKeyCredential) continue;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    error.hidden = true;
    try {
      const data = await dataFor(form);
      const isAlone = form.elements.passwordless?.checked ?? false;
      const credential = form.dataset.passkey === "create" ? await create(data, isAlone) : await get(data);
      form.elements.credential.value = JSON.stringify(credential);
      form.submit();
    } catch (problem) {
      error.textContent = explain(problem);
      error.hidden = false;
    }
  });
}

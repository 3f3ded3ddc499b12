// Passkeys: the one thing that a form cannot do by itself. A form with data-passkey carries the
// options of the browser's own dialogue as JSON; what the dialogue answers goes into its field
// "answer", and the form is sent as any other. Without this script the form says what is needed.

const ENCODED = ["challenge", "id"];

/** Turn base64url texts of the options into bytes (WebAuthn Level 3 §5.1.8). */
function decoded(value, name = "") {
  if (typeof value === "string" && ENCODED.includes(name)) {
    const text = atob(value.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(text, (one) => one.charCodeAt(0));
  }
  if (Array.isArray(value)) {
    return value.map((one) => decoded(one));
  }
  if (value !== null && typeof value === "object") {
    // A relying party's id is a domain, not bytes.
    return Object.fromEntries(
      Object.entries(value).map(([key, one]) => [key, decoded(one, name === "rp" ? "" : key)]),
    );
  }
  return value;
}

function encoded(buffer) {
  let text = "";
  for (const byte of new Uint8Array(buffer)) {
    text += String.fromCharCode(byte);
  }
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Return RegistrationResponseJSON or AuthenticationResponseJSON. */
function answered(credential) {
  const response = { clientDataJSON: encoded(credential.response.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature"]) {
    if (credential.response[name]) {
      response[name] = encoded(credential.response[name]);
    }
  }
  return JSON.stringify({
    id: credential.id,
    rawId: encoded(credential.rawId),
    type: credential.type,
    response,
  });
}

async function ask(form) {
  const publicKey = Object.fromEntries(
    Object.entries(JSON.parse(form.dataset.options)).map(([name, one]) => [name, decoded(one, name)]),
  );
  const how = form.dataset.passkey === "register" ? "create" : "get";
  return navigator.credentials[how]({ publicKey });
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const failed = form.querySelector("[data-passkey-failed]");
  if (!window.PublicKeyCredential) {
    continue;
  }
  form.querySelector("[data-passkey-needs]").hidden = true;
  form.querySelector("[data-passkey-button]").hidden = false;
  form.addEventListener("submit", async (event) => {
    const answer = form.querySelector("input[name=answer]");
    if (answer.value) {
      return;
    }
    event.preventDefault();
    failed.hidden = true;
    try {
      answer.value = answered(await ask(form));
    } catch {
      // The browser does not say why, on purpose.
      failed.hidden = false;
      failed.focus();
      return;
    }
    form.submit();
  });
}

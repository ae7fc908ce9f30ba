// Makes a passkey, or asks for one, and sends the form with what came of it. https://www.w3.org/TR/webauthn-3/
"use strict";
for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential || !PublicKeyCredential.parseRequestOptionsFromJSON) continue;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const options = JSON.parse(form.dataset.options);
    try {
      const found = form.dataset.passkey === "create"
        ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
        : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
      form.elements.credential.value = JSON.stringify(found.toJSON());
      form.submit();
    } catch {
      form.querySelector("[role=alert]").textContent = "No passkey was used. Try again, or use a link.";
    }
  });
}

// A token, got as any SMART backend service gets its own. The private key signs one assertion here, and goes nowhere.
// https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html
"use strict";

(() => {
  const said = document.getElementById("signed-in");

  async function assertion(client, { how, key, kid }, audience) {
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: client, sub: client, aud: audience, exp: now + 240, jti: crypto.randomUUID() };
    const encoder = new TextEncoder();
    const parts = [{ alg: how.alg, kid, typ: "JWT" }, claims];
    const signed = parts.map((part) => Keys.base64url(encoder.encode(JSON.stringify(part)))).join(".");
    const signature = await crypto.subtle.sign(how.sign, key, encoder.encode(signed));
    return `${signed}.${Keys.base64url(new Uint8Array(signature))}`;
  }

  async function token(form) {
    const key = await Keys.read(await form.get("key").text(), form.get("kid").trim());
    const configuration = await (await fetch(".well-known/smart-configuration")).json();
    const body = new URLSearchParams({
      grant_type: "client_credentials",
      scope: form.get("scope"),
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: await assertion(form.get("client").trim(), key, configuration.token_endpoint),
    });
    const answer = await (await fetch("auth/token", { method: "POST", body })).json();
    if (!answer.access_token) throw new Error(`The server refused: ${answer.error_description || answer.error}`);
    return answer;
  }

  function say(text, wrong) {
    said.textContent = text;
    said.classList.toggle("wrong", wrong);
  }

  document.getElementById("sign-in").addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const answer = await token(new FormData(event.target));
      Viewer.use(answer.access_token);
      say(`Granted for ${answer.expires_in} seconds: ${answer.scope}`, false);
    } catch (error) {
      say(error.message, true);
    }
  });

  document.getElementById("paste").addEventListener("submit", (event) => {
    event.preventDefault();
    Viewer.use(new FormData(event.target).get("token").trim());
    say("The pasted token is used.", false);
  });
})();

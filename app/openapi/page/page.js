// The page for people: Swagger UI over the document, and a token got as any SMART backend service gets its own.
// https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html
// The private key is used in this page to sign one assertion, and goes nowhere.
"use strict";

const ALGORITHMS = {
  EC: { name: "ES384", key: { name: "ECDSA", namedCurve: "P-384" }, sign: { name: "ECDSA", hash: "SHA-384" } },
  RSA: { name: "RS384", key: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-384" }, sign: { name: "RSASSA-PKCS1-v1_5" } },
};

const ui = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#api",
  deepLinking: true,
  docExpansion: "none",
  defaultModelsExpandDepth: -1,
  filter: true,
  persistAuthorization: false,
  syntaxHighlight: { activated: false },
});

function base64url(bytes) {
  const text = Array.from(bytes, (b) => String.fromCharCode(b)).join("");
  return btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

async function assertion(client, jwk, audience) {
  const algorithm = ALGORITHMS[jwk.kty];
  if (!algorithm) throw new Error("The key is neither EC nor RSA.");
  const { kty, crv, x, y, d, n, e, p, q, dp, dq, qi } = jwk;
  const bare = JSON.parse(JSON.stringify({ kty, crv, x, y, d, n, e, p, q, dp, dq, qi }));
  const key = await crypto.subtle.importKey("jwk", bare, algorithm.key, false, ["sign"]);
  const claims = {
    iss: client,
    sub: client,
    aud: audience,
    exp: Math.floor(Date.now() / 1000) + 240,
    jti: crypto.randomUUID(),
  };
  const encoder = new TextEncoder();
  const parts = [{ alg: algorithm.name, kid: jwk.kid, typ: "JWT" }, claims];
  const signed = parts.map((part) => base64url(encoder.encode(JSON.stringify(part)))).join(".");
  const signature = await crypto.subtle.sign(algorithm.sign, key, encoder.encode(signed));
  return `${signed}.${base64url(new Uint8Array(signature))}`;
}

async function token(form) {
  const jwk = JSON.parse(await form.get("key").text());
  const configuration = await (await fetch(".well-known/smart-configuration")).json();
  const body = new URLSearchParams({
    grant_type: "client_credentials",
    scope: form.get("scope"),
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: await assertion(form.get("client"), jwk, configuration.token_endpoint),
  });
  const answer = await (await fetch("auth/token", { method: "POST", body })).json();
  if (!answer.access_token) throw new Error(answer.error_description || "There is no token.");
  return answer;
}

document.getElementById("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const said = event.target.querySelector("output");
  try {
    const answer = await token(new FormData(event.target));
    ui.preauthorizeApiKey("bearer", answer.access_token);
    said.textContent = `Granted for ${answer.expires_in} seconds: ${answer.scope}`;
  } catch (error) {
    said.textContent = error.message;
  }
});

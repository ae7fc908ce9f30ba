// A private key from a file, as a JWK or a PEM, for signing one assertion. What is wrong with a file is said in words.
// https://www.rfc-editor.org/rfc/rfc7517 and https://www.rfc-editor.org/rfc/rfc7468
"use strict";

const Keys = (() => {
  const EC = { alg: "ES384", key: { name: "ECDSA", namedCurve: "P-384" }, sign: { name: "ECDSA", hash: "SHA-384" } };
  const RSA = {
    alg: "RS384",
    key: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-384" },
    sign: { name: "RSASSA-PKCS1-v1_5" },
  };
  const WANTED = "Choose the client's private key: an EC key on the curve P-384, or an RSA key, as a JWK or a PEM file.";

  class WrongKey extends Error {}

  function wrong(text) {
    return new WrongKey(`${text} ${WANTED}`);
  }

  /** The key in a file's text: how it signs, its CryptoKey and its key id. Throws WrongKey. */
  async function read(text, kid) {
    if (!globalThis.crypto || !crypto.subtle) {
      throw new WrongKey("This browser signs only on pages from https or from localhost. Use `hallpass token` instead.");
    }
    const body = text.trim();
    if (!body) throw wrong("The file is empty.");
    if (body.includes("-----BEGIN")) return fromPem(body, kid);
    let found;
    try {
      found = JSON.parse(body);
    } catch {
      throw wrong("The file is neither JSON nor a PEM.");
    }
    return fromJwk(chosen(found, kid), kid);
  }

  /** The one private key of a JWK or of a JWKS. */
  function chosen(found, kid) {
    if (!found || typeof found !== "object") throw wrong("The file holds no key.");
    if (!Array.isArray(found.keys)) return found;
    const keys = found.keys.filter((key) => key && key.d && (!kid || key.kid === kid));
    if (keys.length === 1) return keys[0];
    if (keys.length) throw new WrongKey("The file holds several private keys. Say which one by its key id.");
    throw wrong(kid ? "The file holds no private key with this key id." : "The file holds no private key.");
  }

  async function fromJwk(jwk, kid) {
    const how = { EC, RSA }[jwk.kty];
    if (jwk.kty === undefined) throw wrong("The file is JSON, but not a JWK: it has no kty.");
    if (!how) throw wrong(`The key is of type ${jwk.kty}.`);
    if (!jwk.d) throw wrong("This is a public key.");
    if (how === EC && jwk.crv !== "P-384") throw wrong(`The key is on the curve ${jwk.crv}.`);
    const { kty, crv, x, y, d, n, e, p, q, dp, dq, qi } = jwk;
    const bare = JSON.parse(JSON.stringify({ kty, crv, x, y, d, n, e, p, q, dp, dq, qi }));
    let key;
    try {
      key = await crypto.subtle.importKey("jwk", bare, how.key, true, ["sign"]);
    } catch {
      throw wrong("The key's numbers are incomplete or do not fit each other.");
    }
    return { how, key, kid: kid || jwk.kid || (await thumbprint(key)) };
  }

  async function fromPem(text, kid) {
    const found = text.match(/-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \1-----/g) || [];
    const blocks = found.map((block) => block.match(/-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END/));
    const block = blocks.find(([, label]) => label.endsWith("PRIVATE KEY")) || blocks[0];
    if (!block) throw wrong("The PEM is cut off: its END line is missing.");
    const [, label, content] = block;
    if (label === "ENCRYPTED PRIVATE KEY" || content.includes("ENCRYPTED")) {
      throw new WrongKey("The key is encrypted. Write it without a password first: openssl pkey -in key.pem -out plain.pem");
    }
    if (label.includes("CERTIFICATE")) throw wrong("This is a certificate.");
    if (!label.endsWith("PRIVATE KEY")) throw wrong(label.endsWith("PUBLIC KEY") ? "This is a public key." : `This is a ${label}.`);
    let bytes;
    try {
      bytes = Uint8Array.from(atob(content.replace(/\s/g, "")), (c) => c.charCodeAt(0));
    } catch {
      throw wrong("The PEM is damaged: what is between its lines is not base64.");
    }
    for (const how of [EC, RSA]) {
      try {
        const key = await crypto.subtle.importKey("pkcs8", wrapped(label, bytes, how), how.key, true, ["sign"]);
        return { how, key, kid: kid || (await thumbprint(key)) };
      } catch {
        // the next kind
      }
    }
    throw wrong("The key in the PEM is of another kind, or damaged.");
  }

  /** PKCS #8, which browsers read, around the older forms of one algorithm (PKCS #1, SEC 1). */
  function wrapped(label, bytes, how) {
    if (label === "PRIVATE KEY") return bytes;
    const algorithm =
      how === EC
        ? [0x30, 0x10, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 0x22]
        : [0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
    const body = [2, 1, 0, ...algorithm, ...der(4, bytes)];
    return new Uint8Array(der(0x30, body));
  }

  function der(tag, body) {
    const size = body.length;
    if (size < 128) return [tag, size, ...body];
    return size < 256 ? [tag, 0x81, size, ...body] : [tag, 0x82, size >> 8, size & 255, ...body];
  }

  /** The key id of a key that has none: its thumbprint. https://www.rfc-editor.org/rfc/rfc7638 */
  async function thumbprint(key) {
    const { kty, crv, x, y, e, n } = await crypto.subtle.exportKey("jwk", key);
    const members = kty === "EC" ? { crv, kty, x, y } : { e, kty, n };
    const bytes = new TextEncoder().encode(JSON.stringify(members));
    return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
  }

  function base64url(bytes) {
    const text = Array.from(bytes, (b) => String.fromCharCode(b)).join("");
    return btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  return { read, base64url };
})();

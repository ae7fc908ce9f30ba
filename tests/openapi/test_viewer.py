"""The page for people, in a browser: an operation opens at once, and a wrong key file is told in words.

Skipped where there is no Chromium (Debian: `apt-get install chromium`).
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives import serialization as s
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.openapi.browser import Browser, browsing, chromium
from tests.running import Running, serving

MILLISECONDS = 1000
PROGRAM = chromium()
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium here: apt-get install chromium")
_OPEN = """(async () => {
  const found = [];
  for (const one of document.querySelectorAll('.operation')) {
    const since = performance.now();
    one.open = true;
    while (!one.querySelector('.response')) await new Promise((done) => setTimeout(done));
    await new Promise((done) => setTimeout(done));
    found.push([one.id, performance.now() - since]);
  }
  return found;
})()"""
_SIGN_IN = """(async () => {{
  const form = document.getElementById('sign-in'), files = new DataTransfer();
  files.items.add(new File([{text}], 'key'));
  form.elements.client.value = {client}; form.elements.key.files = files.files; form.elements.kid.value = {kid};
  const said = document.getElementById('signed-in'); said.textContent = '';
  form.requestSubmit();
  while (!said.textContent) await new Promise((done) => setTimeout(done, 5));
  return said.textContent;
}})()"""


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    """A server process with made-up data."""
    with serving("--demo", until="demo-other-clinic") as found:
        yield found


@pytest.fixture(scope="module")
def page(server: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """The page, opened."""
    assert PROGRAM is not None
    with browsing(PROGRAM, tmp_path_factory.mktemp("browser") / "profile") as found:
        found.open(f"{server.url}/docs")
        found.run("Viewer.ready")
        yield found


def sign_in(page: Browser, text: str, kid: str = "") -> str:
    """What the form says to a key file."""
    return str(
        page.run(_SIGN_IN.format(text=json.dumps(text), client=json.dumps("demo-district"), kid=json.dumps(kid)))
    )


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, form: s.PrivateFormat, password: str = "") -> str:
    """A private key as a PEM."""
    locked = s.BestAvailableEncryption(password.encode()) if password else s.NoEncryption()
    return key.private_bytes(s.Encoding.PEM, form, locked).decode()


def demo_key(server: Running) -> str:
    """The private key of the district of the demo."""
    return (server.folder / ".hallpass" / "demo" / "demo-district.jwk").read_text()


def test_every_operation_opens_in_less_than_a_second(page: Browser) -> None:
    opened = page.run(_OPEN)
    assert len(opened) > 140
    assert [(name, ms) for name, ms in opened if ms >= MILLISECONDS] == []


def test_a_client_signs_in_with_its_jwk_and_asks(page: Browser, server: Running) -> None:
    assert sign_in(page, demo_key(server)).startswith("Granted for ")
    answer = page.run(
        "(async () => { const one = document.getElementById('searchPatient'); one.open = true;"
        " const look = async (what) => { while (!what()) await new Promise((d) => setTimeout(d, 5)); return what(); };"
        " (await look(() => one.querySelector('form.try'))).requestSubmit();"
        " return look(() => one.querySelector('.answer').textContent) })()"
    )
    assert answer.startswith("200 ")
    assert '"resourceType": "Bundle"' in answer


@pytest.mark.parametrize("form", [s.PrivateFormat.PKCS8, s.PrivateFormat.TraditionalOpenSSL])
def test_a_key_is_taken_as_a_pem_of_either_form(page: Browser, server: Running, form: s.PrivateFormat) -> None:
    jwk = json.loads(demo_key(server))
    text = pem(_private_key(jwk), form)
    assert sign_in(page, text, jwk["kid"]).startswith("Granted for ")
    refused = sign_in(page, pem(rsa.generate_private_key(65537, 2048), form), jwk["kid"])
    assert refused.startswith("The server refused: ")


def _private_key(jwk: dict[str, str]) -> ec.EllipticCurvePrivateKey:
    value = int.from_bytes(urlsafe_b64decode(jwk["d"] + "=" * (-len(jwk["d"]) % 4)))
    return ec.derive_private_key(value, ec.SECP384R1())


P256 = ec.generate_private_key(ec.SECP256R1())
WRONG = {
    "nothing": ("", "The file is empty."),
    "a text": ("my key", "The file is neither JSON nor a PEM."),
    "other JSON": ("[1]", "The file is JSON, but not a JWK: it has no kty."),
    "a symmetric key": ('{"kty": "oct", "k": "AAAA"}', "The key is of type oct."),
    "a public key": ('{"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"}', "This is a public key."),
    "another curve": (
        '{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "d": "AA"}',
        "The key is on the curve P-256.",
    ),
    "damaged numbers": (
        '{"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA", "d": "AA"}',
        "The key's numbers are incomplete or do not fit each other.",
    ),
    "public keys": ('{"keys": [{"kty": "EC", "crv": "P-384"}]}', "The file holds no private key."),
    "another curve in a PEM": (pem(P256, s.PrivateFormat.PKCS8), "The key in the PEM is of another kind, or damaged."),
    "a locked PEM": (pem(P256, s.PrivateFormat.PKCS8, "secret"), "The key is encrypted."),
    "half a PEM": ("-----BEGIN PRIVATE KEY-----\nMIG2", "The PEM is cut off: its END line is missing."),
    "a public PEM": (
        P256.public_key().public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo).decode(),
        "This is a public key.",
    ),
}


@pytest.mark.parametrize(("text", "told"), list(WRONG.values()), ids=list(WRONG))
def test_what_is_wrong_with_a_key_file_is_told_in_words(page: Browser, text: str, told: str) -> None:
    said = sign_in(page, text)
    assert said.startswith(told)
    assert "private key" in said or "openssl pkey" in said

"""Signed tokens: only RS384 and ES384, by a fit key of the right type. https://datatracker.ietf.org/doc/html/rfc8725"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import hmac
import zlib
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import example, given
from hypothesis import strategies as st

from app.auth.jose import (
    MAX_TOKEN,
    BadToken,
    Jwk,
    flaw,
    from_pem,
    generate,
    public,
    read,
    sign,
    thumbprint,
    to_pem,
    verify,
)
from tests.auth.support import EC_KEY, RSA_KEY, b64, ec_public, forged, number, rsa_key, segment

CLAIMS = {"iss": "a", "exp": 1}
P384 = serialization.load_pem_private_key(to_pem(EC_KEY).encode(), password=None)


def unsigned(header: dict[str, Any], signature: str = "AAAA") -> str:
    return f"{segment(header)}.{segment(CLAIMS)}.{signature}"


def hmac_token(alg: str, secret: bytes, kid: str) -> str:
    text = f"{segment({'alg': alg, 'kid': kid, 'typ': 'JWT'})}.{segment(CLAIMS)}"
    digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384}[alg]
    return f"{text}.{b64(hmac.new(secret, text.encode(), digest).digest())}"


def ecdsa_token(alg: str, digest: hashes.HashAlgorithm, private: ec.EllipticCurvePrivateKey, kid: str) -> str:
    text = f"{segment({'alg': alg, 'kid': kid, 'typ': 'JWT'})}.{segment(CLAIMS)}"
    size = (private.curve.key_size + 7) // 8
    r, s = decode_dss_signature(private.sign(text.encode(), ec.ECDSA(digest)))
    return f"{text}.{b64(r.to_bytes(size, 'big') + s.to_bytes(size, 'big'))}"


@pytest.mark.parametrize(("key", "alg"), [(EC_KEY, "ES384"), (RSA_KEY, "RS384")])
def test_a_token_is_verified_by_the_public_half_of_its_key(key: Jwk, alg: str) -> None:
    token = sign(CLAIMS, key)
    header, claims = read(token)
    assert (header.alg, header.kid, header.typ, header.jku) == (alg, key["kid"], "JWT", None)
    assert verify(token, public(key)) == claims == CLAIMS


@pytest.mark.parametrize("key", [EC_KEY, RSA_KEY])
def test_a_token_of_another_key_of_the_same_type_is_refused(key: Jwk) -> None:
    other = generate() if key["kty"] == "EC" else rsa_key()
    with pytest.raises(BadToken):
        verify(sign(CLAIMS, {**other, "kid": key["kid"]}), public(key))


@pytest.mark.parametrize("key", [EC_KEY, RSA_KEY])
def test_changed_claims_are_refused(key: Jwk) -> None:
    head, _, signature = sign(CLAIMS, key).split(".")
    with pytest.raises(BadToken):
        verify(f"{head}.{segment({**CLAIMS, 'iss': 'b'})}.{signature}", public(key))


@pytest.mark.parametrize(
    "alg", ["none", "None", "NONE", "", "HS256", "HS384", "HS512", "RS256", "RS512", "ES256", "dir"]
)
def test_an_algorithm_that_is_not_pinned_is_refused_before_any_key_is_looked_at(alg: str) -> None:
    with pytest.raises(BadToken):
        read(unsigned({"alg": alg, "kid": "k", "typ": "JWT"}))
    with pytest.raises(BadToken):
        verify(unsigned({"alg": alg, "kid": "k", "typ": "JWT"}), public(EC_KEY))


def test_alg_none_without_a_signature_is_refused() -> None:
    with pytest.raises(BadToken):
        verify(unsigned({"alg": "none", "kid": "k", "typ": "JWT"}, signature=""), public(EC_KEY))


@pytest.mark.parametrize("alg", ["HS256", "HS384"])
def test_an_hmac_with_the_public_key_as_its_secret_is_refused_in_each_encoding(alg: str) -> None:
    shared = P384.public_key()
    forms = [
        shared.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        shared.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH),
        shared.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
        segment(public(EC_KEY)).encode(),
    ]
    for secret in forms:
        token = hmac_token(alg, secret, EC_KEY["kid"])
        for candidate in (token, forged(token, alg="ES384")):
            with pytest.raises(BadToken):
                verify(candidate, public(EC_KEY))


def test_an_hmac_key_cannot_be_used_at_all() -> None:
    with pytest.raises(BadToken):
        verify(hmac_token("HS384", b"secret", "k"), {"kty": "oct", "k": b64(b"secret"), "kid": "k"})


@pytest.mark.parametrize(("signer", "other"), [(EC_KEY, RSA_KEY), (RSA_KEY, EC_KEY)])
def test_the_key_type_and_not_the_header_chooses_the_algorithm(signer: Jwk, other: Jwk) -> None:
    token = sign(CLAIMS, signer)
    alg = "RS384" if other["kty"] == "RSA" else "ES384"
    for candidate in (token, forged(token, alg=alg)):
        with pytest.raises(BadToken):
            verify(candidate, public(other))


def test_a_good_signature_under_a_header_that_names_the_other_algorithm_is_refused() -> None:
    assert isinstance(P384, ec.EllipticCurvePrivateKey)
    assert verify(ecdsa_token("ES384", hashes.SHA384(), P384, "k"), public(EC_KEY)) == CLAIMS
    with pytest.raises(BadToken):
        verify(ecdsa_token("RS384", hashes.SHA384(), P384, "k"), public(EC_KEY))


def test_es384_by_a_key_on_another_curve_is_refused() -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    numbers = private.public_key().public_numbers()
    key = {"kty": "EC", "crv": "P-256", "x": number(numbers.x), "y": number(numbers.y), "kid": "k"}
    token = ecdsa_token("ES384", hashes.SHA384(), private, "k")
    with pytest.raises(BadToken):
        verify(token, key)


@pytest.mark.parametrize("bits", [1024, 2047])
def test_an_rsa_key_under_2048_bits_is_refused(bits: int) -> None:
    key = rsa_key(bits)
    assert flaw(public(key)) == "is not an RSA key of 2048 to 8192 bits with a small exponent"
    with pytest.raises(BadToken):
        verify(sign(CLAIMS, key), public(key))


@pytest.mark.parametrize(
    ("key", "why"),
    [
        (EC_KEY, "holds private parts"),
        (RSA_KEY, "holds private parts"),
        ({"kty": "oct", "k": "AAAA"}, "holds private parts"),
        ({"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}, "has a kty that is not RSA or EC"),
        ({}, "has a kty that is not RSA or EC"),
        ({"kty": ["EC"]}, "has a kty that is not RSA or EC"),
        ({**public(EC_KEY), "use": "enc"}, "is not for signatures with ES384"),
        ({**public(EC_KEY), "alg": "ES256"}, "is not for signatures with ES384"),
        ({**public(RSA_KEY), "alg": "HS256"}, "is not for signatures with RS384"),
        ({**public(EC_KEY), "key_ops": ["sign"]}, "has key_ops without verify"),
        ({**public(EC_KEY), "key_ops": 5}, "has key_ops without verify"),
        ({**public(EC_KEY), "x": 5}, "lacks crv, x, y in base64url"),
        ({**public(EC_KEY), "x": "A+/="}, "lacks crv, x, y in base64url"),
        ({**public(RSA_KEY), "n": "A" * 5000}, "lacks e, n in base64url"),
        ({**public(EC_KEY), "x": "AAAA"}, "is not a valid key"),
        ({**public(EC_KEY), "x": "AAAAA"}, "is not a valid key"),
        ({**public(RSA_KEY), "e": "Ag"}, "is not a valid key"),
        ({**public(RSA_KEY), "e": b64(b"\x01" * 8)}, "is not an RSA key of 2048 to 8192 bits with a small exponent"),
        (ec_public(ec.SECP256R1(), "P-256"), "is not on the curve P-384"),
        (ec_public(ec.SECP521R1(), "P-521"), "is not on the curve P-384"),
        (ec_public(ec.SECP256R1(), "P-384"), "is not a valid key"),
    ],
)
def test_a_key_that_cannot_verify_has_its_flaw_named(key: Jwk, why: str) -> None:
    assert flaw(key) == why


@pytest.mark.parametrize(
    "changes",
    [
        {"crit": ["exp"], "exp": "1"},
        {"b64": False, "crit": ["b64"]},
        {"b64": False},
        {"jwk": public(RSA_KEY)},
        {"x5c": [["nested"]]},
        {"kid": 5},
        {"kid": ["k"]},
        {"typ": ["JWT"]},
        {"alg": ["ES384"]},
        {"jku": ["https://a.example"]},
    ],
)
def test_a_header_that_is_not_understood_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadToken):
        read(forged(sign(CLAIMS, EC_KEY), **changes))


@pytest.mark.parametrize("name", ["alg", "kid", "typ"])
def test_a_header_that_lacks_a_member_is_refused(name: str) -> None:
    header = {"alg": "ES384", "kid": "k", "typ": "JWT"}
    assert read(unsigned(header))
    del header[name]
    with pytest.raises(BadToken):
        read(unsigned(header))


def test_a_compressed_or_encrypted_token_is_refused_unread() -> None:
    bomb = b64(zlib.compress(b"0" * 10_000_000))
    header = segment({"alg": "dir", "enc": "A256GCM", "zip": "DEF", "kid": "k", "typ": "JWT"})
    for token in (f"{header}..{b64(b'0' * 12)}.{bomb}.{b64(b'0' * 16)}", f"{header}.{bomb}.AAAA"):
        with pytest.raises(BadToken):
            read(token)


@pytest.mark.parametrize("parts", [1, 2, 4, 5])
def test_a_token_has_three_parts(parts: int) -> None:
    head, claims, signature = sign(CLAIMS, EC_KEY).split(".")
    with pytest.raises(BadToken):
        read(".".join([head, claims, signature, "AAAA", "AAAA"][:parts]))


def test_a_token_over_the_size_bound_is_refused() -> None:
    with pytest.raises(BadToken):
        read(sign({"jti": "x" * MAX_TOKEN}, EC_KEY))


@pytest.mark.parametrize("payload", [b"[" * 9000, b'{"a":' * 1500, b"[]", b"1", b'{"exp":NaN}', b"\xff", b""])
def test_claims_that_are_not_a_json_object_are_refused(payload: bytes) -> None:
    head, _, signature = sign(CLAIMS, EC_KEY).split(".")
    for token in (f"{head}.{b64(payload)}.{signature}", f"{b64(payload)}.{segment(CLAIMS)}.{signature}"):
        with pytest.raises(BadToken):
            read(token)


@given(st.text())
@example(sign(CLAIMS, EC_KEY) + "\n")
@example(sign(CLAIMS, EC_KEY).replace(".", " .", 1))
def test_no_text_that_is_not_a_token_of_the_key_verifies(text: str) -> None:
    with pytest.raises(BadToken):
        verify(text, public(EC_KEY))


@given(st.integers(0, 10_000), st.sampled_from("AQgw_-."))
def test_a_token_with_one_character_changed_says_the_same_or_nothing(at: int, character: str) -> None:
    """The last character of a part carries bits that base64url ignores, so a change there may change nothing."""
    token = sign(CLAIMS, EC_KEY)
    at %= len(token)
    with contextlib.suppress(BadToken):
        assert verify(token[:at] + character + token[at + 1 :], public(EC_KEY)) == CLAIMS


def test_a_key_survives_its_pem() -> None:
    key = generate()
    assert from_pem(to_pem(key)) == key
    assert key["kid"] == thumbprint(key)


def test_a_pem_of_another_kind_of_key_is_refused() -> None:
    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(ValueError, match="P-384"):
        from_pem(other.decode())


def test_a_thumbprint_is_the_one_of_rfc_7638() -> None:
    """The example of section 3.1."""
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3"
        "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdA"
        "ZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-"
        "kEgU8awapJzKnqDKgw"
    )
    assert thumbprint({"kty": "RSA", "n": n, "e": "AQAB"}) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_a_published_key_has_no_private_part() -> None:
    assert set(public(EC_KEY)) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert set(public(RSA_KEY)) == {"kty", "n", "e", "kid"}


def test_python_jose_is_imported_here_alone_and_never_its_encryption() -> None:
    app = Path(__file__).parents[2] / "app"
    imports = {
        (
            path.relative_to(app).as_posix(),
            f"{node.module}.{name.name}" if isinstance(node, ast.ImportFrom) else name.name,
        )
        for path in app.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    found = {(path, name) for path, name in imports if name.split(".")[0] == "jose"}
    assert found == {("auth/jose.py", name) for name in ("jose.jwk", "jose.jws", "jose.exceptions.JOSEError")}

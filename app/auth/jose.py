"""Signed tokens and keys: the one module that uses python-jose, with its algorithms pinned.
https://datatracker.ietf.org/doc/html/rfc8725

The algorithm comes from the key's own type and never from the token, whose header has to say the same; so no token
can choose `none`, an HMAC, or another curve (CVE-2024-33663). Only a flat three-part JWS of bounded size is read:
nothing is ever decrypted or decompressed (CVE-2024-33664).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jose import jwk as jose_jwk
from jose import jws
from jose.exceptions import JOSEError

Jwk = dict[str, Any]
ALGORITHM_OF = {"RSA": "RS384", "EC": "ES384"}
"""Key type -> the one algorithm that a key of it is used with."""
ALGORITHMS = tuple(sorted(ALGORITHM_OF.values()))
OF_PROVIDERS = {"RS256": ("RSA", None), "RS384": ("RSA", None), "ES256": ("EC", "P-256"), "ES384": ("EC", "P-384")}
"""Algorithms of ID tokens -> the key type and curve that a key for it has."""
MAX_TOKEN = 16_384
MIN_RSA_BITS, MAX_RSA_BITS, MAX_EXPONENT_BITS = 2048, 8192, 32
_TOKEN = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+")
_NUMBER = re.compile(r"[A-Za-z0-9_-]{1,2048}")
_PUBLIC = {"RSA": ("e", "n"), "EC": ("crv", "x", "y")}
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


class BadToken(Exception):
    """The token is not valid. Its message is for the log, and is never shown."""


class UnreadableToken(BadToken):
    """The token cannot be read, before any key is looked at. Its message tells its sender what to change."""


@dataclass(frozen=True, slots=True)
class Header:
    """The part of a JOSE header that is used."""

    alg: str
    kid: str
    typ: str
    jku: str | None


def read(token: str) -> tuple[Header, dict[str, Any]]:
    """The header and the claims of a token, not verified. Raises BadToken, or UnreadableToken with what to change."""
    match = _TOKEN.fullmatch(token) if len(token) <= MAX_TOKEN else None
    if not match:
        raise UnreadableToken(f"is not a compact JWT (header.claims.signature, at most {MAX_TOKEN} characters)")
    header, claims = _object(match[1]), _object(match[2])
    alg, kid, typ, jku = (header.get(name) for name in ("alg", "kid", "typ", "jku"))
    if missing := [name for name, value in (("alg", alg), ("kid", kid), ("typ", typ)) if not isinstance(value, str)]:
        raise UnreadableToken(f"lacks {', '.join(missing)} in its header")
    if "crit" in header or not all(_flat(v) for v in header.values()):
        raise UnreadableToken("has a header with 'crit' or nested values, which are not supported")
    if alg not in ALGORITHMS:
        raise UnreadableToken(f"is signed with an algorithm that is not accepted: use {' or '.join(ALGORITHMS)}")
    if jku is not None and not isinstance(jku, str):
        raise UnreadableToken("has a jku that is not a string")
    return Header(str(alg), str(kid), str(typ), jku), claims


def verify(token: str, key: Jwk) -> dict[str, Any]:
    """The claims of a token that `key` (public or private) signed. Raises BadToken."""
    _, claims = read(token)
    if why := flaw(public(key)):
        raise BadToken(f"the key {why}")
    algorithm = ALGORITHM_OF[key["kty"]]
    try:
        jws.verify(token, jose_jwk.construct(public(key), algorithm), algorithms=[algorithm])
    except JOSEError as e:
        raise BadToken("the signature does not hold") from e
    return claims


def verify_id_token(token: str, keys: Sequence[Jwk]) -> dict[str, Any]:
    """The claims of an OpenID Connect ID token that one of its provider's keys signed. Raises BadToken.

    Providers sign with what the field uses, RS256 above all; what this server signs and clients send stays narrower.
    """
    match = _TOKEN.fullmatch(token) if len(token) <= MAX_TOKEN else None
    if not match:
        raise BadToken("not a compact JWT")
    header, claims = _object(match[1]), _object(match[2])
    kind = OF_PROVIDERS.get(str(header.get("alg")))
    if kind is None or "crit" in header or not all(_flat(v) for v in header.values()):
        raise BadToken("a header that is not accepted")
    found = [
        k for k in keys if (k.get("kty"), k.get("crv")) == kind and header.get("kid", k.get("kid")) == k.get("kid")
    ]
    for key in found:
        if key.get("use", "sig") != "sig" or key.get("alg", header["alg"]) != header["alg"] or key.keys() & _PRIVATE:
            continue
        try:
            if kind[0] == "RSA" and not _measured(key):
                continue
            public_key = {n: key[n] for n in ("kty", *_PUBLIC[kind[0]])}
            jws.verify(token, jose_jwk.construct(public_key, header["alg"]), algorithms=[header["alg"]])
        except (JOSEError, ValueError, KeyError, TypeError):
            continue
        return claims
    raise BadToken("no key of the provider's made the signature")


def sign(claims: dict[str, Any], key: Jwk, *, typ: str = "JWT") -> str:
    """A compact JWS of the claims by a private key, with its `kid`."""
    algorithm = ALGORITHM_OF[key["kty"]]
    headers = {"kid": key["kid"], "typ": typ}
    return jws.sign(orjson.dumps(claims), jose_jwk.construct(key, algorithm), headers=headers, algorithm=algorithm)


def sign_detached(content: bytes, key: Jwk, claims: dict[str, str]) -> str:
    """A compact JWS of bytes that are sent beside it; `claims` stand in its header. RFC 7515, appendix F."""
    algorithm = ALGORITHM_OF[key["kty"]]
    headers = {"kid": key["kid"], "typ": "JOSE", **claims}
    token = jws.sign(content, jose_jwk.construct(key, algorithm), headers=headers, algorithm=algorithm)
    header, _, signature = str(token).split(".")
    return f"{header}..{signature}"


def flaw(key: Jwk) -> str | None:
    """Why a public JWK cannot verify, or None when it can."""
    if key.keys() & _PRIVATE:
        return "holds private parts"
    kty = key.get("kty")
    if not isinstance(kty, str) or kty not in _PUBLIC:
        return "has a kty that is not RSA or EC"
    if key.get("use", "sig") != "sig" or key.get("alg", ALGORITHM_OF[kty]) != ALGORITHM_OF[kty]:
        return f"is not for signatures with {ALGORITHM_OF[kty]}"
    if "key_ops" in key and not (isinstance(key["key_ops"], list) and "verify" in key["key_ops"]):
        return "has key_ops without verify"
    if not all(isinstance(key.get(n), str) and _NUMBER.fullmatch(key[n]) for n in _PUBLIC[kty]):
        return f"lacks {', '.join(_PUBLIC[kty])} in base64url"
    return _weakness(key)


def public(key: Jwk) -> Jwk:
    """The public parts of a JWK, with what says how it is used."""
    names = (*_PUBLIC.get(str(key.get("kty")), ()), "kty", "kid", "use", "alg", "key_ops")
    return {name: key[name] for name in names if name in key and key[name] is not None}


def generate() -> Jwk:
    """A new private ES384 key; its kid is its thumbprint."""
    return _described(ec.generate_private_key(ec.SECP384R1()))


def to_pem(key: Jwk) -> str:
    """A private EC JWK as PKCS #8 PEM."""
    private = jose_jwk.construct(key, ALGORITHM_OF["EC"]).prepared_key  # type: ignore[attr-defined]
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return str(private.private_bytes(serialization.Encoding.PEM, pkcs8, plain).decode())


def from_pem(pem: str) -> Jwk:
    """The private EC JWK of a PEM."""
    private = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(private, ec.EllipticCurvePrivateKey) or not isinstance(private.curve, ec.SECP384R1):
        raise ValueError("not a private key on P-384")
    return _described(private)


def thumbprint(key: Jwk) -> str:
    """The SHA-256 thumbprint of a key. https://datatracker.ietf.org/doc/html/rfc7638"""
    members = {name: key[name] for name in ("kty", *_PUBLIC[key["kty"]])}
    digest = hashlib.sha256(orjson.dumps(members, option=orjson.OPT_SORT_KEYS)).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _described(private: ec.EllipticCurvePrivateKey) -> Jwk:
    algorithm = ALGORITHM_OF["EC"]
    key: Jwk = jose_jwk.ECKey(private, algorithm).to_dict()
    return {**key, "kid": thumbprint(key), "use": "sig", "alg": algorithm}


def _weakness(key: Jwk) -> str | None:
    if key["kty"] == "EC" and key["crv"] != "P-384":
        return "is not on the curve P-384"
    try:
        if key["kty"] == "RSA" and not _measured(key):
            return f"is not an RSA key of {MIN_RSA_BITS} to {MAX_RSA_BITS} bits with a small exponent"
        jose_jwk.construct({n: key[n] for n in ("kty", *_PUBLIC[key["kty"]])}, ALGORITHM_OF[key["kty"]])
    except (JOSEError, ValueError):
        return "is not a valid key"
    return None


def _measured(key: Jwk) -> bool:
    n, e = (int.from_bytes(_decoded(key[name]), "big").bit_length() for name in ("n", "e"))
    return MIN_RSA_BITS <= n <= MAX_RSA_BITS and e <= MAX_EXPONENT_BITS


def _object(segment: str) -> dict[str, Any]:
    try:
        value = orjson.loads(_decoded(segment))
    except ValueError as e:
        raise BadToken("a part is not JSON") from e
    if not isinstance(value, dict):
        raise BadToken("a part is not a JSON object")
    return value


def _decoded(segment: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except binascii.Error as e:
        raise ValueError("not base64url") from e


def _flat(value: Any) -> bool:
    """A string or a list of them: python-jose parses the header again, with a parser that nesting can exhaust."""
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(v, str) for v in value))

"""Sets of public keys: which one a token's header means, and what a client may register. Pure.
https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html#registering-a-client-communicating-public-keys
"""

from __future__ import annotations

from typing import Any

from app.auth.jose import ALGORITHM_OF, Header, Jwk, flaw, public
from app.errors import HallpassError, Issue, Kind

MAX_KEYS = 50


def pick(keys: list[Jwk], header: Header) -> Jwk | None:
    """The one key that matches the header's kid and the key type of its algorithm; None for none or several."""
    found = [k for k in keys if k.get("kid") == header.kid and ALGORITHM_OF.get(str(k.get("kty"))) == header.alg]
    return found[0] if len(found) == 1 and flaw(found[0]) is None else None


def keys_of(document: Any) -> list[Jwk]:
    """The keys of a JWKS document. Raises ValueError when it is not one."""
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list) or len(keys) > MAX_KEYS:
        raise ValueError("not a JSON Web Key Set")
    return [k for k in keys if isinstance(k, dict)]


def registrable(document: Any) -> dict[str, list[Jwk]]:
    """The JWKS to store for a client: public parts only.

    Raises HallpassError(UNPROCESSABLE) that names each key's flaw: one with private parts has been exposed, one
    that cannot verify or whose kid is absent or shared would fail later, without a word.
    """
    try:
        keys = keys_of(document)
    except ValueError:
        raise HallpassError(Kind.UNPROCESSABLE, Issue("A JWKS is an object with a list of keys.", "jwks")) from None
    issues = [Issue(f"The key {w}.", f"jwks.keys[{i}]") for i, k in enumerate(keys) if (w := _unfit(k, keys))]
    if not keys:
        issues = [Issue("The JWKS holds no key.", "jwks.keys")]
    if issues:
        raise HallpassError(Kind.UNPROCESSABLE, *issues)
    return {"keys": [public(k) for k in keys]}


def _unfit(key: Jwk, keys: list[Jwk]) -> str | None:
    if not isinstance(key.get("kid"), str) or not key["kid"]:
        return "has no kid"
    if sum(k.get("kid") == key["kid"] and k.get("kty") == key.get("kty") for k in keys) > 1:
        return "shares its kid and kty with another"
    return flaw(key)

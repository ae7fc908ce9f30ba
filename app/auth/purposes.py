"""The purposes of use of a token: what the client asks for, within what it is registered for. Pure.
https://terminology.hl7.org/CodeSystem-v3-ActReason.html and the hl7-b2b extension of
https://hl7.org/fhir/us/udap-security/STU1/b2b.html
"""

from __future__ import annotations

from typing import Any

from app.auth.oauth import OAuthCode, OAuthError

PURPOSES = frozenset({"TREAT", "ETREAT", "HPAYMT", "HOPERAT", "PATRQT", "BTG", "CAREMGT", "COC"})
"""The v3-ActReason codes that a client of the exchange may be registered for."""
BTG = "BTG"
ACT_REASON = "urn:oid:2.16.840.1.113883.5.8#"


def asked(form: str | None, claims: dict[str, Any]) -> frozenset[str] | None:
    """The codes that a token request names, in its form field or in its assertion; None if in neither.

    Raises OAuthError(invalid_request) for a code that is not understood, and where the two differ.
    """
    in_form = _codes(form.split()) if form else None
    in_claims = _in_assertion(claims)
    if in_form is not None and in_claims is not None and in_form != in_claims:
        raise _refused("The form and the assertion name different purposes of use.")
    return in_claims if in_form is None else in_form


def granted(asked_for: frozenset[str] | None, held: frozenset[str], *, emergency: bool) -> frozenset[str]:
    """The purposes of a token: those asked for, or all that are held but BTG.

    Raises OAuthError(invalid_request) for a purpose that the client is not registered for. BTG is never had by
    default, and only by a client registered for emergencies.
    """
    if asked_for is None:
        return held - {BTG}
    if not asked_for <= held or (BTG in asked_for and not emergency):
        raise _refused("The client is not registered for this purpose of use.")
    return asked_for


def _in_assertion(claims: dict[str, Any]) -> frozenset[str] | None:
    node: Any = claims
    for name in ("extensions", "hl7-b2b", "purpose_of_use"):
        if not isinstance(node, dict):
            raise _refused("The assertion's extensions are not understood.")
        node = node.get(name)
        if node is None:
            return None
    return _codes(node.split() if isinstance(node, str) else node)


def _codes(values: Any) -> frozenset[str]:
    if not isinstance(values, list) or not values or not all(isinstance(v, str) for v in values):
        raise _refused("purpose_of_use is one code or more of v3-ActReason.")
    codes = frozenset(v.removeprefix(ACT_REASON) for v in values)
    if not codes <= PURPOSES:
        raise _refused(f"purpose_of_use is not understood; known are {' '.join(sorted(PURPOSES))}.")
    return codes


def _refused(description: str) -> OAuthError:
    return OAuthError(OAuthCode.INVALID_REQUEST, description)

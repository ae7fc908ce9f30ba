"""Consent: a release of information, as signed.
https://hl7.org/fhir/R4/consent.html
"""

from __future__ import annotations

from typing import Any

from fhir.resources.R4B.consent import Consent

from app.resources.declaration import ResourceType, Visibility
from app.resources.paths import values

PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"


def parties(consent: dict[str, Any]) -> list[str]:
    """References of the organizations that the Consent names as discloser (CST) or recipient (IRCP).

    At the root, and in an exception that permits. An organization that only an exception keeps out is no party: that
    it is kept out is not its business.
    """
    root = consent.get("provision", {})
    actors = values(root, "actor") + _permitted(root, permit=root.get("type") == "permit")
    named = [actor for actor in actors if _is_party(actor)]
    return values(consent, "organization.reference") + [r for a in named for r in values(a, "reference.reference")]


def _permitted(provision: dict[str, Any], *, permit: bool) -> list[Any]:
    """The actors of the permits nested in a provision, at any depth."""
    found: list[Any] = []
    for nested in values(provision, "provision"):
        found += values(nested, "actor") if not permit else []
        found += _permitted(nested, permit=not permit)
    return found


def _is_party(actor: dict[str, Any]) -> bool:
    roles = values(actor, "role.coding")
    return any(x.get("system") == PARTICIPATION and x.get("code") in ("CST", "IRCP") for x in roles)


CONSENT = ResourceType(
    name="Consent",
    model=Consent,
    visibility=Visibility.COMPARTMENT,
    student="patient",
    codes=("category",),
    clinical_date=("dateTime",),
    authors=("performer",),
    parties=parties,
    deletable=False,
)

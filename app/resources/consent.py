"""Consent: a release of information, as signed.
https://hl7.org/fhir/R4/consent.html
"""

from __future__ import annotations

from typing import Any

from fhir.resources.R4B.consent import Consent

from app.resources.declaration import Reach, ResourceType
from app.resources.paths import values

PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"


def parties(consent: dict[str, Any]) -> list[str]:
    """References of the organizations that the Consent names as discloser (CST) or recipient (IRCP).

    An organization that only an exception names is no party: that it is kept out is not its business.
    """
    actors = [
        actor
        for actor in values(consent, "provision.actor")
        if any(
            c.get("system") == PARTICIPATION and c.get("code") in ("CST", "IRCP") for c in values(actor, "role.coding")
        )
    ]
    return values(consent, "organization.reference") + [r for a in actors for r in values(a, "reference.reference")]


CONSENT = ResourceType(
    name="Consent",
    model=Consent,
    reach=Reach.COMPARTMENT,
    student="patient",
    codes=("category",),
    clinical_date=("dateTime",),
    authors=("performer",),
    parties=parties,
    deletable=False,
)

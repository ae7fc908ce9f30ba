"""Releases that open students' records to the caller, always with an exception, and ones that open nothing to it."""

from __future__ import annotations

from random import Random
from typing import Any

from app.consent import codes as c
from assurance.noninterference.draw import EXCEPTED, SERVICE, Body, coded
from assurance.noninterference.records import DRAWN
from tests import build

OPENED = ("Patient", "RelatedPerson", "ServiceRequest", "Encounter", "Binary", *DRAWN)
"""The types that a release to the caller can open. Groups and Consents of others stay hidden."""
NAMED = ("R", "PSY")
"""The labels that a release to the caller can name."""
NEVER = (("V",), ("SUD",), ("HIV",), ("42CFRPart2",), ("PSYTHPN", "R"), ("unheard-of",))
"""Labels that no release to the caller names: what carries them is hidden whatever is signed."""


def release(
    rng: Random,
    student: str,
    signer: str,
    discloser: str,
    recipient: str,
    *,
    purpose: str = "TREAT",
    end: str = "",
    whole: bool = False,
) -> Body:
    """An active release of some of OPENED (`whole`: all). Ids of a Patient, a RelatedPerson and two Organizations."""
    classes = tuple(t for t in OPENED if whole or t == "Patient" or rng.random() < 0.8)
    exception = {"type": "deny", "class": [build.type_class("ServiceRequest")], "code": [coded(EXCEPTED, SERVICE)]}
    provision: dict[str, Any] = {"provision": [exception], "purpose": [{"system": c.ACT_REASON, "code": purpose}]}
    if not whole and rng.random() < 0.3:
        named = [x for x in NAMED if rng.random() < 0.7] or ["R"]
        systems = {"R": c.CONFIDENTIALITY_SYSTEM, "PSY": c.ACT_CODE}
        provision["securityLabel"] = [{"system": systems[x], "code": x} for x in named]
    provision["period"] = {"start": "2026-09-15", "end": end or rng.choice(["2026-12-15", "2027-06-30"])}
    return _signed(rng, student, signer, discloser, recipient, classes=classes, provision=provision)


def denial(rng: Random, student: str, signer: str, discloser: str, recipient: str) -> Body:
    """An active Consent that keeps some type from a recipient."""
    provision = {"type": "deny"}
    return _signed(rng, student, signer, discloser, recipient, classes=(rng.choice(OPENED),), provision=provision)


def _signed(rng: Random, student: str, signer: str, discloser: str, recipient: str, **more: Any) -> Body:
    """Each on a form of its own, which the run's own dice name."""
    return build.consent(
        {"resourceType": "Patient", "id": student},
        {"resourceType": "RelatedPerson", "id": signer},
        {"reference": f"Organization/{discloser}"},
        {"reference": f"Organization/{recipient}"},
        sourceAttachment={"contentType": "application/pdf", "title": f"Form {rng.getrandbits(48)}"},
        **more,
    )

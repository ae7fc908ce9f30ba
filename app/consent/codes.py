"""The codes that releases are written in, from HL7's code systems and the exchange's own.

https://terminology.hl7.org (v3-ActReason, v3-ActCode, v3-Confidentiality, v3-RoleCode). What is not known here is
not understood, and what is not understood grants nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_DEFINITIONS: dict[str, Any] = json.loads((Path(__file__).parent / "definitions" / "codes.json").read_text())

ACT_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
CONFIDENTIALITY_SYSTEM = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
ROLE_CODE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
CONSENT_ACTION = "http://terminology.hl7.org/CodeSystem/consentaction"
CONSENT_SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
CONSENT_POLICY = "http://terminology.hl7.org/CodeSystem/consentpolicycodes"
RESOURCE_TYPES = "http://hl7.org/fhir/resource-types"
URI = "urn:ietf:rfc:3986"

OURS = "https://hallpass.example/fhir"
REGIME_SYSTEM = f"{OURS}/CodeSystem/regime"
ACTOR_ROLE = f"{OURS}/CodeSystem/actor-role"
RECIPIENT_CLASS = f"{OURS}/CodeSystem/recipient-class"
EXPIRY_EVENT = f"{OURS}/CodeSystem/expiry-event"
SIGNATURE_ASKED = f"{OURS}/StructureDefinition/signature-asked"
CONFIRMED_BY = f"{OURS}/StructureDefinition/confirmed-by"
EXPIRY_EVENT_EXTENSION = f"{OURS}/StructureDefinition/expiry-event"
CONTACT_PERMISSION = f"{OURS}/StructureDefinition/contact-permission"
CONTACT_RESTRICTION = f"{OURS}/StructureDefinition/contact-restriction"
GUARDIAN_AUTHORITY = f"{OURS}/StructureDefinition/guardian-authority"
ADULT_GUARDIAN = f"{OURS}/StructureDefinition/adult-guardian"
EMANCIPATED = f"{OURS}/StructureDefinition/emancipated"
POSTSECONDARY = f"{OURS}/StructureDefinition/postsecondary-enrollment"
HONOR_EXTENSION = f"{OURS}/StructureDefinition/honor-parental-release"
TIME_ZONE_EXTENSION = "http://hl7.org/fhir/StructureDefinition/timezone"

NORMAL = 3
CONFIDENTIALITY: dict[str, int] = {"U": 0, "L": 1, "M": 2, "N": NORMAL, "R": 4, "V": 5}
"""v3-Confidentiality in its order; a resource without one counts as N."""
NOT_UNDERSTOOD = 6
"""The confidentiality of a resource whose own code is unknown: above everything that a release can name."""

PART2 = "42CFRPart2"
PSYCHOTHERAPY_NOTE = "PSYTHPN"
WHO_SIGNS = f"{OURS}/CodeSystem/who-signs"
MINOR_SIGNS, BOTH_SIGN = "minor-signs", "both-sign"
HANGS_ON_SIGNERS = frozenset({PART2, MINOR_SIGNS, BOTH_SIGN})
"""Labels of records for which not every signature counts: the law's, and those by which the custodian says who signs.

A release does not name the custodian's two; they are about who signs it."""
SENSITIVITY: frozenset[str] = frozenset(_DEFINITIONS["sensitivity"])
PRIVACY_LAWS: frozenset[str] = frozenset(_DEFINITIONS["privacy_laws"])
HANDLING: frozenset[str] = frozenset(_DEFINITIONS["handling"]) | {"PROCESSINLINELABEL"}
"""Refrain and obligation policies: how to treat what was received. They keep nothing back."""
TYPE_NAMES: frozenset[str] = frozenset(_DEFINITIONS["resource_types"]) - {"Resource", "DomainResource"}
"""Without the abstract ones: no record is of such a type, so that to deny them would deny nothing."""
ACTIONS = frozenset({"collect", "access", "use", "disclose", "correct"})
READING_ACTIONS = frozenset({"access", "disclose"})
EVENTS = frozenset({"end-of-treatment", "end-of-enrollment", "graduation"})
NO_EVENT = "none"
"""The expiry of a release that has no end, where its law lets it have none."""
GUARDIANS = frozenset({"MTH", "FTH", "NMTH", "NFTH", "ADOPTP", "ADOPTF", "ADOPTM", "GUARD"})
"""v3-RoleCode relationships with authority of their own: mothers, fathers, adoptive parents and legal guardians.
All others (a bare parent, a guardian ad litem, step, foster, fetal parents) have it by `guardian-authority` alone."""

_PARENTS: dict[str, list[str]] = _DEFINITIONS["purposes"]
PURPOSES: frozenset[str] = frozenset(_PARENTS)


def widen(purposes: Iterable[str]) -> frozenset[str]:
    """The purposes and all that they are a kind of: who treats in an emergency (ETREAT) treats (TREAT)."""
    found: set[str] = set()
    waiting = list(purposes)
    while waiting:
        code = waiting.pop()
        if code not in found:
            found.add(code)
            waiting.extend(_PARENTS.get(code, ()))
    return frozenset(found)

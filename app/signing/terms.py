"""What a release says, as far as a page can put it in plain words. Pure. https://hl7.org/fhir/R4/consent.html

Whoever signs must read all of it. So a release that says more than there are words for is signed on paper and filed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.consent import codes as c
from app.resources.paths import first, values
from app.resources.refs import local_id

Json = dict[str, Any]
KINDS = (
    "Patient",
    "RelatedPerson",
    "ServiceRequest",
    "Task",
    "Encounter",
    "Observation",
    "Condition",
    "DocumentReference",
    "CarePlan",
    "Goal",
    "QuestionnaireResponse",
)
"""Types that a release can name on the page, in the order in which they are told."""
LABELS = ("BH", "PSY", "SUD", "ETH", "HIV", "SDV", "STD", "SEX", "R")
"""Labels that there are words for."""
PURPOSES = ("TREAT", "CAREMGT", "COC", "HOPERAT")
LAWS = {"ferpa": "https://www.ecfr.gov/current/title-34/section-99.30",
        "hipaa": "https://www.ecfr.gov/current/title-45/section-164.508"}  # fmt: skip
_SAID = frozenset({"id", "type", "period", "actor", "purpose", "class", "securityLabel"})
_OPEN = frozenset({"draft", "proposed"})


@dataclass(frozen=True, slots=True)
class Terms:
    """Who gets what, why and until when; `kept` is what stays here. Kinds, labels and purposes are codes."""

    recipients: tuple[str, ...]
    kinds: tuple[str, ...]
    labels: tuple[str, ...]
    purposes: tuple[str, ...]
    begin: str
    end: str

    @property
    def kept(self) -> tuple[str, ...]:
        """Kinds that it does not share."""
        return tuple(k for k in KINDS if k not in self.kinds)


def terms(consent: Json) -> Terms | None:
    """What a Consent says; None where there are no words for all of it."""
    provision = consent.get("provision", {})
    actors, classes = values(provision, "actor"), values(provision, "class")
    recipients = [str(found) for a in actors if (found := local_id(a.get("reference"), "Organization"))]
    labels, purposes = values(provision, "securityLabel"), values(provision, "purpose")
    uris = {p.get("uri") for p in values(consent, "policy")}
    told = (
        provision.get("type") == "permit"
        and provision.keys() <= _SAID
        and bool(recipients)
        and len(recipients) == len(actors)
        and all(set(values(a, "role.coding.code")) == {"IRCP"} for a in actors)
        and bool(classes)
        and all(x.get("system") == c.RESOURCE_TYPES and x.get("code") in KINDS for x in classes)
        and all(x.get("code") in LABELS for x in labels)
        and bool(purposes)
        and all(x.get("code") in PURPOSES for x in purposes)
        and bool(first(provision, "period.end"))
        and "policyRule" not in consent
        and bool(uris)
        and uris <= set(LAWS.values())
    )
    if not told:
        return None
    return Terms(
        tuple(recipients),
        tuple(k for k in KINDS if k in {x["code"] for x in classes}),
        tuple(x["code"] for x in labels),
        tuple(x["code"] for x in purposes),
        str(first(provision, "period.start") or ""),
        str(first(provision, "period.end")),
    )


def asked(consent: Json) -> list[str]:
    """Whose signature is asked for and lacks, as references, of a Consent that is not signed yet."""
    if consent.get("status") not in _OPEN:
        return []
    found = (e.get("valueReference", {}) for e in values(consent, "extension") if e.get("url") == c.SIGNATURE_ASKED)
    return [str(r.get("reference")) for r in found]


def with_asked(consent: Json, signer: str) -> Json:
    """A draft that waits for one more signature."""
    if signer in asked(consent):
        return consent
    extension = {"url": c.SIGNATURE_ASKED, "valueReference": {"reference": signer}}
    return {**consent, "status": "proposed", "extension": [*values(consent, "extension"), extension]}


def signed_by(consent: Json, signer: str, at: str, document: str) -> Json:
    """The Consent with one more signature: active with the last, which is asked for; proposed until then."""
    rest = [s for s in asked(consent) if s != signer]
    kept = [e for e in values(consent, "extension") if not _asks(e, signer)]
    found = {k: v for k, v in consent.items() if k not in ("extension", "sourceAttachment")}
    performers = [p for p in values(consent, "performer") if p.get("reference") != signer]
    return {
        **found,
        **({"extension": kept} if kept else {}),
        "status": "proposed" if rest else "active",
        "dateTime": at,
        "performer": [*performers, {"reference": signer}],
        "sourceReference": {"reference": document},
    }


def _asks(extension: Json, signer: str) -> bool:
    return bool(
        extension.get("url") == c.SIGNATURE_ASKED and extension.get("valueReference", {}).get("reference") == signer
    )

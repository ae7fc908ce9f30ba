"""What is kept of a signature: the page as it was signed, with who, when and how, and its hash. 34 CFR 99.30(d)

https://hl7.org/fhir/R4/documentreference.html and https://hl7.org/fhir/R4/provenance.html
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from hashlib import sha1, sha256
from typing import Any

from app.consent import codes as c

Json = dict[str, Any]
LOINC = "http://loinc.org"
PRIVACY_CONSENT = "59284-0"
SIGNATURE_TYPES = "urn:iso-astm:E1762-95:2013"
CONSENT_SIGNATURE = "1.2.840.10065.1.12.1.7"
CONTENT_TYPE = "text/html"


@dataclass(frozen=True, slots=True)
class Signed:
    """One act of signing, or of ending."""

    consent: str
    patient: str
    signer: str
    organization: str
    at: str
    title: str
    language: str
    page: str
    minor: bool
    """The student signs before majority: a parent is not told."""


def document(signed: Signed) -> Json:
    """The page as a DocumentReference. Restricted: a release does not take it along unless it says so."""
    page = signed.page.encode()
    labels = [{"system": c.CONFIDENTIALITY_SYSTEM, "code": "R"}]
    labels += [{"system": c.WHO_SIGNS, "code": c.MINOR_SIGNS}] if signed.minor else []
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": {"coding": [{"system": LOINC, "code": PRIVACY_CONSENT, "display": "Consent Document"}]},
        "subject": {"reference": signed.patient},
        "date": signed.at,
        "author": [{"reference": signed.signer}],
        "custodian": {"reference": signed.organization},
        "securityLabel": [{"coding": labels}],
        "content": [
            {
                "attachment": {
                    "contentType": CONTENT_TYPE,
                    "language": signed.language,
                    "data": base64.b64encode(page).decode(),
                    "size": len(page),
                    "hash": base64.b64encode(sha1(page).digest()).decode(),  # noqa: S324 - FHIR says which
                    "title": signed.title,
                    "creation": signed.at,
                }
            }
        ],
        "context": {"related": [{"reference": signed.consent}]},
    }


def provenance(signed: Signed, document_reference: str) -> Json:
    """Who signed what, and when; the signature's data is the SHA-256 of the page."""
    who = {"reference": signed.signer}
    digest = sha256(signed.page.encode()).hexdigest()
    return {
        "resourceType": "Provenance",
        "target": [{"reference": r} for r in (signed.patient, signed.consent, document_reference)],
        "recorded": signed.at,
        "agent": [{"who": who, "onBehalfOf": {"reference": signed.patient}} if who["reference"] != signed.patient
                  else {"who": who}],
        "signature": [
            {
                "type": [{"system": SIGNATURE_TYPES, "code": CONSENT_SIGNATURE, "display": "Consent Signature"}],
                "when": signed.at,
                "who": who,
                "targetFormat": CONTENT_TYPE,
                "sigFormat": "text/plain",
                "data": base64.b64encode(digest.encode()).decode(),
            }
        ],
    }  # fmt: skip


def page_of(document_reference: Json, consent: str, signer: str) -> bytes | None:
    """The page that a DocumentReference holds; None where it is no evidence of this person's act on this Consent."""
    related = document_reference.get("context", {}).get("related", [])
    attachment = document_reference["content"][0]["attachment"]
    told = {"reference": consent} in related and {"reference": signer} in document_reference.get("author", [])
    if not told or attachment.get("contentType") != CONTENT_TYPE or "data" not in attachment:
        return None
    return base64.b64decode(attachment["data"])

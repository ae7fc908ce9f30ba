"""The exchange's own extensions. https://hl7.org/fhir/R4/defining-extensions.html"""

from __future__ import annotations

from dataclasses import dataclass

from app.terminology.definition import canonical
from app.terminology.value_sets import value_set


@dataclass(frozen=True, slots=True)
class Own:
    """One extension: where it stands and what it holds."""

    name: str
    on: str
    """The type that it extends."""
    type: str
    """The type of its value."""
    title: str
    description: str
    binding: tuple[str, str] | None = None
    also: tuple[str, ...] = ()
    """Other elements that it extends."""
    most: str = "1"
    """How many an element may have."""

    @property
    def url(self) -> str:
        """Its canonical URL."""
        return canonical("StructureDefinition", self.name)


EXTENSIONS: tuple[Own, ...] = (
    Own(
        "grade-level",
        "Patient",
        "CodeableConcept",
        "Grade level",
        "The grade that the student is enrolled in.",
        ("preferred", value_set("grade-level")),
    ),
    Own(
        "guardian-authority",
        "RelatedPerson",
        "boolean",
        "Guardian authority",
        "Whether the person has parental or guardian authority over the student; it overrules the relationship.",
    ),
    Own(
        "contact-permission",
        "RelatedPerson",
        "code",
        "Contact permission",
        "How the person may be contacted: what is not permitted does not leave the custodian. Also on a Patient and "
        "on Patient.contact. Without it every way is permitted.",
        ("required", value_set("contact-permission")),
        also=("Patient", "Patient.contact"),
        most="2",
    ),
    Own(
        "contact-restriction",
        "RelatedPerson",
        "boolean",
        "Contact restriction",
        "Whether a restriction on contact with the student is on file; it takes away authority by the relationship.",
    ),
    Own(
        "adult-guardian",
        "RelatedPerson",
        "boolean",
        "Guardian of an adult",
        "Whether the person is the guardian of the student as an adult, by a court's order.",
    ),
    Own(
        "emancipated",
        "Patient",
        "date",
        "Emancipated",
        "From when the student, a minor, signs as an adult by a state's order; not before it was recorded here.",
    ),
    Own(
        "postsecondary-enrollment",
        "Patient",
        "date",
        "Postsecondary enrollment",
        "From when the student signs for the institution's education records (34 CFR 99.5); not before it is recorded.",
    ),
    Own("lives-with", "RelatedPerson", "boolean", "Lives with", "Whether the student lives with the person."),
    Own(
        "day-of-need",
        "ServiceRequest",
        "date",
        "Day of need",
        "Since when the need is known that a referral is about; the report counts the wait from it.",
    ),
    Own(
        "program",
        "ServiceRequest",
        "CodeableConcept",
        "Program",
        "The program under which a referral is made, such as McKinney-Vento; in the district's own codes.",
        most="*",
    ),
    Own(
        "review-date",
        "CarePlan",
        "date",
        "Review date",
        "When the plan is reviewed with the family: days that are past, and the next one.",
        most="*",
    ),
    Own(
        "expiry-event",
        "Consent",
        "CodeableConcept",
        "Expiry event",
        "The event at which the release ends, where it names no date.",
        ("required", value_set("expiry-event")),
    ),
    Own(
        "signature-asked",
        "Consent",
        "Reference",
        "Signature asked for",
        "Whose signature a draft waits for. A Consent does not become active while one is asked for.",
        most="*",
    ),
    Own(
        "confirmed-by",
        "Consent.verification",
        "string",
        "Confirmed by",
        "Who at the custodian confirmed a release whose signer's authority, or whose agreement, lapsed and is back. The"
        " server alone sets it, by $confirm.",
    ),
    Own(
        "honor-parental-release",
        "Organization",
        "boolean",
        "Honor parental releases",
        "Whether a release that a parent signed is honored beyond the student's 18th birthday, until its own end.",
    ),
    Own(
        "contested-statement",
        "Meta",
        "Annotation",
        "Contested statement",
        "A statement about a record that a parent or student contests; it leaves with the record. 34 CFR 99.21(c)",
    ),
)

BY_URL = {e.url: e for e in EXTENSIONS}
GRADE_LEVEL, LIVES_WITH = (canonical("StructureDefinition", name) for name in ("grade-level", "lives-with"))

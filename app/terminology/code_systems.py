"""The exchange's own code systems. https://hl7.org/fhir/R4/codesystem.html"""

from __future__ import annotations

from app.consent.recipients import CLASSES
from app.consent.regimes import REGIMES
from app.referral.codes import STATUS_REASONS
from app.referral.returns import STATUS_REASONS as RETURN_REASONS
from app.report.measure_report import GROUPS, display
from app.resources.task import RETURN
from app.terminology.definition import Json, canonical, definition

Concepts = dict[str, str]
"""Display by code."""

REGIME: Concepts = {r.code: r.display for r in REGIMES}
SERVICE_CATEGORY: Concepts = {
    "academic-support": "Tutoring and academic support",
    "adult-education": "Adult education and family literacy",
    "afterschool": "After-school and summer programs",
    "attendance": "Attendance and engagement support",
    "basic-needs": "Clothing, school supplies and other basic needs",
    "case-management": "Case management",
    "counseling": "Counseling",
    "crisis": "Crisis support",
    "dental": "Dental care",
    "digital-access": "Devices and internet access",
    "early-childhood": "Early childhood services",
    "employment": "Employment and job training",
    "family-engagement": "Family engagement and parenting support",
    "financial": "Financial assistance",
    "food": "Food",
    "health-insurance": "Health insurance enrollment",
    "hearing": "Hearing screening and care",
    "homelessness": "Services for students without a home (McKinney-Vento)",
    "housing": "Housing",
    "language-access": "Interpretation and translation",
    "legal": "Legal and immigration services",
    "medical": "Medical care",
    "mental-health": "Mental health care",
    "mentoring": "Mentoring and social connection",
    "safety": "Safety from violence at home",
    "special-education": "Related services of special education",
    "substance-use": "Substance use prevention and treatment",
    "transportation": "Transportation",
    "utilities": "Utilities",
    "vision": "Vision screening and care",
}
REVIEW_DOMAIN: Concepts = {
    "attendance": "Attendance and engagement",
    "learning": "Learning",
    "health": "Health and vision",
    "feelings": "Feelings and behavior",
    "family": "Family and home",
    "basic": "Food, housing and clothing",
    "community": "Friends, community and activities",
}
REVIEW_LEVEL: Concepts = {
    "strength": "A strength",
    "typical": "As expected",
    "need": "A need",
    "urgent": "An urgent need",
}
STUDENT_MEASURE: Concepts = {
    "attendance-rate": "Share of school days attended, in %",
    "days-absent": "School days absent",
    "days-attended": "School days attended",
    "days-tardy": "School days tardy",
    "grade-average": "Grade point average, cumulative",
    "incidents": "Incidents of behavior",
}
GRADE_LEVEL: Concepts = {
    "IT": "Infant or toddler",
    "PR": "Preschool",
    "PK": "Prekindergarten",
    "TK": "Transitional kindergarten",
    "KG": "Kindergarten",
    "01": "First grade",
    "02": "Second grade",
    "03": "Third grade",
    "04": "Fourth grade",
    "05": "Fifth grade",
    "06": "Sixth grade",
    "07": "Seventh grade",
    "08": "Eighth grade",
    "09": "Ninth grade",
    "10": "Tenth grade",
    "11": "Eleventh grade",
    "12": "Twelfth grade",
    "13": "Grade 13",
    "PS": "Postsecondary",
    "AE": "Adult education",
    "UG": "Ungraded",
    "Other": "Other",
}
"""The codes of the Common Education Data Standards, which rosters use. https://ceds.ed.gov (Entry Grade Level)"""
DISCLOSURE_BASIS: Concepts = {
    "release": "Under a signed release: the Consent that the entry cites",
    "party": "To a party that the record itself names: of a Consent its recipient, of a Task its requester or owner",
    "directory": "Of the directory, which is about no student",
    "emergency": "In an emergency, with a reason, without a release",
    "query": "A query read records by its criteria; what it gave out is in entries of its own",
    "transfer": "To the district to which the student changes, 34 CFR 99.31(a)(2); how the parent knows is the reason",
    "asserted": "Outside of the exchange, by telephone, on paper or by subpoena, as the custodian entered it",
}
AUDIT_EVENT_KIND: Concepts = {
    "login": "A client asked for a token",
    "token": "A token that does not hold was shown",
    "scope": "Something was asked that the token's scopes do not allow",
    "emergency": "A student's records were opened in an emergency",
    "command": "The operator ran a command",
    "query": "A query read records of others: what it asked for",
    "access": "A client, or a person in the office, read records of a student that its own organization holds",
}
TASK_CODES: Concepts = {RETURN: "Return or destroy what was received"}
ACTOR_ROLE: Concepts = {"intermediary": "The exchange through which the parties share"}
WHO_SIGNS: Concepts = {
    "minor-signs": "The minor lawfully consented alone to this care, and alone signs for its record",
    "both-sign": "The minor and a parent both sign for this record",
}
SUPPORT_TIER: Concepts = {
    "1": "Universal: for all students",
    "2": "Targeted: for some students",
    "3": "Intensive: for one student",
}
CONTACT_WAYS: Concepts = {
    "call": "May be called",
    "write": "May be written to: by text message, e-mail, fax or mail",
    "none": "Not to be contacted",
}
EXPIRY_EVENT: Concepts = {
    "end-of-treatment": "When the treatment ends",
    "end-of-enrollment": "When the student leaves the district",
    "graduation": "When the student graduates",
    "none": "None: only under 42 CFR Part 2, for treatment, payment and health care operations (2.31(a)(7))",
}

_SYSTEMS: tuple[tuple[str, str, str, Concepts], ...] = (
    ("regime", "Regimes of a release", "The laws under which a release of information can be signed.", REGIME),
    (
        "service-category",
        "Services of a community school",
        "Kinds of services that students and their families are referred to.",
        SERVICE_CATEGORY,
    ),
    ("review-domain", "Domains of a review", "What a review of strengths and needs looks at.", REVIEW_DOMAIN),
    ("review-level", "Levels of a review", "How a student stands in a domain of a review.", REVIEW_LEVEL),
    (
        "student-measure",
        "Measures of a student",
        "Attendance, grades and behavior over a period, as the codes of Observations.",
        STUDENT_MEASURE,
    ),
    ("grade-level", "Grade levels", "The grade that a student is enrolled in, by the codes of CEDS.", GRADE_LEVEL),
    (
        "disclosure-basis",
        "Bases of a disclosure",
        "Why a record could leave its custodian, in an entry of the record of disclosures.",
        DISCLOSURE_BASIS,
    ),
    (
        "audit-event-kind",
        "Kinds of events",
        "What an AuditEvent tells of, where it tells of no disclosure.",
        AUDIT_EVENT_KIND,
    ),
    ("actor-role", "Roles in a release", "What an actor of a release is, where HL7 has no code for it.", ACTOR_ROLE),
    (
        "who-signs",
        "Who signs for a record",
        "Security labels by which the custodian says who signs for a minor's record, where not a parent alone.",
        WHO_SIGNS,
    ),
    (
        "referral-status-reason",
        "Reasons of a referral's status",
        "Why a referral was declined, put on hold, canceled, or came to nothing.",
        STATUS_REASONS,
    ),
    (
        "return-status-reason",
        "Reasons of a request to return or destroy",
        "What became of what left under a release that was filed wrongly.",
        RETURN_REASONS,
    ),
    ("task-code", "Kinds of Tasks", "What a Task asks for, where HL7 has no code for it.", TASK_CODES),
    (
        "support-tier",
        "Tiers of support",
        "How much support a student needs, in a multi-tiered system of supports: a category of a referral.",
        SUPPORT_TIER,
    ),
    (
        "referral-measure",
        "Measures of referrals",
        "What the report on referrals says: the codes of its groups.",
        {code: display(code) for code in GROUPS},
    ),
    (
        "recipient-class",
        "Classes of recipients",
        "Kinds of members that a release may name as its recipient, as the operator says of each organization.",
        {c.code: c.display for c in CLASSES},
    ),
    (
        "contact-permission",
        "Contact permissions",
        "How one of a family may be contacted by those who receive the record.",
        CONTACT_WAYS,
    ),
    ("expiry-event", "Expiry events", "Events at which a release ends, where it names no date.", EXPIRY_EVENT),
)


def code_systems() -> list[Json]:
    """Every CodeSystem."""
    return [_system(*row) for row in _SYSTEMS]


def system(name: str) -> str:
    """The URL of a code system of ours."""
    return canonical("CodeSystem", name)


def codes(name: str) -> Concepts:
    """The concepts of a code system of ours."""
    return next(concepts for own, _, _, concepts in _SYSTEMS if own == name)


def _system(name: str, title: str, description: str, concepts: Concepts) -> Json:
    return definition(
        "CodeSystem",
        name,
        title,
        description,
        caseSensitive=True,
        valueSet=canonical("ValueSet", name),
        content="complete",
        count=len(concepts),
        concept=[{"code": code, "display": display} for code, display in concepts.items()],
    )

"""The profiles of what the exchange carries: student, guardian, referral, service, outcome, release, task, agreement.

https://hl7.org/fhir/R4/profiling.html — what differs from US Core, IHE PCF and Gravity is in docs/differences.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.capability.extensions import GRADE_LEVEL, LIVES_WITH
from app.capability.release import RELEASE
from app.capability.rules import Constraint, Rule
from app.consent import codes as c
from app.referral.codes import DAY_OF_NEED, PROGRAM
from app.terminology.definition import canonical
from app.terminology.value_sets import value_set

FULFILL = ("CodeableConcept", {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]})
ORDER = ("code", "order")
_SERVICE = ("preferred", value_set("service-category"))
_PEOPLE = ("Organization", "Practitioner", "PractitionerRole")
_IDENTIFIER = (
    Rule(path="identifier", short="By which the district knows the student", least=1),
    Rule(path="identifier.system", least=1),
    Rule(path="identifier.value", least=1),
)


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile: what it is of, and its rules in the order of the base's elements."""

    name: str
    type: str
    title: str
    description: str
    rules: tuple[Rule, ...]

    @property
    def url(self) -> str:
        """Its canonical URL."""
        return canonical("StructureDefinition", self.name)


STUDENT = (
    Rule(path="extension:grade-level", extension=GRADE_LEVEL, least=0, most="1"),
    *_IDENTIFIER,
    Rule(path="active"),
    Rule(path="name", least=1),
    Rule(path="telecom"),
    Rule(path="gender"),
    Rule(path="birthDate", short="Says when a parent's signature ends", least=1),
    Rule(path="address"),
    Rule(path="communication"),
    Rule(path="managingOrganization", short="The district"),
)
GUARDIAN = (
    Rule(path="extension:guardian-authority", extension=c.GUARDIAN_AUTHORITY, least=0, most="1"),
    Rule(path="extension:contact-permission", extension=c.CONTACT_PERMISSION, least=0, most="2"),
    Rule(path="extension:lives-with", extension=LIVES_WITH, least=0, most="1"),
    Rule(path="identifier"),
    Rule(path="active", short="false: the person has no authority any more"),
    Rule(path="patient", short="The student"),
    Rule(path="relationship", short="Gives authority, unless guardian-authority says otherwise"),
    Rule(path="name", least=1),
    Rule(path="telecom", short="Ways of contact; the preferred one has rank 1"),
    Rule(path="address"),
    Rule(path="period", short="When the relationship, and the authority with it, holds"),
    Rule(path="communication", short="Languages; the preferred one says so"),
)
REFERRAL = (
    Rule(path="extension:day-of-need", extension=DAY_OF_NEED, least=0, most="1"),
    Rule(path="extension:program", extension=PROGRAM, least=0, most="*"),
    Rule(path="identifier"),
    Rule(path="status", short="The requester's; the progress is the Task's"),
    Rule(path="intent", pattern=ORDER),
    Rule(path="category", short="Kind of service, and the tier of support", binding=_SERVICE),
    Rule(path="priority"),
    Rule(path="code", short="What is asked for", least=1),
    Rule(path="orderDetail", short="contacting-subject-prohibited: the family must not be contacted"),
    Rule(path="subject", short="The student", targets=("Patient",)),
    Rule(path="occurrence[x]"),
    Rule(path="authoredOn", least=1),
    Rule(
        path="requester",
        short="Of a self-referral the family",
        targets=(*_PEOPLE, "Patient", "RelatedPerson"),
    ),
    Rule(path="performer", short="The provider", targets=(*_PEOPLE, "HealthcareService")),
    Rule(path="reasonCode"),
    Rule(path="note"),
)
SERVICE = (
    Rule(
        path="",
        constraints=(
            Constraint("svc-1", "A service that is over has an end", "status = 'finished' implies period.end.exists()"),
        ),
    ),
    Rule(path="identifier"),
    Rule(path="status"),
    Rule(path="class"),
    Rule(path="type", short="Services delivered", least=1, binding=_SERVICE),
    Rule(path="subject", short="The student", least=1, targets=("Patient",)),
    Rule(path="basedOn", short="The referral that it answers"),
    Rule(path="participant"),
    Rule(path="period", least=1),
    Rule(path="period.start", least=1),
    Rule(path="reasonCode", short="Purpose of the visit"),
    Rule(path="serviceProvider", least=1),
)
TASK = (
    Rule(path="identifier"),
    Rule(path="partOf", short="The Task of the referral that this one goes on with"),
    Rule(path="status", binding=("required", value_set("referral-task-status"))),
    Rule(
        path="statusReason",
        short="Why it was rejected, failed, canceled or put on hold",
        binding=("extensible", value_set("referral-status-reason")),
    ),
    Rule(path="statusReason.text", least=1),
    Rule(path="businessStatus", short="How far it is, in BSeR's codes"),
    Rule(path="intent", pattern=ORDER),
    Rule(path="code", least=1, pattern=FULFILL),
    Rule(path="focus", short="The referral", least=1, targets=("ServiceRequest",)),
    Rule(path="for", short="The student", least=1, targets=("Patient",)),
    Rule(path="executionPeriod"),
    Rule(path="authoredOn", least=1),
    Rule(path="lastModified"),
    Rule(path="requester", least=1, targets=_PEOPLE),
    Rule(
        path="owner",
        short="The provider; none while it is a draft, or open to claim",
        targets=(*_PEOPLE, "HealthcareService"),
    ),
    Rule(path="note"),
    Rule(path="output", short="What came of it"),
)
AGREEMENT = (
    Rule(path="active", short="The agreement counts while it is true", least=1),
    Rule(path="period", short="When the agreement holds"),
    Rule(path="organization", short="One party", least=1),
    Rule(path="participatingOrganization", short="The other party", least=1),
    Rule(
        path="code",
        short="What the other party is: recipient (IRCP), discloser (CST)",
        least=1,
        binding=("required", value_set("agreement-direction")),
    ),
)
_UNITS = "http://unitsofmeasure.org"
OUTCOME = (
    Rule(
        path="",
        constraints=(
            Constraint(
                "out-1",
                "A measure has a value in UCUM",
                f"value.where(system = '{_UNITS}' and value.exists() and code.exists()).exists()",
            ),
            Constraint(
                "out-2",
                "A rate is in %",
                "code.coding.where(code = 'attendance-rate').exists() implies value.code = '%'",
            ),
            Constraint(
                "out-3",
                "Days are in d",
                "code.coding.where(code = 'days-absent' or code = 'days-attended' or code = 'days-tardy').exists()"
                " implies value.code = 'd'",
            ),
            Constraint(
                "out-4",
                "What is counted, and an average, is in 1",
                "code.coding.where(code = 'incidents' or code = 'grade-average').exists() implies value.code = '1'",
            ),
        ),
    ),
    Rule(path="identifier", short="By which the district pushes it again"),
    Rule(path="status"),
    Rule(path="code", short="What is measured", least=1, binding=("required", value_set("student-measure"))),
    Rule(path="subject", short="The student", least=1, targets=("Patient",)),
    Rule(path="effective[x]", short="The day or the time that it is of", least=1),
    Rule(path="value[x]", short="The measure, in UCUM", least=1, types=("Quantity",)),
)

PROFILES: tuple[Profile, ...] = (
    Profile("student", "Patient", "Student", "A student of a school district.", STUDENT),
    Profile(
        "guardian", "RelatedPerson", "Guardian or contact", "A parent, guardian or contact of a student.", GUARDIAN
    ),
    Profile("referral", "ServiceRequest", "Referral", "A referral of a student to a service.", REFERRAL),
    Profile("service", "Encounter", "Service delivered", "A service that a student received.", SERVICE),
    Profile(
        "outcome",
        "Observation",
        "Outcome",
        "Attendance, grades or behavior of a student, as a district measures them.",
        OUTCOME,
    ),
    Profile(
        "release",
        "Consent",
        "Release of information",
        "A signed release of a student's records that is complete under the laws that it names.",
        RELEASE,
    ),
    Profile("referral-task", "Task", "Task of a referral", "How far a referral has come.", TASK),
    Profile(
        "agreement",
        "OrganizationAffiliation",
        "Agreement",
        "A memorandum of understanding: which organization may share records with which.",
        AGREEMENT,
    ),
)
BY_URL = {p.url: p for p in PROFILES}

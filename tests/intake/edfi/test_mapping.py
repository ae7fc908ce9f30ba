"""Ed-Fi records as FHIR resources. https://hl7.org/fhir/R4/patient.html"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.consent.codes import GUARDIAN_AUTHORITY
from app.errors import HallpassError
from app.fhir.validation.validate import issues
from app.intake.edfi.mapping import GRADE_LEVEL, LIVES_WITH, District
from app.intake.edfi.shapes import SHAPES, Shape
from tests.intake.support import GRAND_BEND, needs_grand_bend, organization, patient, stage
from tests.intake.support import related_person as mapped_related_person

DISTRICT = District("255901")
STUDENT = {
    "StudentUniqueId": ["604821"],
    "Name": [{"FirstName": ["Tyrone"], "LastSurname": ["Dyer"]}],
    "BirthData": [{"BirthDate": ["2014-11-13"]}],
}
CONTACT = {"ContactUniqueId": ["778393"], "Name": [{"FirstName": ["Carmen"], "LastSurname": ["Dyer"]}]}


def descriptor(name: str, code: str) -> str:
    return f"uri://ed-fi.org/{name}Descriptor#{code}"


def related_person(**association: str) -> dict[str, Any]:
    """The RelatedPerson of CONTACT in an association with these elements."""
    return mapped_related_person(CONTACT, {k: [v] for k, v in association.items()}, "604821", "p1", DISTRICT)


def extension(resource: dict[str, Any], url: str) -> dict[str, Any] | None:
    return next((e for e in resource.get("extension", []) if e["url"] == url), None)


def us_core(resource: dict[str, Any], name: str) -> list[Any] | None:
    found = extension(resource, f"http://hl7.org/fhir/us/core/StructureDefinition/us-core-{name}")
    return (
        [part.get("valueCoding", {}).get("code") or part["valueString"] for part in found["extension"]]
        if found
        else None
    )


def codes(resource: dict[str, Any]) -> list[str]:
    return [c["code"] for r in resource["relationship"] for c in r["coding"] if "terminology.hl7.org" in c["system"]]


def test_a_student_is_a_patient_of_its_district() -> None:
    """Identifier in the district's system of students, official name, birth date, managing organization; no more."""
    assert patient(STUDENT, [], [], DISTRICT) == {
        "resourceType": "Patient",
        "identifier": [{"system": "urn:edfi:255901:student", "value": "604821"}],
        "active": True,
        "name": [{"use": "official", "family": "Dyer", "given": ["Tyrone"]}],
        "birthDate": "2014-11-13",
        "managingOrganization": {"reference": "Organization/d1"},
    }


@pytest.mark.parametrize("missing", ["StudentUniqueId", "Name", "BirthData"])
def test_a_student_that_lacks_what_it_is_known_by_is_refused(missing: str) -> None:
    """The id, the name and the birth date (which says who may sign) are required."""
    with pytest.raises(HallpassError) as refused:
        patient({k: v for k, v in STUDENT.items() if k != missing}, [], [], DISTRICT)
    assert (refused.value.issues[0].expression or "").startswith(missing)


def test_demographics_come_from_the_first_association_that_has_them() -> None:
    """Associations may conflict: each element is taken whole from the one that counts most and has it."""
    district = {"Sex": [descriptor("Sex", "Female")], "Address": [{"City": ["A"]}]}
    school = {
        "Sex": [descriptor("Sex", "Male")],
        "Address": [{"City": ["B"]}],
        "Telephone": [{"TelephoneNumber": ["1"]}],
    }
    found = patient(STUDENT, [district, school], [], DISTRICT)
    assert found["gender"] == "female"
    assert found["address"] == [{"city": "A"}]
    assert found["telecom"] == [{"system": "phone", "value": "1"}]


@pytest.mark.parametrize(
    ("races", "expected"),
    [
        (["White"], ["2106-3", "White"]),
        (["Asian", "Black - African American"], ["2028-9", "2054-5", "Asian; Black - African American"]),
        (["American Indian - Alaska Native"], ["1002-5", "American Indian - Alaska Native"]),
        (["Native Hawaiian - Pacific Islander"], ["2076-8", "Native Hawaiian - Pacific Islander"]),
        (["Choose Not to Respond"], ["ASKU", "Choose Not to Respond"]),
        (["Other"], ["Other"]),
        ([], None),
    ],
)
def test_races_become_the_us_core_extension_with_its_text(races: list[str], expected: list[str] | None) -> None:
    """Each race is a category where it has one, and the text is always there."""
    found = patient(STUDENT, [{"Race": [descriptor("Race", r) for r in races]}], [], DISTRICT)
    assert us_core(found, "race") == expected


@pytest.mark.parametrize(
    ("flag", "expected"),
    [
        (["true"], ["2135-2", "Hispanic or Latino"]),
        (["false"], ["2186-5", "Non Hispanic or Latino"]),
        ([], None),
    ],
)
def test_ethnicity_absent_is_not_false(flag: list[str], expected: list[str] | None) -> None:
    """HispanicLatinoEthnicity is true, false or not said."""
    assert us_core(patient(STUDENT, [{"HispanicLatinoEthnicity": flag}], [], DISTRICT), "ethnicity") == expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("State", [{"system": "urn:edfi:255901:student-state", "value": "078-05-1120"}]), ("SSN", []), ("made up", [])],
)
def test_a_state_id_is_an_identifier_of_its_own_kind(kind: str, expected: list[dict[str, str]]) -> None:
    """Identification codes have a system per kind; one that is not the school system's own is no identifier."""
    system = [descriptor("StudentIdentificationSystem", kind)]
    demographics = {
        "StudentIdentificationCode": [{"IdentificationCode": ["078-05-1120"], "StudentIdentificationSystem": system}]
    }
    assert patient(STUDENT, [demographics], [], DISTRICT)["identifier"][1:] == expected


def test_the_grade_is_that_of_the_enrollment_that_counts() -> None:
    """Not ended before ended, the primary school before others, the latest entry before earlier ones."""

    def enrollment(grade: str, entry: str, **more: str) -> dict[str, Any]:
        level = {"EntryGradeLevel": [descriptor("GradeLevel", grade)], "EntryDate": [entry]}
        return {**level, **{k: [v] for k, v in more.items()}}

    ended = enrollment("Ninth grade", "2025-12-01", ExitWithdrawDate="2025-12-20")
    secondary = enrollment("Eighth grade", "2025-10-01", PrimarySchool="false")
    primary = enrollment("Sixth grade", "2025-08-25", PrimarySchool="true")
    earlier = enrollment("Fifth grade", "2024-08-25")
    for enrollments in ([ended, secondary, primary, earlier], [earlier, primary, secondary, ended]):
        grade = extension(patient(STUDENT, [], enrollments, DISTRICT), GRADE_LEVEL)
        assert grade is not None
        assert grade["valueCodeableConcept"] == {
            "coding": [{"system": "uri://ed-fi.org/GradeLevelDescriptor", "code": "Sixth grade"}],
            "text": "Sixth grade",
        }


def test_a_contact_is_a_related_person_of_one_student() -> None:
    """Known by the association first, since a contact of two siblings is two RelatedPersons."""
    assert related_person(Relation=descriptor("Relation", "Mother"), LivesWith="true") == {
        "resourceType": "RelatedPerson",
        "extension": [{"url": LIVES_WITH, "valueBoolean": True}],
        "identifier": [
            {"system": "urn:edfi:255901:student-contact", "value": "604821/778393"},
            {"system": "urn:edfi:255901:contact", "value": "778393"},
        ],
        "active": True,
        "patient": {"reference": "Patient/p1"},
        "relationship": [
            {
                "coding": [
                    {"system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode", "code": "MTH", "display": "mother"},
                    {"system": "uri://ed-fi.org/RelationDescriptor", "code": "Mother"},
                ],
                "text": "Mother",
            }
        ],
        "name": [{"use": "official", "family": "Dyer", "given": ["Carmen"]}],
    }


def test_no_two_associations_have_one_identifier() -> None:
    """Ids with the separator in them do not run into each other."""

    def value(student: str, contact: str) -> str:
        found = mapped_related_person({**CONTACT, "ContactUniqueId": [contact]}, {}, student, "p", DISTRICT)
        return str(found["identifier"][0]["value"])

    assert value("a/b", "c") != value("a", "b/c")


@pytest.mark.parametrize(
    ("flag", "authority", "relationship"),
    [
        ({"LegalGuardian": "true"}, True, ["MTH", "GUARD"]),
        ({"LegalGuardian": "false"}, False, ["MTH"]),
        ({}, None, ["MTH"]),
    ],
)
def test_authority_is_said_only_where_the_district_said_it(
    flag: dict[str, str], authority: bool | None, relationship: list[str]
) -> None:
    """LegalGuardian true adds GUARD and the extension, false the extension alone, absent neither."""
    found = related_person(Relation=descriptor("Relation", "Mother"), **flag)
    said = extension(found, GUARDIAN_AUTHORITY)
    assert (said["valueBoolean"] if said else None) is authority
    assert codes(found) == relationship


def test_an_authority_that_cannot_be_read_is_refused() -> None:
    """A LegalGuardian that is neither true nor false refuses the record rather than leaving the flag out."""
    with pytest.raises(HallpassError) as refused:
        related_person(LegalGuardian="maybe")
    assert refused.value.issues[0].expression == "LegalGuardian"


@pytest.mark.parametrize(
    ("relation", "expected"),
    [
        ("Father", ["FTH"]),
        ("Guardian", ["GUARD"]),
        ("CourtAppointedGuardian", ["GUARD"]),
        ("Foster parent", ["PRNFOST"]),
        ("Grandmother", ["GRMTH"]),
        ("Ward", []),
    ],
)
def test_a_relation_has_its_role_code_and_keeps_its_own(relation: str, expected: list[str]) -> None:
    """v3-RoleCode where there is one; the Ed-Fi code in any case. A guardian is not said to be one twice."""
    found = related_person(Relation=descriptor("Relation", relation), LegalGuardian="true")
    assert codes(found) == (expected if expected == ["GUARD"] else [*expected, "GUARD"])
    assert {"system": "uri://ed-fi.org/RelationDescriptor", "code": relation} in found["relationship"][0]["coding"]


def test_an_emergency_contact_is_a_relationship() -> None:
    """EmergencyContactStatus is v2-0131 C, which the value set of relationships has."""
    assert codes(related_person(EmergencyContactStatus="true")) == ["C"]
    assert "relationship" not in related_person(EmergencyContactStatus="false")


def test_a_school_is_part_of_its_district() -> None:
    """partOf is the district, active follows the operational status, and no address is a home (org-2)."""
    school = {
        "SchoolId": ["255901001"],
        "NameOfInstitution": ["Grand Bend High School"],
        "ShortNameOfInstitution": ["GBHS"],
        "OperationalStatus": [descriptor("OperationalStatus", "Closed")],
        "Address": [{"City": ["Grand Bend"], "AddressType": [descriptor("AddressType", "Home")]}],
        "InstitutionTelephone": [
            {
                "TelephoneNumber": ["(950) 1"],
                "InstitutionTelephoneNumberType": [descriptor("InstitutionTelephoneNumberType", "Fax")],
            }
        ],
        "WebSite": ["http://www.GBISD.edu/GBHS/"],
    }
    found = organization(school, DISTRICT)
    assert found["partOf"] == {"reference": "Organization/d1"}
    assert found["active"] is False
    assert found["alias"] == ["GBHS"]
    assert found["address"] == [{"city": "Grand Bend"}]
    assert [t["system"] for t in found["telecom"]] == ["fax", "url"]
    assert not issues("Organization", found)


@needs_grand_bend
def test_every_resource_of_the_grand_bend_district_is_valid() -> None:
    """960 Patients, 1,872 RelatedPersons and 3 Organizations of the sample district keep the rules of FHIR."""
    with stage(GRAND_BEND) as staging:
        resources = [organization(school.record, DISTRICT) for school in staging.schools("255901")]
        for s in staging.students("255901"):
            resources.append(patient(s.student, s.demographics, s.enrollments, DISTRICT))
        for c in staging.contacts():
            assert c.contact
            resources.append(mapped_related_person(c.contact, c.association, c.student, "p1", DISTRICT))
    assert len(resources) == 3 + 960 + 1872
    assert [found for r in resources for found in issues(r["resourceType"], r)] == []


TEXTS = st.sampled_from(
    [
        "true",
        "false",
        "1",
        "2014-11-13",
        "2014-11-13Z",
        "uri://ed-fi.org/XDescriptor#",
        "#",
        "#Mother",
        "a b",
        "e",
        "é|,$\\",
    ]
    + [descriptor("X", c) for c in ("Mother", "White", "Other", "spa", "State", "Home", "Female", "Nickname")]
) | st.text(min_size=1).map(lambda t: " ".join(t.split())).filter(lambda t: t.isprintable() and t != "")


def shaped(shape: Shape) -> st.SearchStrategy[dict[str, Any]]:
    """Any record that the reader could make of a shape."""
    parts = {
        name: TEXTS
        if name.startswith("@")
        else st.lists(TEXTS if inner is None else shaped(inner), min_size=1, max_size=2)
        for name, inner in shape.items()
    }
    return st.fixed_dictionaries({}, optional=parts)


@settings(max_examples=150, deadline=None)
@given(
    shaped(SHAPES["Student"]),
    st.lists(shaped(SHAPES["StudentEducationOrganizationAssociation"]), max_size=2),
    st.lists(shaped(SHAPES["StudentSchoolAssociation"]), max_size=2),
)
def test_any_student_is_refused_or_a_valid_patient(
    student: dict[str, Any], demographics: list[dict[str, Any]], enrollments: list[dict[str, Any]]
) -> None:
    """No record that can be read becomes a Patient that breaks a rule of FHIR."""
    _refused_or_valid("Patient", lambda: patient({**STUDENT, **student}, demographics, enrollments, DISTRICT))


@settings(max_examples=150, deadline=None)
@given(shaped(SHAPES["Contact"]), shaped(SHAPES["StudentContactAssociation"]))
def test_any_contact_is_refused_or_a_valid_related_person(contact: dict[str, Any], association: dict[str, Any]) -> None:
    """No record that can be read becomes a RelatedPerson that breaks a rule of FHIR."""
    _refused_or_valid(
        "RelatedPerson",
        lambda: mapped_related_person({**CONTACT, **contact}, association, "604821", "p1", DISTRICT),
    )


@settings(max_examples=150, deadline=None)
@given(shaped(SHAPES["School"]))
def test_any_school_is_refused_or_a_valid_organization(school: dict[str, Any]) -> None:
    """No record that can be read becomes an Organization that breaks a rule of FHIR."""
    base = {"SchoolId": ["1"], "NameOfInstitution": ["x"]}
    _refused_or_valid("Organization", lambda: organization({**base, **school}, DISTRICT))


def _refused_or_valid(type_name: str, make: Any) -> None:
    try:
        resource = make()
    except HallpassError as refused:
        assert all(i.expression for i in refused.issues)  # noqa: PT017 - to be refused is one of two good ends
    else:
        assert not issues(type_name, resource), resource

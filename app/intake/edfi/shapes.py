"""What the intake reads of each Ed-Fi record: the elements named here, and nothing else of the file.
https://docs.ed-fi.org/reference/data-exchange/data-standard

An identity document, a visa or a place of birth is not left out by a rule: it has no name here, so it is never read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

Shape: TypeAlias = Mapping[str, "Shape | None"]
"""Element name -> the shape of its content, or None for text. A name with @ is an attribute."""

Record: TypeAlias = dict[str, Any]
"""A record as read: element name -> list of texts or records; attribute name (with @) -> text."""


def _texts(*names: str) -> dict[str, None]:
    return dict.fromkeys(names)


_PERSON: Shape = _texts(
    "PersonalTitlePrefix",
    "FirstName",
    "MiddleName",
    "LastSurname",
    "GenerationCodeSuffix",
    "PreferredFirstName",
    "PreferredLastSurname",
)
_OTHER_NAME: Shape = {**_PERSON, "OtherNameType": None}
_ADDRESS: Shape = {
    **_texts(
        "StreetNumberName",
        "BuildingSiteNumber",
        "ApartmentRoomSuiteNumber",
        "City",
        "StateAbbreviation",
        "PostalCode",
        "NameOfCounty",
        "AddressType",
        "DoNotPublishIndicator",
    ),
    "Period": _texts("BeginDate", "EndDate"),
}
_TELEPHONE: Shape = _texts("TelephoneNumber", "TelephoneNumberType", "OrderOfPriority", "DoNotPublishIndicator")
_MAIL: Shape = _texts("ElectronicMailAddress", "ElectronicMailType", "DoNotPublishIndicator")
_LANGUAGE: Shape = _texts("Language")


def _reference(identity: str, key: str) -> Shape:
    return {"@ref": None, identity: _texts(key)}


_STUDENT = _reference("StudentIdentity", "StudentUniqueId")
_INSTITUTION: Shape = {
    "@id": None,
    **_texts("NameOfInstitution", "ShortNameOfInstitution", "WebSite", "OperationalStatus"),
    "Address": _ADDRESS,
    "InstitutionTelephone": _texts("TelephoneNumber", "InstitutionTelephoneNumberType"),
}

ASSIGNMENT = "StaffEducationOrganizationAssignmentAssociation"
STAFF = frozenset({"Staff", ASSIGNMENT})
"""Records that are read only where the district marks roles of its staff."""
SHAPES: Mapping[str, Shape] = {
    "LocalEducationAgency": {**_INSTITUTION, "LocalEducationAgencyId": None},
    "School": {
        **_INSTITUTION,
        "SchoolId": None,
        "LocalEducationAgencyReference": _reference("LocalEducationAgencyIdentity", "LocalEducationAgencyId"),
    },
    "Student": {
        "@id": None,
        "StudentUniqueId": None,
        "Name": _PERSON,
        "OtherName": _OTHER_NAME,
        "BirthData": _texts("BirthDate"),
    },
    "StudentEducationOrganizationAssociation": {
        "StudentReference": _STUDENT,
        "EducationOrganizationReference": _reference("EducationOrganizationIdentity", "EducationOrganizationId"),
        "StudentIdentificationCode": _texts("IdentificationCode", "StudentIdentificationSystem"),
        **_texts("Sex", "HispanicLatinoEthnicity", "Race"),
        "Address": _ADDRESS,
        "Telephone": _TELEPHONE,
        "ElectronicMail": _MAIL,
        "Language": _LANGUAGE,
    },
    "StudentSchoolAssociation": {
        "StudentReference": _STUDENT,
        "SchoolReference": _reference("SchoolIdentity", "SchoolId"),
        **_texts("EntryDate", "EntryGradeLevel", "ExitWithdrawDate", "PrimarySchool"),
    },
    "Session": {
        "SchoolReference": _reference("SchoolIdentity", "SchoolId"),
        **_texts("SessionName", "SchoolYear", "BeginDate", "EndDate"),
    },
    "Contact": {
        "@id": None,
        **_texts("ContactUniqueId", "Sex"),
        "Name": _PERSON,
        "OtherName": _OTHER_NAME,
        "Address": _ADDRESS,
        "Telephone": _TELEPHONE,
        "ElectronicMail": _MAIL,
        "Language": _LANGUAGE,
    },
    "StudentContactAssociation": {
        "StudentReference": _STUDENT,
        "ContactReference": _reference("ContactIdentity", "ContactUniqueId"),
        **_texts("Relation", "LivesWith", "EmergencyContactStatus", "LegalGuardian", "ContactRestrictions"),
    },
    "Staff": {
        "@id": None,
        "StaffUniqueId": None,
        "Name": _PERSON,
        "ElectronicMail": _MAIL,
    },
    ASSIGNMENT: {
        "StaffReference": _reference("StaffIdentity", "StaffUniqueId"),
        "EducationOrganizationReference": _reference("EducationOrganizationIdentity", "EducationOrganizationId"),
        **_texts("StaffClassification", "BeginDate", "EndDate"),
    },
}
"""The records that are read; every other record of an interchange is passed over."""

EARLIER: Mapping[str, str] = {
    "Parent": "Contact",
    "ParentIdentity": "ContactIdentity",
    "ParentReference": "ContactReference",
    "ParentUniqueId": "ContactUniqueId",
    "StudentParentAssociation": "StudentContactAssociation",
}
"""Names before version 5 of the standard, and what they are called since."""

STUDENT_CODES: Mapping[str, str] = {
    "District": "student-district",
    "School": "student-school",
    "State": "student-state",
    "Student Number": "student-number",
    "Local": "student-local",
}
"""Identification systems of students that become identifiers, and their kind; a social security number is none."""

ONLY_WHERE: Mapping[str, tuple[str, frozenset[str]]] = {
    "StudentIdentificationCode": ("StudentIdentificationSystem", frozenset(STUDENT_CODES)),
}
"""Elements that are read only where a descriptor inside them has one of these codes."""

"""Writes an Ed-Fi 5.2 folder of a made-up district: the same for the same seed, as large as asked.
https://docs.ed-fi.org/reference/data-exchange/data-standard

No name in it is anyone's. It is written as it is made, so its size is not bound by memory.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

AGENCY = "900100"
_LEVELS = ("Elementary", "Middle", "High")
STUDENTS_OF_A_SCHOOL = 600
_GIVEN = (
    "Ada",
    "Amir",
    "Bea",
    "Carlos",
    "Dana",
    "Eli",
    "Farah",
    "Gus",
    "Hana",
    "Ivo",
    "June",
    "Kofi",
    "Lena",
    "Nia",
    "Omar",
)
_FAMILY = ("Abara", "Brook", "Castillo", "Dahl", "Estrada", "Fields", "Gomez", "Hale", "Ito", "Kaya", "Lund", "Okafor")
_GRADES = ("First", "Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh", "Eighth", "Ninth", "Tenth", "Eleventh")
_RACES = ("White", "Asian", "Black - African American", "American Indian - Alaska Native", "Other")
_LANGUAGES = ("eng", "eng", "eng", "spa", "hmn", "por")
_TYPES = ("Home", "Mailing", "Temporary")


def generate(folder: Path, students: int, *, seed: int = 1, contacts: int = 2) -> None:
    """Write EducationOrganization, Student, StudentEnrollment and Contact interchanges for `students` students.

    Each student has `contacts` contacts; the first of each tenth student is a legal guardian, of the next one is not.
    """
    folder.mkdir(parents=True, exist_ok=True)
    numbers = range(1, students + 1)
    chance = random.Random(seed)  # noqa: S311 - made-up names, no secrets
    schools = [f"{AGENCY}{n:03}" for n in range(1, max(len(_LEVELS), students // STUDENTS_OF_A_SCHOOL) + 1)]
    _write(folder, "EducationOrganization", _organizations(schools))
    _write(folder, "Student", (_student(n, chance) for n in numbers))
    _write(folder, "StudentEnrollment", (_enrollment(n, schools, chance) for n in numbers))
    _write(folder, "Contact", _contacts(numbers, contacts, chance))


def _contacts(numbers: range, contacts: int, chance: random.Random) -> Iterator[str]:
    yield from (_contact(n, c, chance) for n in numbers for c in range(contacts))
    yield from (_association(n, c) for n in numbers for c in range(contacts))


def _write(folder: Path, interchange: str, parts: Iterable[str]) -> None:
    with (folder / f"{interchange}.xml").open("w", encoding="utf-8") as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n')
        file.write(f'<Interchange{interchange} xmlns="http://ed-fi.org/5.2.0">\n')
        file.writelines(parts)
        file.write(f"</Interchange{interchange}>\n")


def _organizations(schools: Sequence[str]) -> Iterator[str]:
    yield f"""\t<LocalEducationAgency id="LEAG_{AGENCY}">
\t\t<NameOfInstitution>Sample Valley Unified</NameOfInstitution>
\t\t<LocalEducationAgencyId>{AGENCY}</LocalEducationAgencyId>
\t</LocalEducationAgency>
"""
    for number, key in enumerate(schools):
        level = _LEVELS[number] if number < len(_LEVELS) else f"{_LEVELS[number % len(_LEVELS)]} {number + 1}"
        yield f"""\t<School id="SCOL_{key}">
\t\t<NameOfInstitution>Sample Valley {level} School</NameOfInstitution>
\t\t<OperationalStatus>{_descriptor("OperationalStatus", "Active")}</OperationalStatus>
\t\t<SchoolId>{key}</SchoolId>
\t\t<LocalEducationAgencyReference ref="LEAG_{AGENCY}"/>
\t</School>
"""


def _student(number: int, chance: random.Random) -> str:
    preferred = f"\t\t\t<PreferredFirstName>{chance.choice(_GIVEN)}</PreferredFirstName>\n" if number % 9 == 0 else ""
    return f"""\t<Student>
\t\t<StudentUniqueId>{_student_id(number)}</StudentUniqueId>
\t\t<Name>
\t\t\t<FirstName>{chance.choice(_GIVEN)}</FirstName>
\t\t\t<LastSurname>{chance.choice(_FAMILY)}</LastSurname>
{preferred}\t\t</Name>
\t\t<BirthData>
\t\t\t<BirthDate>{chance.randint(2006, 2018)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}</BirthDate>
\t\t</BirthData>
\t</Student>
"""


def _enrollment(number: int, schools: Sequence[str], chance: random.Random) -> str:
    hispanic = str(chance.random() < 0.3).lower()
    return f"""\t<StudentSchoolAssociation>
{_student_reference(number)}\t\t<SchoolReference>
\t\t\t<SchoolIdentity>
\t\t\t\t<SchoolId>{chance.choice(schools)}</SchoolId>
\t\t\t</SchoolIdentity>
\t\t</SchoolReference>
\t\t<EntryDate>2025-08-25</EntryDate>
\t\t<EntryGradeLevel>{_descriptor("GradeLevel", chance.choice(_GRADES) + " grade")}</EntryGradeLevel>
\t</StudentSchoolAssociation>
\t<StudentEducationOrganizationAssociation>
{_student_reference(number)}\t\t<EducationOrganizationReference>
\t\t\t<EducationOrganizationIdentity>
\t\t\t\t<EducationOrganizationId>{AGENCY}</EducationOrganizationId>
\t\t\t</EducationOrganizationIdentity>
\t\t</EducationOrganizationReference>
\t\t<Sex>{_descriptor("Sex", chance.choice(("Female", "Male", "Non-binary", "Not Selected")))}</Sex>
{_address(chance)}\t\t<HispanicLatinoEthnicity>{hispanic}</HispanicLatinoEthnicity>
\t\t<Race>{_descriptor("Race", chance.choice(_RACES))}</Race>
\t\t<Language>
\t\t\t<Language>{_descriptor("Language", chance.choice(_LANGUAGES))}</Language>
\t\t</Language>
\t</StudentEducationOrganizationAssociation>
"""


def _contact(number: int, which: int, chance: random.Random) -> str:
    return f"""\t<Contact id="CTCT_{_contact_id(number, which)}">
\t\t<ContactUniqueId>{_contact_id(number, which)}</ContactUniqueId>
\t\t<Name>
\t\t\t<FirstName>{chance.choice(_GIVEN)}</FirstName>
\t\t\t<LastSurname>{chance.choice(_FAMILY)}</LastSurname>
\t\t</Name>
\t\t<Sex>{_descriptor("Sex", "Male" if which % 2 else "Female")}</Sex>
{_address(chance)}\t\t<Telephone>
\t\t\t<TelephoneNumber>555-01{chance.randint(0, 99):02}</TelephoneNumber>
\t\t\t<TelephoneNumberType>{_descriptor("TelephoneNumberType", "Mobile")}</TelephoneNumberType>
\t\t\t<OrderOfPriority>1</OrderOfPriority>
\t\t</Telephone>
\t</Contact>
"""


def _association(number: int, which: int) -> str:
    guardian = {0: "true", 1: "false"}.get(number % 10) if which == 0 else None
    flag = f"\t\t<LegalGuardian>{guardian}</LegalGuardian>\n" if guardian else ""
    return f"""\t<StudentContactAssociation>
{_student_reference(number)}\t\t<ContactReference ref="CTCT_{_contact_id(number, which)}"/>
\t\t<Relation>{_descriptor("Relation", "Father" if which % 2 else "Mother")}</Relation>
\t\t<LivesWith>true</LivesWith>
\t\t<EmergencyContactStatus>{str(which == 0).lower()}</EmergencyContactStatus>
{flag}\t</StudentContactAssociation>
"""


def _student_reference(number: int) -> str:
    return f"""\t\t<StudentReference>
\t\t\t<StudentIdentity>
\t\t\t\t<StudentUniqueId>{_student_id(number)}</StudentUniqueId>
\t\t\t</StudentIdentity>
\t\t</StudentReference>
"""


def _address(chance: random.Random) -> str:
    return f"""\t\t<Address>
\t\t\t<StreetNumberName>{chance.randint(1, 999)} {chance.choice(_FAMILY)} Street</StreetNumberName>
\t\t\t<City>Sample Valley</City>
\t\t\t<StateAbbreviation>{_descriptor("StateAbbreviation", "CT")}</StateAbbreviation>
\t\t\t<PostalCode>06600</PostalCode>
\t\t\t<AddressType>{_descriptor("AddressType", chance.choice(_TYPES))}</AddressType>
\t\t</Address>
"""


def _student_id(number: int) -> str:
    return f"S{number:07}"


def _contact_id(number: int, which: int) -> str:
    return f"C{number:07}{which:02}"


def _descriptor(name: str, code: str) -> str:
    return f"uri://ed-fi.org/{name}Descriptor#{code}"

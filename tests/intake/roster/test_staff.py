"""Schools are in the directory with their places, and of a roster's staff those in the roles that the district marks.
docs/roster-model.md
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from app.db.engine import Database
from app.errors import HallpassError
from app.intake.edfi.generate import AGENCY, generate
from app.intake.edfi.reader import EdFi
from app.intake.oneroster.reader import OneRoster
from app.intake.roster.marked import marked
from tests.intake.importing import Importing, importing_into
from tests.intake.oneroster.support import enrollment, family, package, user

COUNSELOR = user("C1", "counselor", familyName="Rowe", email="rowe@cedar.example", phone="555-0177", sms="555-0178")
PRINCIPAL = user("N1", "principal", orgSourcedIds="d", familyName="Pane")
TEACHER = user("T1", "teacher", familyName="Hull")


@pytest_asyncio.fixture
async def importing(db: Database, tmp_path: Path) -> AsyncIterator[Importing]:
    async with importing_into(db, tmp_path) as found:
        yield found


def zipped(importing: Importing, *people: dict[str, str], staff: tuple[str, ...] = ()) -> OneRoster:
    held = [*family(1), *people]
    path = package(importing.folder / "roster.zip", users=held, enrollments=[enrollment(1)])
    return OneRoster(path, staff=staff)


async def own(importing: Importing, path: str) -> list[dict[str, Any]]:
    """What the district itself holds of a search: the directory has the entries of all members."""
    found = await importing.every(path)
    return [r for r in found if r["meta"]["source"] == importing.district.reference["reference"]]


async def roles(importing: Importing) -> dict[str, dict[str, Any]]:
    """Active roles of the directory as the clinic reads them, by the family name of who has them."""
    bundle = (await importing.clinic.get("/PractitionerRole?active=true&_include=PractitionerRole:practitioner")).json()
    held = {f"{r['resourceType']}/{r['id']}": r for e in bundle.get("entry", []) for r in [e["resource"]]}
    named = [r for r in held.values() if r["resourceType"] == "PractitionerRole"]
    named = [r for r in named if r["meta"]["source"] == importing.district.reference["reference"]]
    return {held[r["practitioner"]["reference"]]["name"][0]["family"]: r for r in named}


async def test_nobody_of_the_staff_goes_in_by_itself(importing: Importing) -> None:
    await importing.run(zipped(importing, COUNSELOR, TEACHER))
    assert await own(importing, "/Practitioner") == []
    assert importing.counts("Student") == {"created": 1}


async def test_who_has_a_marked_role_is_in_the_directory_with_it_and_where_it_is_done(importing: Importing) -> None:
    await importing.run(zipped(importing, COUNSELOR, TEACHER, staff=("counselor",)))
    found = await roles(importing)
    assert list(found) == ["Rowe"]
    role = found["Rowe"]
    (school,) = await own(importing, "/Organization?identifier=urn:oneroster:77:school|s1")
    (place,) = await own(importing, "/Location?identifier=urn:oneroster:77:school:location|s1")
    assert role["organization"]["reference"] == f"Organization/{school['id']}"
    assert role["location"] == [{"reference": f"Location/{place['id']}"}]
    assert role["code"][0]["coding"][0]["code"] == "101YS0200X"
    assert (place["name"], place["managingOrganization"]) == ("North", {"reference": f"Organization/{school['id']}"})


async def test_of_the_staff_only_the_name_and_the_mail_at_work_are_told(importing: Importing) -> None:
    await importing.run(zipped(importing, COUNSELOR, staff=("counselor",)))
    (practitioner,) = await own(importing, "/Practitioner")
    assert practitioner["telecom"] == [{"system": "email", "value": "rowe@cedar.example", "use": "work"}]
    assert set(practitioner) == {"resourceType", "id", "meta", "identifier", "active", "name", "telecom"}


async def test_a_role_that_is_no_longer_marked_leaves_the_directory(importing: Importing) -> None:
    await importing.run(zipped(importing, COUNSELOR, TEACHER, staff=("counselor", "teacher")))
    assert sorted(await roles(importing)) == ["Hull", "Rowe"]
    await importing.run(zipped(importing, COUNSELOR, TEACHER, staff=("counselor",)))
    assert sorted(await roles(importing)) == ["Rowe"]
    assert importing.counts("Staff") == {"unchanged": 1, "gone": 1}


async def test_who_left_the_source_leaves_the_directory_and_whom_a_person_took_out_stays_out(
    importing: Importing,
) -> None:
    both = zipped(importing, COUNSELOR, TEACHER, staff=("counselor", "teacher"))
    await importing.run(both)
    role = (await roles(importing))["Hull"]
    await importing.change(role, active=False)
    await importing.run(zipped(importing, TEACHER, staff=("counselor", "teacher")))
    assert await roles(importing) == {}


async def test_a_role_at_the_district_itself_is_of_the_district(importing: Importing) -> None:
    await importing.run(zipped(importing, PRINCIPAL, staff=("principal",)))
    role = (await roles(importing))["Pane"]
    assert role["organization"] == importing.district.reference
    assert "location" not in role


STAFF = """<?xml version="1.0" encoding="UTF-8"?>
<InterchangeStaffAssociation xmlns="http://ed-fi.org/5.2.0">
<Staff><StaffUniqueId>9</StaffUniqueId><Name><FirstName>Kai</FirstName><LastSurname>Rowe</LastSurname></Name>
<BirthDate>1976-08-19</BirthDate><ElectronicMail><ElectronicMailAddress>kai@home.example</ElectronicMailAddress>
<ElectronicMailType>uri://ed-fi.org/ElectronicMailTypeDescriptor#Home/Personal</ElectronicMailType></ElectronicMail></Staff>
<Staff><StaffUniqueId>8</StaffUniqueId><Name><FirstName>Jo</FirstName><LastSurname>Hull</LastSurname></Name></Staff>
{assignments}</InterchangeStaffAssociation>
"""
ASSIGNMENT = """<StaffEducationOrganizationAssignmentAssociation>
<StaffReference><StaffIdentity><StaffUniqueId>{staff}</StaffUniqueId></StaffIdentity></StaffReference>
<EducationOrganizationReference><EducationOrganizationIdentity><EducationOrganizationId>{place}</EducationOrganizationId>
</EducationOrganizationIdentity></EducationOrganizationReference>
<StaffClassification>uri://ed-fi.org/StaffClassificationDescriptor#{role}</StaffClassification>
<BeginDate>2018-02-09</BeginDate>{end}</StaffEducationOrganizationAssignmentAssociation>
"""


async def test_ed_fi_staff_goes_in_by_the_classification_of_its_assignments(importing: Importing) -> None:
    generate(importing.folder / "edfi", 2)
    school = f"{AGENCY}001"
    assignments = ASSIGNMENT.format(staff="9", place=school, role="Counselor", end="") + ASSIGNMENT.format(
        staff="8", place=AGENCY, role="Counselor", end="<EndDate>2020-06-01</EndDate>"
    )
    assignments += ASSIGNMENT.format(staff="8", place=school, role="Teacher", end="")
    (importing.folder / "edfi" / "Staff.xml").write_text(STAFF.format(assignments=assignments))
    await importing.run(EdFi(importing.folder / "edfi", staff=("counselor",)))
    found = await roles(importing)
    assert list(found) == ["Rowe"]  # the other's is over
    assert found["Rowe"]["period"] == {"start": "2018-02-09"}
    practitioners = await own(importing, "/Practitioner")
    assert len(practitioners) == 2
    assert all("telecom" not in p and "birthDate" not in p for p in practitioners)


@pytest.mark.parametrize("role", ["Student", "parent", " "])
def test_a_role_that_is_no_staff_cannot_be_marked(role: str) -> None:
    with pytest.raises(HallpassError, match="no role of staff"):
        marked([role])

"""Whatever is read: an import of the unchanged source opens nothing that a person closed. docs/whose-word-counts.md"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from app.consent import codes as c
from app.db.engine import Database
from app.intake.csv.reader import Csv
from app.intake.edfi.generate import generate
from app.intake.edfi.reader import EdFi
from app.intake.edfi.service import EdFiService
from app.intake.oneroster.reader import OneRoster
from app.intake.oneroster.sds import SchoolDataSync
from app.intake.oneroster.service import OneRosterService
from app.intake.pull.credentials import Bearer, OAuth2
from app.intake.roster.source import Source
from tests.intake.edfi.api import serving as ed_fi_api
from tests.intake.importing import Importing, importing_into
from tests.intake.oneroster.service import serving as oneroster_service
from tests.intake.oneroster.support import SHARED, enrollment, family, package

Reader = Callable[[Path], Iterator[Source]]
FAMILIES = 7
BORN = "2014-03-09"
OLD_ENOUGH = "2010-01-01"
"""Who was born later is a minor, for whom somebody else signs."""
YES, NO = ([{"url": c.GUARDIAN_AUTHORITY, "valueBoolean": value}] for value in (True, False))
OF_THE_GUARDIAN: list[dict[str, Any]] = [
    {"active": False},
    {"period": {"start": "2020-01-01", "end": "2020-12-31"}},
    {"extension": NO},
]
OF_THE_STUDENT: list[dict[str, Any]] = [
    {"meta": {"security": [{"system": c.CONFIDENTIALITY_SYSTEM, "code": "R"}]}},
    {"deceasedBoolean": True},
]


def ed_fi_folder(folder: Path) -> Iterator[Source]:
    generate(folder / "edfi", FAMILIES)
    yield EdFi(folder / "edfi")


def ed_fi_service(_: Path) -> Iterator[Source]:
    with ed_fi_api() as ods:
        yield EdFiService(f"{ods.http.url}/", OAuth2("id", "secret"), backoff=0.001)


def oneroster_package(folder: Path) -> Iterator[Source]:
    people = [row for n in range(FAMILIES) for row in family(n)]
    born = [{"sourcedId": f"S{n}", "birthDate": BORN} for n in range(FAMILIES)]
    path = package(
        folder / "roster.zip", users=people, demographics=born, enrollments=[enrollment(n) for n in range(FAMILIES)]
    )
    yield OneRoster(path)


def oneroster_api(_: Path) -> Iterator[Source]:
    with oneroster_service("1.2") as service:
        for one in service.held["demographics"]:
            one["birthDate"] = BORN
        yield OneRosterService(service.url, Bearer("t"), backoff=0.001)


def csv(folder: Path) -> Iterator[Source]:
    (folder / "map.toml").write_text(
        'name = "all"\ndistrict = "51"\n[student]\nid = "id"\ngiven = "given"\nfamily = "family"\nbirth_date = "born"\n'
        '[[contact]]\nid = "g"\ngiven = "given"\nfamily = "family"\nrelation = "r"\nauthority = "a"\n'
    )
    rows = [f"{n},Ana,Rivera,{BORN},G{n},Mother,Y" for n in range(FAMILIES)]
    (folder / "all.csv").write_text("\n".join(["id,given,family,born,g,r,a", *rows]) + "\n")
    yield Csv(folder / "all.csv", folder / "map.toml")


def sds(folder: Path) -> Iterator[Source]:
    numbers = range(FAMILIES)
    files = {
        "orgs": ["sourcedId,name,type", "s,North,school"],
        "users": ["sourcedId,givenName,familyName", *(f"{k}{n},Ana,Rivera" for n in numbers for k in "SP")],
        "roles": ["userSourcedId,orgSourcedId,role", *(f"S{n},s,student" for n in numbers)],
        "relationships": [
            "userSourcedId,relationshipUserSourcedId,relationshipRole",
            *(f"S{n},P{n},parent" for n in numbers),
        ],
        "demographics": ["userSourcedId,birthDate", *(f"S{n},{BORN}" for n in numbers)],
    }
    (folder / "sds").mkdir()
    for name, lines in files.items():
        (folder / "sds" / f"{name}.csv").write_text("\n".join(lines) + "\n")
    yield SchoolDataSync(folder / "sds", "77")


READERS: list[Reader] = [ed_fi_folder, ed_fi_service, oneroster_package, oneroster_api, csv, sds]


@pytest_asyncio.fixture
async def importing(db: Database, tmp_path: Path) -> AsyncIterator[Importing]:
    async with importing_into(db, tmp_path) as found:
        yield found


@pytest.mark.parametrize("reader", READERS, ids=lambda r: r.__name__)
async def test_what_a_person_closed_is_closed_after_the_unchanged_source(importing: Importing, reader: Reader) -> None:
    if reader in (ed_fi_service, oneroster_api) and not SHARED.is_dir():
        pytest.skip("the recorded pages are not here")
    with contextmanager(reader)(importing.folder) as source:
        await importing.run(source)
        families = await _minors(importing)
        closings = [*((1, e) for e in OF_THE_GUARDIAN), *((0, e) for e in OF_THE_STUDENT)]
        assert len(families) >= len(closings)
        held: list[tuple[dict[str, Any], int, dict[str, Any]]] = []
        for (student, guardian), (which, closing) in zip(families, closings, strict=False):
            signer = await importing.change(guardian, extension=YES, period=None)
            await importing.sign(student, signer)
            assert await importing.sees(student)
            await importing.change((student, guardian)[which], **closing)
            held.append(((student, guardian)[which], await importing.sees(student), closing))
        assert [sees for _, sees, _ in held][:4] == [False] * 4  # a death ends nothing by itself
        await importing.run(source)
        for resource, saw, closing in held:
            now = (await importing.district.get(f"/{resource['resourceType']}/{resource['id']}")).json()
            assert {k: now.get(k) if k != "meta" else {"security": now["meta"]["security"]} for k in closing} == closing
            of = resource if resource["resourceType"] == "Patient" else {"id": now["patient"]["reference"][8:]}
            assert await importing.sees(of) is saw, closing


async def _minors(importing: Importing) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Students who are minors, each with one contact."""
    guardians = {g["patient"]["reference"]: g for g in await importing.every("/RelatedPerson?_count=100")}
    students = await importing.every("/Patient?_count=100")
    young = [s for s in students if s.get("birthDate", "") > OLD_ENOUGH]
    return [(s, guardians[key]) for s in young if (key := f"Patient/{s['id']}") in guardians]

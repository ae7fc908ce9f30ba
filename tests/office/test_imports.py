"""Imports with conflicts, as the privacy officer of the district reads them. docs/whose-word-counts.md"""

from __future__ import annotations

import base64
import zlib
from pathlib import Path

import pytest

from app.db.engine import Database
from app.intake.roster.statements import EXTENSION, HEAD, group
from app.intake.roster.told import told
from tests.intake.importing import importing_into
from tests.intake.oneroster.support import OneRoster, enrollment, family, package
from tests.office.people import signed_in
from tests.office.test_record import text


async def test_what_was_refused_and_what_a_person_decided_is_told_with_what_to_do_until_later_conflicts_replace_it(
    db: Database, tmp_path: Path
) -> None:
    good, bad, renamed = (tmp_path / f"{n}.zip" for n in ("good", "bad", "renamed"))
    users, rows = family(1), [enrollment(1)]
    nameless = [{**row, "givenName": "", "familyName": ""} for row in family(2)]
    package(good, users=users, enrollments=rows)
    package(bad, users=[*users, *nameless], enrollments=rows)
    package(renamed, users=[{**u, "familyName": "Sourcename"} for u in users], enrollments=rows)
    async with importing_into(db, tmp_path) as importing:
        person = await signed_in(importing.world, importing.district, "privacy-officer")
        assert "No roster was imported yet." in text((await person.get("/office/imports")).text)
        await importing.run(OneRoster(good))
        assert "It took everything." in text((await person.get("/office/imports")).text)
        await importing.run(OneRoster(bad))
        for _ in range(2):
            await importing.run(OneRoster(bad))
            told = text((await person.get("/office/imports")).text)
            assert told.count("Not taken: 2 records") == 1
            assert "users.csv, line" in told
            assert "Mend it in the student information system" in told
        student = await importing.one("/Patient")
        await importing.change(student, name=[{"family": "Decided", "given": ["Ana"]}])
        await importing.run(OneRoster(renamed))
        page = await person.get("/office/imports")
        told = text(page.text)
        assert "Left as a person decided: 1 record" in told
        assert told.index("Left as a person decided") < told.index("Not taken")
        assert "Decided" not in told
        assert "Sourcename" not in told
        await importing.run(OneRoster(renamed))
        told = text((await person.get("/office/imports")).text)
        assert "It took everything." in told
        assert "Left as a person decided: 1 record" in told
        other = await signed_in(importing.world, importing.clinic, "privacy-officer")
        assert "No roster was imported yet." in text((await other.get("/office/imports")).text)
        counselor = await signed_in(importing.world, importing.district, "counselor")
        assert (await counselor.get("/office/imports")).status_code == 403


NO_COUNTS = b'{"told": [{"at": "2026-11-29", "counts": [1], "lines": {}}]}'
NO_LINES = b'{"told": [{"at": "2026-11-29", "counts": {"kept": 1}, "lines": {"kept": 1}}]}'


@pytest.mark.parametrize(
    "packed", [b"", b"no zlib", *map(zlib.compress, (b"[1]", b'{"told": [1]}', NO_COUNTS, NO_LINES, b" " * 50_000_000))]
)
def test_a_group_that_no_import_wrote_is_no_import_and_takes_no_memory(packed: bytes) -> None:
    extension = {"url": EXTENSION, "valueBase64Binary": base64.b64encode(packed).decode()}
    made = {**group("s", HEAD, {}), "extension": [extension]}
    assert told(made) is None
    assert told({"resourceType": "Group"}) is None

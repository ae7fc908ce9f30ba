"""What an import last wrote, as it is held while it waits. docs/decisions/0030-whose-word-counts.md"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from app.db.engine import Database
from app.intake.edfi.generate import generate
from app.intake.edfi.reader import EdFi
from app.intake.roster import write
from app.intake.roster.statements import Page, Statement, group_of, page_of
from app.intake.roster.units import digest
from tests.intake.importing import importing_into

ENTRIES = {f"S{n}": Statement(f"id-{n}", {digest(k): digest([n, k]) for k in range(12)}, n + 1) for n in range(100)}


def test_a_folded_page_says_the_same_and_is_small() -> None:
    page = Page("Student/1", "g", 3, dict(ENTRIES))
    page.fold()
    assert (page.entries, sys.getsizeof(page.folded) < 30_000) == ({}, True)
    page.unfold()
    assert page.entries == ENTRIES
    group = {**group_of(page, "s"), "id": "g", "meta": {"versionId": "3"}}
    assert page_of(group) == page


async def test_a_second_import_holds_no_page_that_is_not_at_work(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[tuple[int, int]] = []

    class Watched(write.Writing):
        async def write(self, kind: str, in_flight: int) -> None:
            held.append((len(self.pages), sum(len(p.entries) for p in self.pages.values())))
            await super().write(kind, in_flight)
            held.append((len(self.pages), sum(len(p.entries) for p in self.pages.values())))

    generate(tmp_path / "edfi", 6)
    async with importing_into(db, tmp_path) as importing:
        await importing.run(EdFi(tmp_path / "edfi"))
        monkeypatch.setattr("app.intake.command.Writing", Watched)
        contacts = tmp_path / "edfi" / "Contact.xml"
        contacts.write_text(contacts.read_text().replace("<FirstName>", "<FirstName>X"))
        await importing.run(EdFi(tmp_path / "edfi"))
        assert importing.counts("Contact") == {"changed": 12}
    assert held
    assert {entries for _, entries in held} == {0}

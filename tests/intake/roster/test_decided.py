"""What a person decided stands, also what was decided and taken back between two imports. docs/whose-word-counts.md"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from app.consent.codes import GUARDIAN_AUTHORITY
from app.db.engine import Database
from app.intake.csv.reader import Csv
from tests.intake.importing import Importing, importing_into

MAPPING = """
name = "decided"
district = "51"
[student]
id = "id"
given = "given"
family = "family"
[[contact]]
id = "guardian"
given = "guardian given"
family = "family"
authority = "custody"
"""
YES, NO = ([{"url": GUARDIAN_AUTHORITY, "valueBoolean": value}] for value in (True, False))


@pytest_asyncio.fixture
async def importing(db: Database, tmp_path: Path) -> AsyncIterator[Importing]:
    async with importing_into(db, tmp_path) as found:
        yield found


async def imported(importing: Importing, custody: str, given: str = "Luz") -> None:
    """A file that says `custody` (Y, N or nothing) of the guardian."""
    (importing.folder / "map.toml").write_text(MAPPING)
    lines = ["id,given,family,guardian,guardian given,custody", f"1,Ana,Abara,G1,{given},{custody}"]
    (importing.folder / "export.csv").write_text("\n".join(lines) + "\n")
    await importing.run(Csv(importing.folder / "export.csv", importing.folder / "map.toml"))


async def mark(importing: Importing) -> Any:
    return (await importing.one("/RelatedPerson")).get("extension")


STEPS = {
    "opened and closed again before an unchanged import": ["N", YES, NO, "N", "Y"],
    "marked and the mark taken out": ["", YES, None, "Y"],
    "marked, looked at, and the mark taken out": ["", YES, " other", None, "Y"],
    "closed, the source agreed, was silent, and opened": ["Y", NO, "N", "", "Y"],
}
"""What the files say (text) and what a person sets the mark to."""


@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS)
async def test_the_last_word_of_a_person_stands_when_the_source_opens(importing: Importing, steps: list[Any]) -> None:
    last = None
    for step in steps:
        if isinstance(step, str):
            await imported(importing, step.strip().removesuffix("other"), "Ada" if "other" in step else "Luz")
        else:
            last = step
            await importing.change(await importing.one("/RelatedPerson"), extension=step)
    assert await mark(importing) == last

"""_include and _revinclude, over real rows and row-level security. https://hl7.org/fhir/R4/search.html#revinclude"""

from __future__ import annotations

import pytest

from app.db.bodies import UNBOUNDED
from app.db.include import included
from app.db.rows import Stored
from tests.db.shelf import Shelf, uid
from tests.search.support import search

ANA = str(uid("ana"))


async def test_includes_say_that_there_are_more(shelf: Shelf) -> None:
    """One above the limit comes, so that the caller knows."""
    wanted = search("Encounter", "_include=Encounter:*")
    sources = [Stored(*r[: len(Stored._fields)]) for r in await shelf.page("district", wanted, None, 100)]
    for limit, expected in ((1, 2), (3, 4), (4, 4)):
        ask = included(wanted.includes, sources, [], limit, UNBOUNDED)
        assert ask is not None
        assert len(await shelf.rows("district", *ask)) == expected


@pytest.mark.parametrize(
    ("type_name", "query", "rounds", "expected"),
    [
        ("Encounter", "_include=Encounter:patient", 1, {"ana", "ben"}),
        ("Encounter", "_include=Encounter:subject:Group", 1, set()),
        ("Encounter", "_include=Encounter:*", 1, {"ana", "ben", "school"}),
        ("Encounter", "status=finished&_include=*", 1, {"ana", "school"}),
        ("Encounter", "_include=Encounter:part-of&status=planned", 1, {"visit-1"}),
        ("Encounter", "_include=Encounter:part-of", 1, set()),
        ("Encounter", "_include=Encounter:patient&_include:iterate=Patient:organization", 1, {"ana", "ben"}),
        ("Encounter", "_include=Encounter:patient&_include:iterate=Patient:organization", 2, {"ana", "ben", "school"}),
        ("Patient", "_revinclude=Encounter:patient", 1, {"visit-1", "visit-2", "visit-3"}),
        ("Patient", f"_id={ANA}&_revinclude=Task:subject:Patient", 1, {"task"}),
        ("Patient", f"_id={ANA}&_revinclude=Task:*", 1, {"task"}),
        ("Patient", "gender=male&_revinclude=Task:*", 1, set()),
        ("Organization", "name=elm&_revinclude=*", 1, {"ana", "visit-1"}),
        ("Organization", "name=elm&_include=Organization:partof", 1, {"dist-org"}),
        ("Organization", "name=elm&_revinclude=Patient:organization&_revinclude:iterate=Encounter:patient", 2,
         {"ana", "visit-1", "visit-2"}),
    ],
)  # fmt: skip
async def test_includes_bring_what_is_visible(
    shelf: Shelf, type_name: str, query: str, rounds: int, expected: set[str]
) -> None:
    """What is referred to or refers comes along if the caller may see it, each once, and no match again."""
    assert await shelf.brought("district", type_name, query, rounds=rounds) == expected

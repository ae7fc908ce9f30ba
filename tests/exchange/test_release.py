"""What leaves its custodian says that it goes no further: one label, beside its own.

42 CFR 2.32, 34 CFR 99.33.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from app.db.engine import Database
from app.db.rows import Stored
from app.exchange.release import Released
from tests import build
from tests.scene import Scene, set_scene
from tests.world import open_world

SYSTEM = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
NO_REDISCLOSURE = {"system": SYSTEM, "code": "NORDSCLCD", "display": "no redisclosure without consent directive"}
OTHER = {"system": SYSTEM, "code": "PERSISTLABEL"}


@pytest_asyncio.fixture(scope="module")
async def scene(db: Database) -> AsyncIterator[Scene]:
    """A clinic that sees a student's visits by a release."""
    async with open_world(db) as world:
        yield await set_scene(world, "Encounter")


@pytest.mark.parametrize(("held", "leaving"), [
    ([], [NO_REDISCLOSURE]),
    ([OTHER], [OTHER, NO_REDISCLOSURE]),
    ([OTHER, NO_REDISCLOSURE], [OTHER, NO_REDISCLOSURE]),
    ([NO_REDISCLOSURE], [NO_REDISCLOSURE]),
])  # fmt: skip
async def test_a_record_leaves_with_the_label_once(
    scene: Scene, held: list[dict[str, Any]], leaving: list[dict[str, Any]]
) -> None:
    meta = {"meta": {"security": held}} if held else {}
    made = await scene.district.create(build.encounter(scene.student, **meta))
    path = f"/Encounter/{made['id']}"
    for way in (path, f"{path}/_history/1"):
        left = (await scene.clinic.get(way)).json()
        assert left["meta"].pop("security") == leaving
        own = (await scene.district.get(way)).json()
        assert own["meta"].pop("security", []) == held
        assert left == own
    found = (await scene.clinic.get(f"/Encounter?_id={made['id']}")).json()["entry"]
    assert [e["resource"]["meta"]["security"] for e in found] == [leaving]


def test_nothing_but_the_access_service_makes_what_can_leave() -> None:
    row: Any = Stored._make([None] * len(Stored._fields))
    with pytest.raises(TypeError, match=r"^only the access service releases$"):
        Released(object(), row, "match", disclosed=False)

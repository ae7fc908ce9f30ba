"""Bulk export with an export store: records are kept there, sealed, and judged when a file is fetched all the same."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from app.db import exports
from app.db.engine import Database
from app.exchange.bulk import kept
from app.exchange.bulk.export import steps
from app.exchange.service import AccessService
from app.limits.limits import Limits
from app.objects import Objects, StoreFails
from tests import build
from tests.api.bulk.exports import CLASSES, entries, exported, fetched, kick_off, swept, work
from tests.scene import Scene, as_owner
from tests.statements import Statements
from tests.world import World, open_world


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the store is."""
    return tmp_path / "kept"


@pytest_asyncio.fixture
async def world(db: Database, folder: Path) -> AsyncIterator[World]:
    """A network whose exchange has an export store."""
    async with open_world(db, export_store=str(folder)) as found:
        yield found


def files(folder: Path) -> list[Path]:
    """Every object."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("by_patient", ["", "?organizeOutputBy=Patient"])
async def test_the_records_come_from_the_store_sealed_as_they_are_and_labelled_as_ever(
    world: World, scene: Scene, folder: Path, by_patient: str
) -> None:
    status = await kick_off(scene.clinic, f"/Patient/$export{by_patient}")
    await work(world)
    kept_ones = files(folder)
    assert kept_ones
    assert not any(secret.encode() in path.read_bytes() for path in kept_ones for secret in scene.secrets)
    statements = Statements(world.db)
    found = await fetched(scene.clinic, status)
    lines = [s for s in statements.sent if "k.so_far" in s]
    assert lines
    assert not any("k.body, k.label_at" in s for s in lines)
    given = {(r["resourceType"], r["id"], int(r["meta"]["versionId"])) for r in found.resources}
    assert await entries(world, scene.clinic) == given
    assert {t for t, _, _ in given} >= set(CLASSES)
    assert all("NORDSCLCD" in str(r["meta"].get("security")) for r in found.resources if r["resourceType"] in CLASSES)


async def test_what_is_kept_is_withheld_from_the_moment_its_release_ends(world: World, scene: Scene) -> None:
    status = await kick_off(scene.clinic, "/Patient/$export")
    await work(world)
    for consent in (await scene.district.get("/Consent?status=active")).json()["entry"]:
        await scene.district.save({**consent["resource"], "status": "inactive"})
    assert {r["resourceType"] for r in (await fetched(scene.clinic, status)).resources} <= {"Consent"}
    assert {t for t, _, _ in await entries(world, scene.clinic)} <= {"Consent"}


@pytest.mark.parametrize("how", ["lost", "altered", "exchanged"])
async def test_what_the_store_lost_or_altered_is_read_from_the_records(
    world: World, scene: Scene, folder: Path, how: str
) -> None:
    status = await kick_off(scene.clinic, "/Patient/$export")
    await work(world)
    first, second, *_ = files(folder)
    if how == "lost":
        first.unlink()
    elif how == "altered":
        first.write_bytes(first.read_bytes()[:-1] + b"\0")
    else:
        content = first.read_bytes()
        first.write_bytes(second.read_bytes())
        second.write_bytes(content)
    assert {r["resourceType"] for r in (await fetched(scene.clinic, status)).resources} >= set(CLASSES)


async def test_blocks_are_small_and_a_file_of_several_is_whole(
    world: World, scene: Scene, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = {scene.records["Encounter"]["id"]}
    ids |= {(await scene.district.create(build.encounter(scene.student)))["id"] for _ in range(6)}
    monkeypatch.setattr(kept, "BLOCK_LINES", 2)
    status = await kick_off(scene.clinic, "/Patient/$export?_type=Encounter")
    await work(world)
    assert len([path for path in files(folder) if path.name.startswith("Encounter-")]) == 4
    files(folder)[1].unlink()
    found = await fetched(scene.clinic, status)
    assert {r["id"] for r in found.resources} == ids
    name = f"{status}/Encounter-1.ndjson"
    whole = (await scene.clinic.get(name)).text.splitlines()
    for n in range(len(whole)):
        rest = await scene.clinic.get(f"{name}?_after={json.loads(whole[n])['id']}")
        assert rest.text.splitlines() == whole[n + 1 :]


async def test_what_was_released_between_writing_and_fetching_comes_though_it_is_not_kept(
    world: World, scene: Scene
) -> None:
    release = next(e["resource"] for e in (await scene.district.get("/Consent?status=active")).json()["entry"])
    status = await kick_off(scene.clinic, "/Patient/$export?_type=Encounter")
    [job] = await as_owner(world, "DELETE FROM hallpass.job WHERE entrypoint = 'export' RETURNING payload")
    service = AccessService(world.db, world.settings, Limits(world.settings, world.db.pool_size).connections)
    run = steps(service, json.loads(bytes(job.payload)), Objects.of(world.settings))
    for _ in range(3):  # begun, chosen, and nothing kept yet
        await anext(run)
    await scene.district.save({**release, "status": "inactive"})
    async for _ in run:
        pass
    assert (await fetched(scene.clinic, status)).ids == set()
    await scene.release(*CLASSES)
    assert (await fetched(scene.clinic, status)).ids == {f"Encounter/{scene.records['Encounter']['id']}"}


async def test_a_worker_killed_before_a_block_was_noted_writes_it_again(
    world: World, scene: Scene, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(Exception):
        pass

    async def killed(*_: object) -> None:
        raise Killed

    status = await kick_off(scene.clinic, "/Patient/$export?_type=Encounter")
    payload = await as_owner(world, "SELECT * FROM hallpass.job WHERE entrypoint = 'export'")
    monkeypatch.setattr(exports, "note_block", killed)
    with pytest.raises(Killed):
        await work(world)
    [there] = files(folder)
    noted = "SELECT 1 FROM hallpass.export_block WHERE export = :id"
    assert await as_owner(world, noted, id=status.rpartition("/")[2]) == []
    monkeypatch.undo()
    service = AccessService(world.db, world.settings, Limits(world.settings, world.db.pool_size).connections)
    async for _ in steps(service, json.loads(bytes(payload[0].payload)), Objects.of(world.settings)):
        pass
    assert files(folder) == [there]
    assert len(await as_owner(world, noted, id=status.rpartition("/")[2])) == 1


async def test_a_store_that_fails_holds_up_no_export(
    world: World, scene: Scene, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> None:
        raise StoreFails("it is full")

    monkeypatch.setattr(Objects, "put", fails)
    found = await exported(world, scene.clinic)
    assert {r["resourceType"] for r in found.resources} >= set(CLASSES)
    assert files(folder) == []


async def test_what_is_canceled_over_or_unknown_is_removed_and_nothing_else(
    world: World, scene: Scene, folder: Path
) -> None:
    stays = await kick_off(scene.district, "/Patient/$export")
    goes = await kick_off(scene.clinic, "/Patient/$export")
    await work(world)
    await Objects.of(world.settings).put(f"{UUID(int=7)}/Patient-0-1", b"of a database that was restored")  # type: ignore[union-attr]
    (folder / "the operator's own").mkdir()
    (folder / "the operator's own" / "file").write_text("x")
    assert (await scene.clinic.delete(goes)).status_code == 202
    await swept(world)
    assert {path.parent.name for path in files(folder)} == {stays.rpartition("/")[2], "the operator's own"}
    assert (await fetched(scene.district, stays)).resources

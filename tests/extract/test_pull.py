"""`hallpass export` as a client: everything comes once, also when it was broken off, and tables come of it."""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet
import pytest

from app.errors import HallpassError
from app.extract.pull import Pull, Pulled
from app.extract.server import Server
from app.extract.state import NAME
from app.extract.tables import load_views, write_table
from app.intake.token import Tokens
from tests import build
from tests.api.bulk.exports import work
from tests.scene import Scene, ledger, set_scene
from tests.world import BASE, Member, World

VISITS = {
    "name": "visits",
    "resource": "Encounter",
    "select": [
        {
            "column": [
                {"name": "id", "path": "getResourceKey()"},
                {"name": "student", "path": "subject.getReferenceKey(Patient)"},
                {"name": "minutes", "path": "length.value", "type": "decimal"},
                {"name": "profiles", "path": "meta.profile", "collection": True},
            ]
        }
    ],
}


class Breaking(httpx.AsyncBaseTransport):
    """Breaks the connection off in the middle of files, so many times."""

    def __init__(self, inner: httpx.AsyncBaseTransport, times: int, after: int) -> None:
        self._inner, self._times, self._after = inner, times, after

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Ask, and break the answer off where it is a file's."""
        response = await self._inner.handle_async_request(request)
        if not self._times or not request.url.path.endswith(".ndjson"):
            return response
        self._times -= 1
        body = await response.aread()
        return httpx.Response(response.status_code, headers=response.headers, stream=_Broken(body[: self._after]))


class _Broken(httpx.AsyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body
        raise httpx.ReadError("broken off")


@asynccontextmanager
async def working(world: World) -> AsyncIterator[None]:
    """A worker beside the test."""

    async def run() -> None:
        while True:
            await work(world)
            await asyncio.sleep(0.02)

    task = asyncio.create_task(run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def pull(
    world: World, member: Member, folder: Path, *, times: int = 0, after: int = 1500, waits: Any = None
) -> Pulled:
    """Pull all that a member sees."""

    async def brief(_seconds: float) -> None:
        await asyncio.sleep(0.02)

    transport = Breaking(world.http._transport, times, after)
    async with httpx.AsyncClient(transport=transport) as http:
        tokens = Tokens(http, f"{BASE}/auth/token", member.client_id, member.key, scope="system/*.rs")
        server = Server(http, BASE, tokens, waits or brief)
        return await Pull(server, folder, member.client_id, {"path": "Patient/$export"}, lambda *_: None).run()


@pytest.fixture
async def scene(world: World) -> Scene:
    """A student with some visits, released to the clinic."""
    scene = await set_scene(world, "Patient", "Encounter")
    for _ in range(6):
        await scene.district.create(build.encounter(scene.student))
    return scene


def lines(folder: Path) -> list[str]:
    """The records in a directory, by type and id, one for each line."""
    found = [json.loads(x) for f in sorted(folder.glob("*.ndjson")) for x in f.read_text().splitlines()]
    return [f"{r['resourceType']}/{r['id']}" for r in found]


def under_way(folder: Path) -> bool:
    """Whether a file was begun."""
    return any(folder.glob("*.part"))


async def test_everything_comes_once_and_nothing_is_left_on_the_server(
    world: World, scene: Scene, tmp_path: Path
) -> None:
    async with working(world):
        pulled = await pull(world, scene.clinic, tmp_path)
    came = lines(tmp_path)
    assert len(came) == len(set(came)) == sum(pulled.files.values())
    assert sum(line.startswith("Encounter/") for line in came) == 7
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["transactionTime"] == pulled.transaction_time
    status = manifest["output"][0]["url"].rpartition("/")[0].removeprefix(f"{BASE}/fhir")
    assert (await scene.clinic.get(status)).status_code == 404
    assert not (tmp_path / NAME).exists()


async def test_what_is_broken_off_goes_on_behind_the_last_whole_line_and_nothing_leaves_twice(
    world: World, scene: Scene, tmp_path: Path
) -> None:
    async with working(world):
        await pull(world, scene.clinic, tmp_path, times=3)
    came = lines(tmp_path)
    assert sorted(came) == sorted(set(came))
    assert sum(line.startswith("Encounter/") for line in came) == 7


async def test_run_again_after_it_was_killed_it_brings_what_is_missing(
    world: World, scene: Scene, tmp_path: Path
) -> None:
    class Killed(Exception):
        pass

    async def dies(_seconds: float) -> None:
        if under_way(tmp_path):
            raise Killed
        await asyncio.sleep(0.02)

    async with working(world):
        with pytest.raises(Killed):
            await pull(world, scene.clinic, tmp_path, times=1, waits=dies)
        given = len(await ledger(world, scene.clinic))
        assert under_way(tmp_path)
        await pull(world, scene.clinic, tmp_path)
    came = lines(tmp_path)
    assert len(came) == len(set(came))
    assert sum(line.startswith("Encounter/") for line in came) == 7
    assert len(await ledger(world, scene.clinic)) < 2 * given + len(came)


async def test_an_export_that_is_gone_from_the_server_is_begun_again(
    world: World, scene: Scene, tmp_path: Path
) -> None:
    (tmp_path / NAME).write_text(
        json.dumps(
            {
                "server": f"{BASE}/fhir",
                "client": scene.clinic.client_id,
                "request": {"path": "Patient/$export"},
                "status": f"{BASE}/fhir/export/11111111-1111-4111-8111-111111111111",
                "done": {"Patient-1.ndjson": 1},
            }
        )
    )
    (tmp_path / "Patient-1.ndjson").write_text("stale\n")
    async with working(world):
        await pull(world, scene.clinic, tmp_path)
    assert f"Patient/{scene.student['id']}" in lines(tmp_path)


async def test_a_directory_of_another_export_is_left_alone(world: World, scene: Scene, tmp_path: Path) -> None:
    async with working(world):
        await pull(world, scene.clinic, tmp_path)
    before = lines(tmp_path)
    with pytest.raises(HallpassError, match="another directory"):
        await pull(world, scene.clinic, tmp_path)
    assert lines(tmp_path) == before


async def test_a_view_becomes_a_table_as_parquet_and_as_csv(world: World, scene: Scene, tmp_path: Path) -> None:
    async with working(world):
        await pull(world, scene.clinic, tmp_path / "n")
    (tmp_path / "visits.json").write_text(json.dumps(VISITS))
    (view,) = load_views([tmp_path])
    for form in ("parquet", "csv"):
        assert write_table(view, tmp_path / "n", tmp_path, form, lambda _: None) == 7
    table = pyarrow.parquet.read_table(tmp_path / "visits.parquet").to_pylist()
    assert {row["student"] for row in table} == {scene.student["id"]}
    (long,) = [row for row in table if row["minutes"]]
    assert (long["minutes"], long["profiles"]) == (45.0, ["urn:test:visit"])
    with (tmp_path / "visits.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [r["id"] for r in rows] == [r["id"] for r in table]
    assert {r["minutes"] for r in rows} == {"45", ""}

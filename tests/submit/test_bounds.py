"""What a submission may ask of the exchange is bounded, and what its host answers is not trusted."""

from __future__ import annotations

import asyncio
import gzip
import json
import tracemalloc
from collections.abc import AsyncIterator
from tempfile import TemporaryFile
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from app.db import submissions
from app.errors import HallpassError, Kind
from app.exchange.bulk import submission, taken
from app.exchange.bulk.callers import unpacked
from app.exchange.bulk.taking import Place, Taker
from app.exchange.service import AccessService
from app.jobs.job import Later, Tools, Work
from app.jobs.kinds.submission import JOB
from app.limits.limits import Limits
from app.submit import fetch
from app.submit.fetch import Fetcher, NotFetched
from tests import build
from tests.scene import as_owner
from tests.submit.submitting import HOST, SIS, Host, lines, outcomes, place, send, upload, work
from tests.world import Member, World

MEGABYTE = 1_000_000


def student(n: int, **more: Any) -> dict[str, Any]:
    """A student as the client's own system has it."""
    return {**build.patient(f"bound-{n}"), "id": f"s{n}", **more}


async def total(member: Member) -> int:
    """How many students it has."""
    found: int = (await member.get("/Patient?_total=accurate")).json()["total"]
    return found


# what a host answers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["https://[", "https://files.example.org/\0", f"{HOST}/{'x' * 3000}"])
async def test_an_address_that_is_none_fails_its_manifest_and_no_more(world: World, district: Member, url: str) -> None:
    host = Host({"/m.json": json.dumps({"output": [{"type": "Patient", "url": url}]}).encode()})
    where = place(await send(district, "none", manifestUrl=f"{HOST}/m.json", fhirBaseUrl=SIS))
    await work(world, host)
    assert [(s, "manifest" in text) for s, _, text in await outcomes(district, where)] == [("error", True)]


async def _fetch(content: bytes, headers: dict[str, str], most: int = MEGABYTE) -> bytes:
    host = Host({"/x": (content, headers)})

    async def resolve(_host: str, _port: int) -> list[str]:
        return ["93.184.216.34"]

    with TemporaryFile() as into:
        await Fetcher({"files.example.org"}, resolve=resolve, inner=host).fetch(f"{HOST}/x", {}, into, most)
        into.seek(0)
        return into.read()


GZIP = {"Content-Encoding": "gzip"}


async def test_a_file_that_is_packed_in_parts_is_read_whole() -> None:
    parts = gzip.compress(b"one\n" * 50_000) + gzip.compress(b"two\n")
    assert await _fetch(parts, GZIP) == b"one\n" * 50_000 + b"two\n"


async def test_what_unfolds_without_end_is_given_up_at_its_bound_and_never_in_memory() -> None:
    bomb = gzip.compress(bytes(100 * MEGABYTE))
    tracemalloc.start()
    with pytest.raises(NotFetched, match="more than"):
        await _fetch(bomb, GZIP)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * MEGABYTE


@pytest.mark.parametrize("encoding", ["gzip, gzip", "deflate", "br"])
async def test_what_is_packed_twice_or_in_another_way_is_refused(encoding: str) -> None:
    with pytest.raises(NotFetched, match="gzip, once"):
        await _fetch(gzip.compress(gzip.compress(b"x")), {"Content-Encoding": encoding})


async def test_what_is_not_packed_as_it_says_or_broke_off_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "_PAUSE", 0)
    with pytest.raises(NotFetched, match="is not"):
        await _fetch(b"plain", GZIP)
    with pytest.raises(NotFetched, match="broke off"):
        await _fetch(gzip.compress(b"x" * 1000)[:-9], GZIP)


async def test_a_host_that_answers_a_byte_at_a_time_has_its_time_once(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                await asyncio.sleep(0.02)
                yield b"x"

    class Dripping(httpx.AsyncBaseTransport):
        asked = 0

        async def handle_async_request(self, _request: httpx.Request) -> httpx.Response:
            self.asked += 1
            return httpx.Response(200, stream=Slow())

    async def resolve(_host: str, _port: int) -> list[str]:
        return ["93.184.216.34"]

    monkeypatch.setattr(fetch, "SECONDS", 0.2)
    host = Dripping()
    with TemporaryFile() as into, pytest.raises(NotFetched, match="in time"):
        await Fetcher({"files.example.org"}, resolve=resolve, inner=host).fetch(f"{HOST}/x", {}, into, MEGABYTE)
    assert host.asked == 1


# what a client asks -------------------------------------------------------------------------------------------------


async def test_manifests_count_among_the_files_of_a_submission(
    world: World, district: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submission, "MOST_FILES", 2)
    for _ in range(2):
        place(await send(district, "many", "in-progress", manifestUrl=f"{HOST}/m.json", fhirBaseUrl=SIS))
    assert (await send(district, "many", manifestUrl=f"{HOST}/m.json", fhirBaseUrl=SIS)).status_code == 413
    await as_owner(world, "DELETE FROM hallpass.job")


async def test_what_manifests_list_together_is_bounded(
    world: World, district: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taken, "MOST_FILES", 3)
    host = Host()
    urls = [host.publish(name, {"Patient": [student(n)]}) for n, name in enumerate(("a", "b"))]
    where = place(await send(district, "both", "in-progress", manifestUrl=urls[0], fhirBaseUrl=SIS))
    place(await send(district, "both", manifestUrl=urls[1], fhirBaseUrl=SIS))
    await work(world, host)
    told = await outcomes(district, where)
    assert sorted((s, "at most" in text) for s, _, text in told) == [("error", True), ("information", False)]


async def test_submissions_whose_files_wait_count_as_open(
    world: World, district: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submission, "MOST_OPEN", 2)
    for name in ("one", "two"):
        where = place(await send(district, name, "in-progress", fhirBaseUrl=SIS))
        await upload(district, where, "Patient", lines([student(1)]))
        place(await send(district, name))
    assert (await send(district, "three", "in-progress")).status_code == 429
    await work(world)
    assert (await send(district, "three", "in-progress")).status_code == 200


@pytest.mark.parametrize("strange", ["x" * 65, "a b", "", "é", "x" * 5000])
async def test_an_id_that_is_none_fails_its_line_and_no_more(world: World, district: Member, strange: str) -> None:
    where = place(await send(district, "ids", "in-progress", fhirBaseUrl=SIS))
    await upload(district, where, "Patient", lines([student(1, id=strange), student(2)]))
    place(await send(district, "ids"))
    await work(world)
    assert [s for s, _, _ in await outcomes(district, where)] == ["error", "information"]


async def test_names_that_no_key_can_hold_are_refused(district: Member) -> None:
    assert (await send(district, "x" * 256, "in-progress")).status_code == 400
    assert (await send(district, "x", "in-progress", fhirBaseUrl=f"{SIS}/{'x' * 1000}")).status_code == 400
    assert (await send(district, "\u00e9" * 255, "in-progress", fhirBaseUrl=f"{SIS}/{'x' * 900}")).status_code == 200


# what a client takes back while it is taken -------------------------------------------------------------------------


class Meanwhile(Host):
    """A host while whose answer something happens, once, at a path that is asked for."""

    at = ""
    happens: Any = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Serve a file, after what happens."""
        if request.url.path == self.at:
            self.at = ""
            await self.happens()
        return await super().handle_async_request(request)


@pytest.mark.parametrize("at", ["/back.json", "/back/Patient.ndjson"])
@pytest.mark.parametrize("how", ["stopped", "replaced"])
async def test_what_was_taken_back_while_it_was_fetched_is_not_taken(
    world: World, district: Member, how: str, at: str
) -> None:
    host = Meanwhile()
    host.at = at
    url = host.publish("back", {"Patient": [student(1)]})
    where = place(await send(district, "back", "in-progress", manifestUrl=url, fhirBaseUrl=SIS))

    async def happens() -> None:
        if how == "stopped":
            place(await send(district, "back", "stopped"))
        else:
            other = host.publish("other", {})
            place(await send(district, "back", manifestUrl=other, replacesManifestUrl=url, fhirBaseUrl=SIS))

    host.happens = happens
    await work(world, host)
    await work(world, host)
    assert {s for s, _, _ in await outcomes(district, where)} == {"error"}
    assert await total(district) == 0


async def test_a_faulty_line_of_what_was_stopped_meanwhile_is_noted_no_more(world: World, district: Member) -> None:
    url = f"{HOST}/faulty.json"
    where = place(await send(district, "faulty", "in-progress", manifestUrl=url, fhirBaseUrl=SIS))
    [job] = await as_owner(world, "SELECT payload FROM hallpass.job WHERE entrypoint = 'submission'")
    caller = unpacked(json.loads(bytes(job.payload))["caller"])
    place(await send(district, "faulty", "stopped"))
    held = Place(UUID(where.rpartition("/")[2]), 1, SIS, "Patient")
    service = AccessService(world.db, world.settings, Limits(world.settings, world.db.pool_size).connections)
    taker = Taker(service, caller, world.settings, held)
    with pytest.raises(taken.Gone):
        await taker.refuse(1, b"{", HallpassError(Kind.MALFORMED, "It is no JSON."))
    noted = "SELECT 1 FROM hallpass.submission_line WHERE submission = :submission"
    assert await as_owner(world, noted, submission=held.submission) == []


async def test_a_second_run_beside_the_first_does_not_begin_an_upload_again(world: World, district: Member) -> None:
    where = place(await send(district, "twice", "in-progress", fhirBaseUrl=SIS))
    await upload(district, where, "Patient", lines([student(1)]))
    for _ in range(2):
        place(await send(district, "twice"))
    await work(world)
    async with world.db.begin() as connection:
        await connection.execute(text("SELECT set_config('hallpass.client', :c, true)"), {"c": district.client_id})
        assert await submissions.begin(connection, UUID(where.rpartition("/")[2]), 1, "another") is None
    assert [s for s, _, _ in await outcomes(district, where)] == ["information"]


async def test_one_submission_of_a_client_is_taken_at_a_time(world: World, district: Member) -> None:
    for name in ("first", "second"):
        place(await send(district, name))
    jobs = await as_owner(
        world, "UPDATE hallpass.job SET status = 'picked' WHERE entrypoint = 'submission' RETURNING id, payload"
    )
    service = AccessService(world.db, world.settings, Limits(world.settings, world.db.pool_size).connections)
    tools = Tools(world.db, world.settings, service, asyncio.Event())
    first, second = sorted((Work(tools, j.id, json.loads(bytes(j.payload))) for j in jobs), key=lambda w: w.id)
    with pytest.raises(Later):
        await JOB.run(second)
    await JOB.run(first)
    await as_owner(world, "DELETE FROM hallpass.job WHERE id = :id", id=first.id)
    await JOB.run(second)
    await as_owner(world, "DELETE FROM hallpass.job")

"""`hallpass worker` writes services back over HTTP; one that is killed in the midst is gone on with by the next."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psutil
import pytest
from sqlalchemy import URL

from app.db import embedded
from app.db.address import owner_url
from tests import build
from tests.databases import execute, rows
from tests.intake.pull.provider import Answered, Asked
from tests.running import BIN, Redirected, Running, serving
from tests.world import Member
from tests.write_back.ods import Ods
from tests.write_back.ods import serving as ods_serving

SETTINGS = {"HALLPASS_SYNC_HOSTS": '["127.0.0.1"]', "HALLPASS_SYNC_PRIVATE": "true", "HALLPASS_TOKEN_SECONDS": "3600"}
SYSTEM = "urn:edfi:255901:student"
WAIT_SECONDS = 120
"""For what takes seconds, on a busy machine."""


@pytest.fixture
def server() -> Iterator[Running]:
    """A server without a worker."""
    with serving(**SETTINGS) as found:
        yield found


@pytest.fixture
def ods() -> Iterator[Ods]:
    with ods_serving("604821", "604822") as found:
        yield found


def test_a_worker_that_was_killed_after_the_ods_took_one_is_gone_on_with_and_nothing_is_written_twice(
    server: Running, ods: Ods
) -> None:
    owner = _owner(server)
    key = server.folder / "key.jwk"
    district, clinic = _member(server, "Cedar ISD", key), _member(server, "Elm Clinic", server.folder / "other.jwk")
    server.hallpass("agreement", "add", str(district.organization), str(clinic.organization), "--both-ways")
    asyncio.run(_fill(server, district, clinic))
    (server.folder / "ods.toml").write_text("[oauth2]\nclient_id = 'id'\nsecret = 'secret'\n")
    given = ["--client", district.client_id, "--key", str(key), "--credentials", str(server.folder / "ods.toml")]
    added = server.hallpass("sync", "write-back", "ods", ods.http.url, *given, "--district", "255901")
    assert added.exit_code == 0, added.output
    with _worker(server) as worker:
        _kill_when_the_first_is_taken(ods, worker)
        _due(owner)
        _until(lambda: worker.poll() is not None, server)
    assert len(ods.parts) == 1, "it was killed between the two"
    _due(owner)  # and the quarter of an hour is over for which the killed one had it
    with _worker(server):
        _until(lambda: "1 written" in server.hallpass("sync", "list").output or len(ods.parts) == 2, server)
        _until(lambda: "all well" in server.hallpass("sync", "list").output, server)
    assert {student: minutes for (student, _), minutes in ods.minutes.items()} == {"604821": 45, "604822": 30}
    sent = [key for method, key in ods.writes if (method, key) == ("POST", "studentInterventionAssociations")]
    assert len(sent) <= 3, "at most the one that was under way is sent again, under its natural key"
    seen = "SELECT count(DISTINCT id) FROM hallpass.disclosure WHERE type = 'Encounter' AND recipient = "
    assert asyncio.run(rows(owner, f"{seen}'{district.organization}'"))[0][0] == 2


def _owner(server: Running) -> URL:
    url = server.environment.get("DATABASE_URL")
    return owner_url(url) if url else embedded.start(server.data)


def _member(server: Running, name: str, key: Path) -> Member:
    own = server.hallpass("org", "add", name).output.split()[-1]
    added = server.hallpass("client", "add", name, "--organization", own, "--make-key", str(key))
    client = added.output.split()[-1]
    token = server.hallpass("token", "--client", client, "--key", str(key)).output.strip()
    http = httpx.AsyncClient(transport=Redirected(server.port), timeout=30)
    return Member(UUID(own), client, {}, http, {"Authorization": f"Bearer {token}"})


async def _fill(server: Running, district: Member, clinic: Member) -> None:
    """Two students whom the clinic sees, with a finished session of each that the district sees."""
    for value, minutes in (("604821", 45), ("604822", 30)):
        numbered = [{"system": SYSTEM, "value": value}]
        student = await district.create(build.patient(value, identifier=numbered))
        mother = await district.create(build.guardian(student))
        classes = ("Patient", "RelatedPerson")
        there, back = (district.reference, clinic.reference), (clinic.reference, district.reference)
        await district.create(build.consent(student, mother, *there, classes=classes))
        period = {"start": "2026-10-05T09:00:00-05:00", "end": f"2026-10-05T09:{minutes:02}:00-05:00"}
        held: dict[str, Any] = build.encounter(student, period=period, serviceProvider=clinic.reference)
        await clinic.create({**held, "status": "finished"})
        await clinic.create(build.consent(student, mother, *back, classes=("Encounter",)))
    await district.http.aclose()
    await clinic.http.aclose()


def _kill_when_the_first_is_taken(ods: Ods, worker: subprocess.Popen[bytes]) -> None:
    """The ODS takes the first association; the worker and the process of its run do not live to hear so."""
    answer = ods.http.answer

    def kill_then_answer(asked: Asked) -> Answered:
        found = answer(asked)
        if ods.parts and worker.poll() is None:
            ours = psutil.Process(worker.pid)
            for process in [ours, *ours.children(recursive=True)]:
                process.kill()
            worker.wait()
        return found

    ods.http.answer = kill_then_answer


@contextmanager
def _worker(server: Running) -> Iterator[subprocess.Popen[bytes]]:
    with (server.folder / "worker.log").open("ab") as log:
        worker = subprocess.Popen([BIN / "hallpass", "worker"], env=server.environment, stdout=log, stderr=log)
        try:
            yield worker
        finally:
            worker.terminate()
            worker.wait(30)


def _due(owner: URL) -> None:
    """It is time to run."""
    asyncio.run(execute(owner, "UPDATE hallpass.sync_source SET next_run = now(), lease = NULL"))


def _until(condition: Any, server: Running) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        listed = server.hallpass("sync", "list").output
        assert time.monotonic() < deadline, listed + (server.folder / "worker.log").read_text()[-2_000:]
        time.sleep(0.5)

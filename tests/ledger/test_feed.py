"""What a SIEM is fed: each disclosure and each event once, in AuditEvents that hold no value of a record."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest_asyncio

from app.db.engine import Database
from app.keyring import new
from tests.running import BIN, fresh_environment, hallpass
from tests.scene import FAMILY, Scene, as_owner, entered, set_scene
from tests.world import open_world

KEY = new()
AGED = "UPDATE hallpass.event SET minute = minute - interval '1 minute'"
"""So that the minute of what happened is over."""


@pytest_asyncio.fixture
async def scene(db: Database) -> AsyncIterator[Scene]:
    """A student's Encounter is released to a clinic."""
    async with open_world(db) as world:
        yield await set_scene(world, "Encounter")


async def fed(scene: Scene, folder: Path, *arguments: str) -> list[dict[str, Any]]:
    """What the command prints, started again with the position that it kept."""
    url = scene.world.db.owner.render_as_string(hide_password=False)
    environment = fresh_environment(folder) | {"DATABASE_URL": url, "HALLPASS_KEY": KEY}
    state = [
        "--state",
        str(folder / "position"),
        "--since",
        (datetime.now(UTC) - timedelta(minutes=30)).isoformat()[:19],
    ]
    done = await asyncio.to_thread(hallpass, "ledger", "feed", *state, *arguments, environment=environment)
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def of(events: list[dict[str, Any]], code: str) -> list[dict[str, Any]]:
    """The AuditEvents with a code among their subtypes."""
    return [e for e in events if code in [s["code"] for s in e["subtype"]]]


async def test_each_disclosure_and_event_is_told_once_and_the_next_run_goes_on(scene: Scene, tmp_path: Path) -> None:
    encounter = scene.records["Encounter"]["id"]
    assert (await scene.clinic.get(f"/Encounter/{encounter}")).status_code == 200
    await as_owner(scene.world, AGED)
    first = await fed(scene, tmp_path)
    named = [e for e in of(first, "release") if f"Encounter/{encounter}/" in json.dumps(e)]
    assert len(named) == 1
    assert of(first, "login")
    assert await fed(scene, tmp_path) == []
    assert (await scene.clinic.get(f"/Encounter/{encounter}")).status_code == 200
    again = await fed(scene, tmp_path)
    assert len(of(again, "release")) == 1
    assert not {e["id"] for e in first} & {e["id"] for e in again}


async def test_no_value_of_a_record_is_told(scene: Scene, tmp_path: Path) -> None:
    await scene.release("Patient")
    assert (await scene.clinic.get(f"/Patient?family={FAMILY}")).status_code == 200
    glass = f"UPDATE hallpass.disclosure SET reason = '{FAMILY} fell'"
    await as_owner(scene.world, AGED, glass)
    events = await fed(scene, tmp_path)
    assert of(events, "query"), "the query is told"
    assert FAMILY not in json.dumps(events)
    signers = [
        d["valueString"]
        for e in events
        for x in e.get("entity", [])
        for d in x.get("detail", [])
        if d["type"] == "signer"
    ]
    assert signers == []


async def test_what_commits_late_is_told_all_the_same(scene: Scene, tmp_path: Path) -> None:
    encounter = scene.records["Encounter"]["id"]
    async with entered(scene.world, scene.clinic):  # a transaction that began before, and has entered nothing yet
        assert (await scene.clinic.get(f"/Encounter/{encounter}")).status_code == 200
        assert not [e for e in await fed(scene, tmp_path) if f"Encounter/{encounter}/" in json.dumps(e)]
    assert [e for e in await fed(scene, tmp_path) if f"Encounter/{encounter}/" in json.dumps(e)]


async def test_an_event_whose_minute_is_not_over_waits(scene: Scene, tmp_path: Path) -> None:
    first = await fed(scene, tmp_path)
    recent = await as_owner(scene.world, "SELECT id FROM hallpass.event WHERE minute > now() - interval '1 minute'")
    assert recent
    assert not {str(row.id) for row in recent} & {e["id"] for e in first}


async def test_it_follows_what_comes_until_it_is_told_to_end(scene: Scene, tmp_path: Path) -> None:
    url = scene.world.db.owner.render_as_string(hide_password=False)
    environment = fresh_environment(tmp_path) | {"DATABASE_URL": url, "HALLPASS_KEY": KEY}
    place = tmp_path / "position"
    command = (str(BIN / "hallpass"), "ledger", "feed", "--state", str(place), "--since", "2026-01-01", "--follow")
    follower = await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(60):
            while not place.exists():  # it has told what there was, and waits  # noqa: ASYNC110
                await asyncio.sleep(0.1)
            assert (await scene.clinic.get(f"/Encounter/{scene.records['Encounter']['id']}")).status_code == 200
            assert follower.stdout is not None
            while not of([json.loads(await follower.stdout.readline())], "release"):
                pass
    finally:
        follower.terminate()
        await follower.communicate()

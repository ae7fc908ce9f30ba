"""`hallpass serve --demo` fills a fresh database once, and takes up what was cut short."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from app.demo import seed
from app.demo.members import CLINIC, DISTRICT, Member, enroll
from app.intake.token import Tokens, private_key
from app.server import database_url
from app.settings import Settings
from tests.running import Running, serving


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """A server on a fresh database, with nothing in it."""
    with serving() as found:
        yield found


@pytest.fixture
def settings(running: Running, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of that server, here too."""
    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)
    return Settings()


def search(settings: Settings, member: Member, path: str) -> dict[str, Any]:
    """A page of a search by a member."""

    async def ask() -> dict[str, Any]:
        async with httpx.AsyncClient(timeout=30) as http:
            url = f"{settings.base_url}/auth/token"
            tokens = Tokens(http, url, member.part.client, private_key(member.key), scope="system/*.rs")
            headers = {"Authorization": f"Bearer {(await tokens.get()).value}"}
            found: dict[str, Any] = (await http.get(f"{settings.fhir_base}/{path}", headers=headers)).json()
            return found

    return asyncio.run(ask())


async def begin(settings: Settings) -> Member:
    """The first of what seeding does, and no more."""
    return await enroll(database_url(settings), settings, settings.data_dir / "demo", DISTRICT)


def test_what_was_cut_short_is_taken_up_and_the_clinic_sees_one_student(settings: Settings) -> None:
    first = asyncio.run(begin(settings))
    seed.require_fresh()
    members = {m.part: m for m in seed.seed(settings)}
    assert members[DISTRICT] == first
    seen = search(settings, members[CLINIC], "ServiceRequest?_include=ServiceRequest:patient")
    assert [e["resource"]["resourceType"] for e in seen["entry"]] == ["ServiceRequest", "Patient"]
    assert search(settings, members[DISTRICT], "Patient")["total"] == seed.STUDENTS


def test_a_second_start_changes_nothing(settings: Settings) -> None:
    members = seed.seed(settings)
    pages = [search(settings, members[0], f"{t}?_count=500") for t in ("Patient", "Task", "Consent")]
    assert seed.seed(settings) == members
    assert [search(settings, members[0], f"{t}?_count=500") for t in ("Patient", "Task", "Consent")] == pages

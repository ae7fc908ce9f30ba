"""Members are made once, and found again with a key that works."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import create_async_engine

from app.auth import jose
from app.demo.members import CLINIC, DISTRICT, agree, enroll
from app.settings import Settings

SETTINGS = Settings(DATABASE_URL=None)


async def count(database: URL, table: str) -> int:
    """The rows of a table."""
    engine = create_async_engine(database)
    async with engine.connect() as connection:
        found = await connection.scalar(text(f"SELECT count(*) FROM hallpass.{table}"))
    await engine.dispose()
    return int(found or 0)


async def registered(database: URL, client: str) -> object:
    """The public keys that a client is registered with."""
    engine = create_async_engine(database)
    async with engine.connect() as connection:
        found = await connection.scalar(text("SELECT jwks FROM hallpass.client WHERE id = :id"), {"id": client})
    await engine.dispose()
    return found


async def test_enrolling_again_answers_the_same_member_with_the_same_key(database: URL, tmp_path: Path) -> None:
    first = await enroll(database, SETTINGS, tmp_path, DISTRICT)
    key = first.key.read_text()
    assert stat.S_IMODE(first.key.stat().st_mode) == 0o600
    assert await enroll(database, SETTINGS, tmp_path, DISTRICT) == first
    assert first.key.read_text() == key


async def test_a_member_whose_key_file_is_gone_gets_a_new_key(database: URL, tmp_path: Path) -> None:
    first = await enroll(database, SETTINGS, tmp_path / "one", DISTRICT)
    second = await enroll(database, SETTINGS, tmp_path / "other", DISTRICT)
    assert second.organization == first.organization
    public = jose.public(json.loads(second.key.read_text()))
    assert await registered(database, DISTRICT.client) == {"keys": [public]}


async def test_an_agreement_is_recorded_once_each_way(database: URL, tmp_path: Path) -> None:
    members = {part: await enroll(database, SETTINGS, tmp_path, part) for part in (DISTRICT, CLINIC)}
    for _ in range(2):
        await agree(database, SETTINGS, members, [(DISTRICT, CLINIC)])
    assert await count(database, "agreement") == 2

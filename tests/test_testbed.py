"""A sandbox beside real members: made-up students that a tester asks for, and that can be begun again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.running import Running, serving
from tests.test_commands import client, printed, token


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """`hallpass serve` on a fresh database."""
    with serving() as found:
        yield found


def total(running: Running, bearer: str, path: str) -> int:
    """How many records a client sees; -1 where it gets in no more."""
    answer = httpx.get(f"{running.url}/fhir/{path}", headers={"Authorization": f"Bearer {bearer}"}, timeout=60)
    return int(answer.json()["total"]) if answer.status_code == 200 else -1


def sandbox(running: Running, command: str) -> list[tuple[str, str]]:
    """Run the command: the client and a token of the district and of the clinic that it printed."""
    lines = printed(running.hallpass("testbed", command, str(running.folder / "keys"), "--students", "12")).splitlines()
    rows = [line.split("  ") for line in lines]
    return [(row[0], printed(token(running, row[0], Path(row[2])))) for row in rows]


def test_a_sandbox_is_seeded_once_seen_by_nobody_else_and_begun_again(running: Running) -> None:
    real = printed(running.hallpass("org", "add", "Cedar ISD"))
    own, key = client(running, real)
    theirs = printed(token(running, own, key))
    first = sandbox(running, "seed")
    (_, district), (_, clinic) = first
    counts = [(total(running, district, path), total(running, clinic, path)) for path in ("Patient", "ServiceRequest")]
    assert counts == [(12, 1), (1, 1)]
    assert total(running, theirs, "Patient") == 0
    assert [name for name, _ in sandbox(running, "seed")] == [name for name, _ in first]
    assert total(running, district, "Patient") == 12
    second = sandbox(running, "reset")
    assert {name for name, _ in first}.isdisjoint(name for name, _ in second)
    assert [total(running, bearer, "Patient") for _, bearer in first] == [-1, -1]
    assert [total(running, bearer, "Patient") for _, bearer in second] == [12, 1]
    assert total(running, theirs, "Patient") == 0

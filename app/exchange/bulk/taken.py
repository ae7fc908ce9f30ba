"""How far a submission is taken, as its worker keeps it: each step in a transaction of the client that sent it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from uuid import UUID

from app.caller import Caller
from app.db import submissions
from app.db.submissions import SubmittedFile as SubmittedFile
from app.exchange.bulk.submission import MOST_FILES
from app.exchange.release import PendingResult
from app.exchange.service import AccessService
from app.session import Session

T = TypeVar("T")


class Gone(Exception):
    """The file is not to be taken any more."""


async def waiting(service: AccessService, caller: Caller, id: UUID) -> list[SubmittedFile]:
    """The files that are to be taken now: what was uploaded, once the submission is completed."""

    async def ask(session: Session) -> list[SubmittedFile]:
        found = await submissions.load(session.connection, id)
        if found is None or found.status == "stopped":
            return []
        listed = await submissions.files(session.connection, id)
        due = [f for f in listed if f.status in ("waiting", "taking")]
        return [f for f in due if f.url is not None or found.status == "completed"]

    return await _within(service, caller, ask)


async def begin(service: AccessService, caller: Caller, id: UUID, n: int, digest: str) -> bool:
    """Begin with a file, or go on with it. Whether it is what it was when it was begun. Raises Gone."""
    same = await _within(service, caller, lambda s: submissions.begin(s.connection, id, n, digest))
    if same is None:
        raise Gone
    return same


async def uploaded(service: AccessService, caller: Caller, id: UUID, n: int) -> bytes:
    """What was uploaded."""
    return await _within(service, caller, lambda s: submissions.body(s.connection, id, n)) or b""


async def list_files(
    service: AccessService, caller: Caller, id: UUID, manifest: SubmittedFile, files: Sequence[tuple[str, str]]
) -> bool:
    """Keep the files that a manifest lists, and that the manifest is read: both or neither. Raises Gone.

    False: with those that are there they would be too many.
    """

    async def keep(session: Session) -> bool:
        if not await submissions.hold(session.connection, id, manifest.n):
            raise Gone
        if await submissions.count_files(session.connection, id) + len(files) > MOST_FILES:
            return False
        for kind, url in files:
            await submissions.add_file(
                session.connection, id, "lines", manifest.base, type=kind, url=url, manifest=manifest.url,
                headers=manifest.headers,
            )  # fmt: skip
        await submissions.end(session.connection, id, manifest.n)
        return True

    return await _within(service, caller, keep)


async def noted(service: AccessService, caller: Caller, id: UUID, n: int, after: int, last: int) -> set[int]:
    """Of some lines those that are taken."""
    return await _within(service, caller, lambda s: submissions.noted(s.connection, id, n, after, last))


async def reach(service: AccessService, caller: Caller, id: UUID, n: int, line: int) -> None:
    """Keep up to which line a file is taken."""
    await _within(service, caller, lambda s: submissions.reach(s.connection, id, n, line))


async def end(service: AccessService, caller: Caller, id: UUID, n: int, problem: str | None) -> None:
    """A file is taken to its end, or cannot be."""
    await _within(service, caller, lambda s: submissions.end(s.connection, id, n, problem))


async def _within(service: AccessService, caller: Caller, ask: Callable[[Session], Awaitable[T]]) -> T:
    found: list[T] = []

    async def unit_of_work(session: Session) -> list[PendingResult]:
        found[:] = [await ask(session)]
        return []

    await service.perform(caller, "submission", unit_of_work)
    return found[0]

"""A bulk submission from its first request to its outcomes: what a client sends in by files, into its own custody.

https://build.fhir.org/ig/HL7/bulk-data/ ($bulk-submit of the 4.0.0 ballot)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid4

from app.db import submissions
from app.db.engine import Database
from app.db.submissions import Line as Line
from app.db.submissions import Submission
from app.db.submissions import SubmittedFile as SubmittedFile
from app.errors import HallpassError, Issue, Kind, not_found
from app.exchange.bulk.callers import packed
from app.limits.shares import too_many
from app.queue.enqueue import enqueue
from app.resources import TYPES
from app.resources.refs import as_uuid
from app.session import Session

JOB = "submission"
MOST_OPEN = 10
MOST_FILES = 1000
MOST_UPLOADED = 100_000_000
"""Bytes of the uploaded files of a submission that wait."""
PAGE_LINES = 500
RETRY_SECONDS = 2
SWEPT = 10_000
"""Lines that are forgotten in one transaction."""
STOPPED = "The submission was stopped before this was taken."
REPLACED = "The client replaced the manifest before this was taken."
FAILED = "The exchange could not take this. Send it again in another submission."
Status = Literal["in-progress", "completed", "stopped"]


@dataclass(frozen=True, slots=True)
class Sent:
    """One request of a submission."""

    submitter: str
    name: str
    status: Status
    base: str
    manifest: str | None = None
    replaces: str | None = None
    headers: str | None = None
    """To fetch the manifest and its files with, sealed."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A submission as its client may know it. `counts`: by file how many lines were taken, and how many were not."""

    submission: Submission
    files: tuple[SubmittedFile, ...]
    counts: dict[int, tuple[int, int]]

    @property
    def over(self) -> bool:
        """Whether nothing more comes of it."""
        done = all(f.status in ("done", "failed") for f in self.files)
        return self.submission.status != "in-progress" and done


async def send(session: Session, sent: Sent) -> UUID:
    """Begin a submission or go on with it. Raises TOO_MANY for too many open ones, CONFLICT for one that ended."""
    found = await submissions.find(session.connection, sent.submitter, sent.name)
    if found is None:
        if await submissions.count_open(session.connection) >= MOST_OPEN:
            text = f"This client has {MOST_OPEN} submissions that have not ended, or are still taken. End one, or wait."
            raise too_many(text, 60)
        client = session.caller.client
        await submissions.create(session.connection, uuid4(), client, sent.submitter, sent.name, sent.base)
        found = await submissions.find(session.connection, sent.submitter, sent.name)
        assert found is not None
    elif found.status != "in-progress" and (sent.manifest or sent.status != found.status):
        raise HallpassError(Kind.CONFLICT, f"The submission is {found.status}. Begin another one.")
    if sent.replaces:
        await submissions.stop(session.connection, found.id, REPLACED, sent.replaces)
    if sent.manifest:
        if await submissions.count_files(session.connection, found.id) >= MOST_FILES:
            raise HallpassError(Kind.TOO_LARGE, f"A submission has at most {MOST_FILES} files and manifests.")
        base, manifest = sent.base, sent.manifest
        await submissions.add_file(
            session.connection, found.id, "manifest", base, url=manifest, manifest=manifest, headers=sent.headers
        )
    await submissions.set_status(session.connection, found.id, sent.status)
    if sent.status == "stopped":
        await submissions.stop(session.connection, found.id, STOPPED)
    elif sent.manifest or sent.status == "completed":
        await enqueue(session.connection, JOB, {"submission": str(found.id), "caller": packed(session.caller)})
    return found.id


async def named(session: Session, submitter: str, name: str) -> UUID:
    """The caller's own submission of a name. Raises NOT_FOUND."""
    found = await submissions.find(session.connection, submitter, name)
    if found is None:
        raise not_found()
    return found.id


async def upload(session: Session, id: str, type_name: str, content: bytes) -> None:
    """Add a file to a submission of the caller's that is in progress; it is taken once the submission is completed.

    Raises NOT_FOUND, CONFLICT where it has ended, and TOO_LARGE for more than may wait.
    """
    if type_name not in TYPES:
        raise not_found()
    loaded = await _load(session, id)
    found = await submissions.find(session.connection, loaded.submitter, loaded.name)
    assert found is not None
    if found.status != "in-progress":
        raise HallpassError(Kind.CONFLICT, f"The submission is {found.status}. Begin another one.")
    there = await submissions.files(session.connection, found.id)
    if len(there) >= MOST_FILES or sum(f.size or 0 for f in there) + len(content) > MOST_UPLOADED:
        text = f"A submission has at most {MOST_FILES} files, and {MOST_UPLOADED} bytes of them wait at once."
        raise HallpassError(Kind.TOO_LARGE, text)
    await submissions.add_file(session.connection, found.id, "lines", found.base, type=type_name, body=content)


async def standing(session: Session, id: str) -> Standing:
    """How a submission of the caller's stands. Raises NOT_FOUND for any other's."""
    found = await _load(session, id)
    listed = await submissions.files(session.connection, found.id)
    return Standing(found, tuple(listed), await submissions.counts(session.connection, found.id))


async def outcomes(session: Session, id: UUID, n: int, after: int) -> list[Line]:
    """What became of the next lines of a file."""
    return await submissions.lines(session.connection, id, n, after, PAGE_LINES)


async def fail(db: Database, payload: dict[str, Any]) -> None:
    """Say that what waits of a submission cannot be taken, also where its client stands no more."""
    async with db.begin() as connection:
        await submissions.fail(connection, UUID(payload["submission"]), FAILED)


async def sweep(db: Database, before: datetime) -> bool:
    """Forget some lines of submissions that were last touched before a moment. Whether there are more."""
    async with db.begin() as connection:
        return await submissions.sweep(connection, before, SWEPT) > 0


async def _load(session: Session, id: str) -> Submission:
    known = as_uuid(id)
    found = None if known is None else await submissions.load(session.connection, known)
    if found is None:
        raise not_found()
    return found


def bad(name: str, must: str) -> HallpassError:
    """The error of a parameter."""
    return HallpassError(Kind.INVALID, Issue(f"The parameter {name!r} {must}."))

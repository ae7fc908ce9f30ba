"""Bulk submissions as they are stored. Row-level security shows each to its client alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Text, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

_CREATE = text("""
    INSERT INTO hallpass.submission (id, client, organization, submitter, name, base, status, created, touched)
    SELECT :id, :client, hallpass.caller(), :submitter, :name, :base, 'in-progress', t.now, t.now
    FROM (SELECT hallpass.instant() AS now) t
    ON CONFLICT (client, submitter, name) DO NOTHING
""")
_COLUMNS = "id, submitter, name, base, status, created"
_FIND = text(f"""
    SELECT {_COLUMNS} FROM hallpass.submission WHERE submitter = :submitter AND name = :name FOR UPDATE
""")  # noqa: S608 - the columns of a table of ours
_LOAD = text(f"SELECT {_COLUMNS} FROM hallpass.submission WHERE id = :id")  # noqa: S608 - as above
_OPEN = text("""
    SELECT count(*) FROM hallpass.submission s WHERE s.status = 'in-progress' OR EXISTS (
        SELECT 1 FROM hallpass.submission_file f WHERE f.submission = s.id AND f.status IN ('waiting', 'taking'))
""")
_SET = text("UPDATE hallpass.submission SET status = :status, touched = hallpass.instant() WHERE id = :id")
_FILES = text("""
    SELECT n, kind, type, url, manifest, base, headers, digest, status, line, problem, octet_length(body) AS size
    FROM hallpass.submission_file WHERE submission = :id ORDER BY n
""")
_COUNT_FILES = text("SELECT count(*) FROM hallpass.submission_file WHERE submission = :id")
_ADD = text("""
    INSERT INTO hallpass.submission_file (submission, n, kind, type, url, manifest, base, headers, body)
    SELECT :id, coalesce(max(n), 0) + 1, :kind, :type, :url, :manifest, :base, :headers, :body
    FROM hallpass.submission_file WHERE submission = :id
""")
_BODY = text("SELECT body FROM hallpass.submission_file WHERE submission = :id AND n = :n")
_HOLD = text("""
    SELECT line FROM hallpass.submission_file WHERE submission = :id AND n = :n AND status = 'taking' FOR SHARE
""")
_BEGIN = text("""
    UPDATE hallpass.submission_file SET status = 'taking', digest = coalesce(digest, :digest)
    WHERE submission = :id AND n = :n AND status IN ('waiting', 'taking') RETURNING digest
""")
_REACH = text("UPDATE hallpass.submission_file SET line = :line WHERE submission = :id AND n = :n")
_END = text("""
    UPDATE hallpass.submission_file SET status = :status, problem = :problem, body = NULL, headers = NULL
    WHERE submission = :id AND n = :n AND status IN ('waiting', 'taking')
""")
_STOP = text("""
    UPDATE hallpass.submission_file SET status = 'failed', problem = :problem, body = NULL, headers = NULL
    WHERE submission = :id AND status IN ('waiting', 'taking')
      AND (CAST(:manifest AS text) IS NULL OR manifest = :manifest)
""")
_NOTE = text("""
    INSERT INTO hallpass.submission_line (submission, n, line, result, source, resource, issues)
    VALUES (:id, :n, :line, :result, :source, :resource, :issues) ON CONFLICT DO NOTHING RETURNING line
""").bindparams(bindparam("issues", type_=JSONB(none_as_null=True)))
_NOTED = text("""
    SELECT line FROM hallpass.submission_line WHERE submission = :id AND n = :n AND line > :after AND line <= :last
""")
_LINES = text("""
    SELECT line, result, source, resource, issues FROM hallpass.submission_line
    WHERE submission = :id AND n = :n AND line > :after ORDER BY line LIMIT :limit
""")
_COUNTS = text("""
    SELECT n, count(*) FILTER (WHERE result <> 'failed') AS well, count(*) FILTER (WHERE result = 'failed') AS ill
    FROM hallpass.submission_line WHERE submission = :id GROUP BY n
""")
_KNOWN = text("""
    SELECT s.type, s.source, s.id FROM hallpass.submitted s
    JOIN unnest(CAST(:types AS text[]), CAST(:sources AS text[])) w(type, source) USING (type, source)
    WHERE s.organization = hallpass.caller() AND s.base = :base
""").bindparams(*(bindparam(n, type_=ARRAY(Text())) for n in ("types", "sources")))
_KEEP = text("""
    INSERT INTO hallpass.submitted (organization, base, type, source, id)
    VALUES (hallpass.caller(), :base, :type, :source, :own)
    ON CONFLICT (organization, base, type, source) DO UPDATE SET id = EXCLUDED.id
""")
_SWEEP = text("SELECT hallpass.sweep_submissions(:before, :most)").bindparams(
    bindparam("before", type_=DateTime(timezone=True))
)
_FAIL = text("SELECT hallpass.fail_submission(:id, :problem)")


@dataclass(frozen=True, slots=True)
class Submission:
    """A submission as it stands."""

    id: UUID
    submitter: str
    name: str
    base: str
    status: str
    created: datetime


@dataclass(frozen=True, slots=True)
class SubmittedFile:
    """A file of a submission, or a manifest that lists some."""

    n: int
    kind: str
    type: str | None
    url: str | None
    manifest: str | None
    base: str
    headers: str | None
    digest: str | None
    status: str
    line: int
    problem: str | None
    size: int | None


@dataclass(frozen=True, slots=True)
class Line:
    """What became of a line."""

    line: int
    result: str
    source: str
    resource: str | None = None
    issues: list[dict[str, Any]] | None = None


async def create(connection: AsyncConnection, id: UUID, client: str, submitter: str, name: str, base: str) -> None:
    """Store a submission, unless there is one of that name."""
    values = {"id": id, "client": client, "submitter": submitter, "name": name, "base": base}
    await connection.execute(_CREATE, values)


async def find(connection: AsyncConnection, submitter: str, name: str) -> Submission | None:
    """One of the caller's own submissions, locked."""
    row = (await connection.execute(_FIND, {"submitter": submitter, "name": name})).one_or_none()
    return Submission(*row) if row else None


async def load(connection: AsyncConnection, id: UUID) -> Submission | None:
    """One of the caller's own submissions."""
    row = (await connection.execute(_LOAD, {"id": id})).one_or_none()
    return Submission(*row) if row else None


async def count_open(connection: AsyncConnection) -> int:
    """How many of the caller's submissions have not ended, or have files that wait."""
    return int(await connection.scalar(_OPEN) or 0)


async def set_status(connection: AsyncConnection, id: UUID, status: str) -> None:
    """Keep what the client says of a submission."""
    await connection.execute(_SET, {"id": id, "status": status})


async def files(connection: AsyncConnection, id: UUID) -> list[SubmittedFile]:
    """The files and manifests of a submission."""
    return [SubmittedFile(*row) for row in await connection.execute(_FILES, {"id": id})]


async def count_files(connection: AsyncConnection, id: UUID) -> int:
    """How many files and manifests a submission has."""
    return int(await connection.scalar(_COUNT_FILES, {"id": id}) or 0)


async def add_file(
    connection: AsyncConnection, id: UUID, kind: str, base: str, *, type: str | None = None, url: str | None = None,
    manifest: str | None = None, headers: str | None = None, body: bytes | None = None,
) -> None:  # fmt: skip
    """Add a file or a manifest. The submission is locked."""
    values = {"type": type, "url": url, "manifest": manifest, "headers": headers, "body": body}
    await connection.execute(_ADD, {"id": id, "kind": kind, "base": base, **values})


async def body(connection: AsyncConnection, id: UUID, n: int) -> bytes | None:
    """What was uploaded."""
    found = await connection.scalar(_BODY, {"id": id, "n": n})
    return None if found is None else bytes(found)


async def hold(connection: AsyncConnection, id: UUID, n: int) -> bool:
    """Whether a file is still to be taken; until the end of the transaction nobody stops it."""
    return await connection.scalar(_HOLD, {"id": id, "n": n}) is not None


async def begin(connection: AsyncConnection, id: UUID, n: int, digest: str) -> bool | None:
    """Begin with a file, or go on with it. Whether it is what it was; None: it is to be taken no more."""
    found = await connection.scalar(_BEGIN, {"id": id, "n": n, "digest": digest})
    return None if found is None else bool(found == digest)


async def reach(connection: AsyncConnection, id: UUID, n: int, line: int) -> None:
    """Keep up to which line a file is taken."""
    await connection.execute(_REACH, {"id": id, "n": n, "line": line})


async def end(connection: AsyncConnection, id: UUID, n: int, problem: str | None = None) -> None:
    """A file is taken to its end, or cannot be."""
    values = {"id": id, "n": n, "status": "failed" if problem else "done", "problem": problem}
    await connection.execute(_END, values)


async def stop(connection: AsyncConnection, id: UUID, problem: str, manifest: str | None = None) -> None:
    """Take no more of a submission, or of what one manifest lists."""
    await connection.execute(_STOP, {"id": id, "problem": problem, "manifest": manifest})


async def note(connection: AsyncConnection, id: UUID, n: int, line: Line) -> bool:
    """Keep what became of a line. Whether nothing was kept of it before."""
    values = {"line": line.line, "result": line.result, "source": line.source, "resource": line.resource}
    return await connection.scalar(_NOTE, {"id": id, "n": n, "issues": line.issues, **values}) is not None


async def noted(connection: AsyncConnection, id: UUID, n: int, after: int, last: int) -> set[int]:
    """Of some lines those that are taken."""
    return {row.line for row in await connection.execute(_NOTED, {"id": id, "n": n, "after": after, "last": last})}


async def lines(connection: AsyncConnection, id: UUID, n: int, after: int, limit: int) -> list[Line]:
    """What became of the next lines."""
    return [Line(*row) for row in await connection.execute(_LINES, {"id": id, "n": n, "after": after, "limit": limit})]


async def counts(connection: AsyncConnection, id: UUID) -> dict[int, tuple[int, int]]:
    """By file how many lines were taken, and how many were not."""
    return {row.n: (row.well, row.ill) for row in await connection.execute(_COUNTS, {"id": id})}


async def known(
    connection: AsyncConnection, base: str, wanted: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], UUID]:
    """Which records the caller's own system means by types and ids of its own."""
    values = {"base": base, "types": [t for t, _ in wanted], "sources": [s for _, s in wanted]}
    return {(row.type, row.source): row.id for row in await connection.execute(_KNOWN, values)}


async def keep(connection: AsyncConnection, base: str, type: str, source: str, own: UUID) -> None:
    """Keep which record an id of the caller's own system means."""
    await connection.execute(_KEEP, {"base": base, "type": type, "source": source, "own": own})


async def sweep(connection: AsyncConnection, before: datetime, most: int) -> int:
    """Forget some lines of submissions that are over; how many. See hallpass.sweep_submissions."""
    return int(await connection.scalar(_SWEEP, {"before": before, "most": most}) or 0)


async def fail(connection: AsyncConnection, id: UUID, problem: str) -> None:
    """End what waits of a submission that cannot be taken, of whatever client."""
    await connection.execute(_FAIL, {"id": id, "problem": problem})

"""The witness's folder: the last mark, and by day a file of what ended and what was disclosed, as lines of JSON.

It holds ids and times, public keys of clients, and no value of a record. docs/decisions/0075-witness.md
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import orjson

HEAD = "head.json"
DAYS = "*.ndjson"


@dataclass(frozen=True, slots=True)
class Head:
    """The last mark that the witness has: its number, its token, and the database's time."""

    n: int
    token: str
    at: datetime


class Line(NamedTuple):
    """What a mark brought: of a kind of ending, or a disclosure, with its columns."""

    n: int
    kind: str
    row: dict[str, Any]


class Busy(Exception):
    """Another process writes into the witness."""


class Folder:
    """The folder that the setting HALLPASS_WITNESS names. Everything raises OSError where it cannot be used."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def head(self) -> Head | None:
        """The last mark; None: the folder is new. Raises ValueError for a file that is none of ours."""
        try:
            found = orjson.loads((self.path / HEAD).read_bytes())
        except FileNotFoundError:
            if any(self.path.glob(DAYS)):
                raise ValueError(f"{self.path} has days and no {HEAD}") from None
            return None
        return Head(int(found["n"]), str(found["token"]), datetime.fromisoformat(found["at"]))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Alone with the folder. Raises Busy while another process is."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise Busy from None
        finally:
            os.close(descriptor)

    def add(self, head: Head, lines: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """Keep lines, and then the mark that brought them: both are on the disk when this returns."""
        written = b"".join(orjson.dumps((head.n, kind, row)) + b"\n" for kind, row in lines)
        if written:
            day = self.path / f"{head.at.astimezone(UTC):%Y-%m-%d}.ndjson"
            _cut(day)
            _write(day, written, os.O_APPEND)
        beside = self.path / f"{HEAD}.new"
        _write(beside, orjson.dumps(asdict(head)), os.O_TRUNC)
        beside.rename(self.path / HEAD)
        _sync(self.path)

    def since(self, n: int) -> Iterator[Line]:
        """What marks after one of this number have brought, in the order in which it was written."""
        for day in sorted(self.path.glob(DAYS)):
            with day.open("rb") as file:
                for text in file:
                    if text.endswith(b"\n"):  # else the disk was full, and the line is not acknowledged
                        line = Line(*orjson.loads(text))
                        if line.n > n:
                            yield line

    def forget(self, before: datetime) -> None:
        """Delete the days that ended before a moment."""
        oldest = f"{before.astimezone(UTC) - timedelta(days=1):%Y-%m-%d}"
        for day in self.path.glob(DAYS):
            if day.stem < oldest:
                day.unlink()


def _cut(path: Path) -> None:
    """Take the line off that a write has not brought to its end, since the disk was full: it is written again."""
    with suppress(FileNotFoundError), path.open("r+b") as file:
        end = file.seek(0, os.SEEK_END)
        while end and (file.seek(end - 1), file.read(1))[1] != b"\n":
            end -= 1
        file.truncate(end)


def _write(path: Path, content: bytes, how: int) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | how, 0o600)
    try:
        while content:
            content = content[os.write(descriptor, content) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

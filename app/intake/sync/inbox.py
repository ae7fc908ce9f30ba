"""A directory that SFTP fills: what has come whole, oldest first, and where it goes when it was read.
docs/guides/roster.md

A file is taken by a move within the directory, so that no upload changes it while it is read; one that was taken when
the worker was killed is read first the next time. Each reading is counted before it begins, so that none goes on
forever.
"""

from __future__ import annotations

import stat
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from app.errors import HallpassError, Kind

TAKEN, DONE, REFUSED = "taken", "done", "refused"
QUIET_SECONDS = 30.0
LOOK_SECONDS = 2.0
"""A file is whole when nothing was written to it for so long, and nothing between two looks."""
MOST_TRIES = 24
"""How often a file is read that cannot be imported: with the pauses, for most of a day."""
FIRST_PAUSE, LONGEST_PAUSE = 60.0, 3600.0
"""Seconds before a file is read again; they double each time."""
_ENDS = (".zip", ".csv")


@dataclass(frozen=True, slots=True)
class Inbox:
    """A directory of this machine."""

    folder: Path
    quiet_seconds: float = QUIET_SECONDS
    look_seconds: float | None = None

    def require(self) -> None:
        """Make the places that files are moved to. Raises HallpassError where the directory cannot be used."""
        try:
            if not self.folder.is_dir():
                raise HallpassError(Kind.INVALID, f"There is no directory {self.folder}.")
            for name in (TAKEN, DONE, REFUSED):
                (self.folder / name).mkdir(mode=0o700, exist_ok=True)
        except OSError as e:
            raise HallpassError(Kind.INVALID, f"{self.folder} cannot be written to: {e.strerror}.") from None

    def take(self) -> Iterator[Path]:
        """Each file that has come whole, moved away from where uploads go: what was taken before, then oldest first."""
        there = (self.folder / TAKEN).iterdir()
        yield from sorted(p for p in there if _regular(p) and not p.name.startswith("."))
        before = self._there()
        if not before:
            return
        time.sleep(LOOK_SECONDS if self.look_seconds is None else self.look_seconds)
        now = self._there()
        whole = [p for p, seen in before.items() if now.get(p) == seen and self._whole(p, seen)]
        for path in sorted(whole, key=lambda p: (before[p][1], p.name)):
            moved = self.folder / TAKEN / path.name
            if not moved.exists():
                path.rename(moved)
                yield moved

    def put_away(self, path: Path, place: str, report: dict[str, Any]) -> Path:
        """Move a file that was read to its place, with its report beside it."""
        at = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        target = self.folder / place / f"{path.stem}.{at}{path.suffix}"
        target.with_suffix(".report.json").write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))
        path.rename(target)
        _count_of(path).unlink(missing_ok=True)
        return target

    def tries(self, path: Path) -> int:
        """How often a file that is taken was read."""
        try:
            return int(_count_of(path).read_text())
        except (OSError, ValueError):
            return 0

    def count_try(self, path: Path) -> None:
        """Keep that a file is read once more."""
        _count_of(path).write_text(str(self.tries(path) + 1))

    def due(self, path: Path) -> float:
        """When a file that is taken may be read, as seconds of the epoch: after a pause that doubles each time."""
        tries = self.tries(path)
        if not tries:
            return 0.0
        return _count_of(path).stat().st_mtime + min(FIRST_PAUSE * 2.0 ** (tries - 1), LONGEST_PAUSE)

    def _there(self) -> dict[Path, tuple[int, int]]:
        """The files of the directory with their size and the time of the last write."""
        found = {}
        for path in self.folder.iterdir():
            if path.suffix.lower() in _ENDS and not path.name.startswith(".") and _regular(path):
                status = path.lstat()
                found[path] = (status.st_size, status.st_mtime_ns)
        return found

    def _whole(self, path: Path, seen: tuple[int, int]) -> bool:
        quiet = abs(time.time() - seen[1] / 1e9) >= self.quiet_seconds
        return quiet and (path.suffix.lower() != ".zip" or zipfile.is_zipfile(path))


def _count_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.tries")


def _regular(path: Path) -> bool:
    """Whether it is a file itself: a link may lead anywhere."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False

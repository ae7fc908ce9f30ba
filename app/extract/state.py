"""How far a pull has come, kept beside its files: what is there after the program was killed is gone on with."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

import orjson

from app.errors import HallpassError, Kind

NAME = ".export.json"
PART = ".part"


@dataclass(slots=True)
class State:
    """The export that a directory is filled from, and the files of it that are whole."""

    server: str
    client: str
    request: dict[str, str]
    """Path and parameters of the kick-off."""
    status: str = ""
    """Where the export stands; empty: not begun."""
    done: dict[str, int] = field(default_factory=dict)
    """Lines by the name of each whole file."""


def load(folder: Path) -> State | None:
    """What a directory holds of a pull that has not ended."""
    try:
        held = orjson.loads((folder / NAME).read_bytes())
        return State(**held)
    except FileNotFoundError:
        return None
    except (orjson.JSONDecodeError, TypeError):
        raise HallpassError(Kind.INVALID, f"{folder / NAME} cannot be read. Remove it to begin again.") from None


def save(folder: Path, state: State) -> None:
    """Keep it, whole or not at all."""
    replace(folder / NAME, orjson.dumps(asdict(state)))


def replace(path: Path, content: bytes) -> None:
    """Write a file so that whoever looks finds it as it was or as it is."""
    fresh = path.with_name(f"{path.name}.new")
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)


def mend(part: Path) -> tuple[int, str]:
    """Cut a file that was broken off behind its last whole line: how many lines it has, and the id in the last one."""
    lines, last, end = 0, b"", 0
    with part.open("r+b") as file:
        for line in file:
            if not line.endswith(b"\n"):
                break
            lines, last, end = lines + 1, line, end + len(line)
        file.truncate(end)
    try:
        return lines, str(orjson.loads(last).get("id", "")) if last else ""
    except (orjson.JSONDecodeError, AttributeError):
        raise HallpassError(Kind.INVALID, f"{part} is not NDJSON. Remove it to begin that file again.") from None

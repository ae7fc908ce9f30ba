"""What the last imports of a source tell people, as its head keeps it. Pure. docs/whose-word-counts.md"""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from datetime import datetime

import orjson

from app.intake.report import Report
from app.intake.roster.statements import CONFLICTS, EXTENSION, HEAD, SYSTEM
from app.intake.roster.units import Json
from app.subscriptions.topics import ROSTER_CODE

LINES = "told"
"""What a head holds of the last imports with conflicts."""
MOST_IMPORTS = 5
MOST_LINES = 50
"""Of one kind, of one import."""
LONGEST = 200
MOST_BYTES = 1_000_000
SEARCH = [("code", f"{ROSTER_CODE}|import"), ("identifier", HEAD), ("_sort", "-_lastUpdated"), ("_total", "none")]
"""The heads, the newest first."""


@dataclass(frozen=True, slots=True)
class Conflicts:
    """Of one import: when it ended, how many records were refused or kept, and the lines about some of them."""

    at: datetime
    counts: dict[str, int]
    lines: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Told:
    """One source: whether an import of it runs now, and the last ones with conflicts, the newest first."""

    source: str
    running: bool
    clean: bool
    """Whether the last import that ended had no conflict."""
    imports: list[Conflicts]


def with_conflicts(held: Json, report: Report, now: datetime) -> None:
    """Keep in a head what an import tells people; one that tells what the last one told takes its place."""
    counts = held[CONFLICTS] = report.conflicts
    if not counts:
        return
    lines = {kind: [t[:LONGEST] for t in report.lines.get(kind, [])[:MOST_LINES]] for kind in counts}
    kept = [k for k in held.get(LINES, []) if (k["counts"], k["lines"]) != (counts, lines)]
    held[LINES] = [{"at": now.isoformat(), "counts": counts, "lines": lines}, *kept][:MOST_IMPORTS]


def told(group: Json) -> Told | None:
    """What a head tells; None for what is none, or cannot be read: a Group is its custodian's to write."""
    name: Json = next((i for i in group.get("identifier", []) if i.get("value") == HEAD), {})
    system = str(name.get("system", ""))
    packed = next((e.get("valueBase64Binary") for e in group.get("extension", []) if e.get("url") == EXTENSION), None)
    if not packed or not system.startswith(f"{SYSTEM}/"):
        return None
    try:
        held = _held(packed)
        imports = [_conflicts(k) for k in held.get(LINES, [])]
        return Told(system.removeprefix(f"{SYSTEM}/"), "running" in held, not held.get(CONFLICTS), imports)
    except (AttributeError, KeyError, TypeError, ValueError, zlib.error):
        return None


def _conflicts(kept: Json) -> Conflicts:
    counts = {str(kind): int(n) for kind, n in kept["counts"].items()}
    lines = {str(kind): [str(line) for line in found] for kind, found in kept["lines"].items()}
    return Conflicts(datetime.fromisoformat(kept["at"]), counts, lines)


def _held(packed: str) -> Json:
    """What is packed may come to any size: no more than a head has is unpacked."""
    unpacking = zlib.decompressobj()
    found: Json = orjson.loads(unpacking.decompress(base64.b64decode(packed), MOST_BYTES))
    return found

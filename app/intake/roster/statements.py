"""What this source's import last wrote, kept at the exchange itself: Groups that only the custodian reads.
docs/decisions/0030-whose-word-counts.md

A Group has no members here; an extension holds, of up to some hundred records, each one's key, its id and the digests
of what was last written. It is written in the transaction that writes the records, so that no way of ending leaves
one without the other. Another machine goes on from it.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from dataclasses import dataclass, field
from typing import Any

import orjson

from app.intake.roster.units import Json
from app.subscriptions.topics import ROSTER_CODE

SYSTEM = "https://hallpass.example/fhir/NamingSystem/import"
EXTENSION = "https://hallpass.example/fhir/StructureDefinition/import-statement"
HEAD = "head"
SAID = {"refused": "refused", "kept": "left as a person decided"}
"""What is a conflict of an import."""
CONFLICTS = "conflicts"
"""What a head holds of an import that ended: how many records were refused or kept, where there were any."""


@dataclass(slots=True)
class Statement:
    """What was last written of one record: its id, the version that the import left, and the digest of each unit."""

    id: str
    wrote: dict[str, str]
    version: int


@dataclass(slots=True)
class Page:
    """The statements of one bucket, as one Group holds them; `id` and `version` where the exchange has it.

    A page that waits is folded: all of a large district's would take hundreds of megabytes.
    """

    name: str
    id: str | None = None
    version: int | None = None
    entries: dict[str, Statement] = field(default_factory=dict)
    folded: bytes = field(default=b"", repr=False)

    def fold(self) -> None:
        """Keep the statements in a tenth of the memory."""
        self.folded, self.entries = _packed(_held(self.entries)), {}

    def unfold(self) -> None:
        """Have the statements at hand again."""
        if self.folded:
            self.entries, self.folded = _entries(_unpacked(self.folded)), b""


def bucket(kind: str, key: str, buckets: int) -> str:
    """The name of the bucket that a record is in."""
    number = int.from_bytes(hashlib.sha256(f"{kind}/{key}".encode()).digest()[:4]) % buckets
    return f"{kind}/{number}"


def system(source: str) -> str:
    """The identifier system of a source's Groups."""
    return f"{SYSTEM}/{source}"


def page_of(group: Json) -> Page:
    """The statements in a Group."""
    name = str(group["identifier"][0]["value"])
    entries = _entries(content(group)) if name != HEAD else {}
    return Page(name, group["id"], int(group["meta"]["versionId"]), entries)


def group_of(page: Page, source: str) -> Json:
    """The Group that holds a page of statements."""
    return group(source, page.name, _held(page.entries))


def group(source: str, name: str, held: Any) -> Json:
    """A Group that holds a value for the import; that of a head whose import ended with conflicts counts them."""
    counts = held.get(CONFLICTS) if name == HEAD and "running" not in held else None
    return {
        "resourceType": "Group",
        "extension": [{"url": EXTENSION, "valueBase64Binary": base64.b64encode(_packed(held)).decode()}],
        "identifier": [{"system": system(source), "value": name}],
        "active": True,
        "type": "person",
        "actual": False,
        "code": {"coding": [{"system": ROSTER_CODE, "code": "import", "display": "What an import last wrote"}]},
        **({"characteristic": [_counted(*c) for c in sorted(counts.items())]} if counts else {}),
    }


def _counted(status: str, number: int) -> Json:
    code = {"coding": [{"system": ROSTER_CODE, "code": status, "display": f"Records that an import {SAID[status]}"}]}
    return {"code": code, "valueQuantity": {"value": number}, "exclude": False}


def content(group: Json) -> Any:
    """The value that a Group holds."""
    packed = next(e["valueBase64Binary"] for e in group["extension"] if e["url"] == EXTENSION)
    return _unpacked(base64.b64decode(packed))


def _held(entries: dict[str, Statement]) -> Any:
    return {k: [s.id, s.version, sorted(s.wrote.items())] for k, s in sorted(entries.items())}


def _entries(held: Any) -> dict[str, Statement]:
    return {key: Statement(one, dict(wrote), version) for key, (one, version, wrote) in held.items()}


def _unpacked(packed: bytes) -> Any:
    return orjson.loads(zlib.decompress(packed))


def _packed(held: Any) -> bytes:
    return zlib.compress(orjson.dumps(held, option=orjson.OPT_SORT_KEYS))

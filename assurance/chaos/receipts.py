"""What a client got, as it sees it itself: each resource version in a complete answer, in a file of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

MARK = "mark-"
"""Begins the text that tells a version of a referral from the others; the custodian alone makes it."""
_PATH = re.compile(r"/fhir/([A-Za-z]+)/([0-9a-f-]{36})(?:/_history/\d+)?$")
_ETAG = re.compile(r'W/"(\d+)"')


@dataclass(frozen=True, slots=True)
class Receipt:
    """One version that a client got between `sent` and `received` (seconds since 1970), and how it asked."""

    client: str
    recipient: str
    interaction: str
    type: str
    id: str
    version: int
    mark: str | None
    sent: float
    received: float
    way: str


class Book:
    """One client's file of receipts, one a line."""

    def __init__(self, folder: Path, client: str, recipient: UUID) -> None:
        self._file = (folder / client).open("a")
        self._client = client
        self._recipient = str(recipient)

    def enter(self, got: list[Got], interaction: str, sent: float, received: float, way: str) -> None:
        """Append what one answer held."""
        for type_name, own, version, mark in got:
            receipt = Receipt(
                self._client, self._recipient, interaction, type_name, own, version, mark, sent, received, way
            )
            self._file.write(json.dumps(asdict(receipt)) + "\n")
        self._file.flush()


class Books:
    """The receipts of all clients, read from their files as far as they have not been read before."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._at: dict[Path, int] = {}

    def fresh(self) -> list[Receipt]:
        """Those that have come since."""
        found = []
        for path in sorted(self._folder.iterdir()):
            with path.open() as file:
                file.seek(self._at.get(path, 0))
                found += [Receipt(**json.loads(line)) for line in file.read().splitlines()]
                self._at[path] = file.tell()
        return found


Got = tuple[str, str, int, str | None]
"""Type, id, version and mark."""


def got(response: httpx.Response) -> list[Got]:
    """The versions that an answer tells of: in its body, or by the ETag alone where it has none."""
    named = _PATH.search(response.headers.get("Location", "")) or _PATH.search(response.request.url.path)
    tag = _ETAG.search(response.headers.get("ETag", ""))
    if not response.content:
        return [(named[1], named[2], int(tag[1]), None)] if named and tag else []
    return list(_versions(response.json()))


def _versions(resource: dict[str, Any]) -> Iterator[Got]:
    kind = resource["resourceType"]
    if kind == "Bundle":
        for entry in resource.get("entry", []):
            if "resource" in entry:
                yield from _versions(entry["resource"])
    elif kind not in ("OperationOutcome", "AuditEvent"):
        texts = [n["text"] for n in resource.get("note", []) if n["text"].startswith(MARK)]
        yield kind, resource["id"], int(resource["meta"]["versionId"]), next(iter(texts), None)

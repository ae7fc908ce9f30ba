"""What the prover knows of the two worlds: their records, and what the caller has been shown so far."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from app.consent.attributes import student_of
from app.resources import TYPES, Visibility
from assurance.noninterference.draw import Body, Pick
from assurance.noninterference.names import Names
from assurance.noninterference.wire import Request, Response

BOTH = "AB"


@dataclass(frozen=True, slots=True)
class Record:
    """A resource that somebody stored. `hidden`: the caller may not see it, whatever is signed later."""

    id: str
    type: str
    by: str
    worlds: str
    hidden: bool
    body: Body
    student: str | None

    @property
    def reference(self) -> str:
        """Type/id."""
        return f"{self.type}/{self.id}"


@dataclass(frozen=True, slots=True)
class Step:
    """One move in both worlds: what is asked of each, at which moment. Of a judged one every answer is compared."""

    label: str
    seconds: int
    a: tuple[Request, ...]
    b: tuple[Request, ...]
    judged: bool

    def __str__(self) -> str:
        if self.a == self.b:
            return "\n".join(map(str, self.a)) or "(time passes)"
        return "\n".join(f"only in {w}: {r}" for w, found in (("A", self.a), ("B", self.b)) for r in found)


@dataclass
class Scene:
    """Everything that the next step can be made of."""

    records: dict[str, Record] = field(default_factory=dict)
    organizations: dict[str, str] = field(default_factory=dict)
    """Id by the member's name."""
    students: dict[str, str] = field(default_factory=dict)
    """Id by the part that a student plays."""
    seen: dict[str, Body] = field(default_factory=dict)
    """What the caller was last shown of each resource."""
    links: list[str] = field(default_factory=list)
    """Pages that the caller was offered."""
    events: list[str] = field(default_factory=list)
    """Ids of the AuditEvents that the caller was shown."""
    shifted: list[str] = field(default_factory=list)
    """Ids of visible records that have a hidden version in one world."""
    veiled: list[str] = field(default_factory=list)
    """Ids of visible records that have a hidden version in both, by the same number and of different content."""
    gone: list[Record] = field(default_factory=list)
    """What was deleted in some world."""
    tokens: int = 0
    seconds: int = 0
    shares: dict[str, frozenset[str]] = field(default_factory=dict)
    """Records of others that a member may refer to, by the member's name."""

    def copy(self) -> Scene:
        """Another scene that starts from here."""
        found = copy(self)
        found.records, found.seen = dict(self.records), dict(self.seen)
        found.links, found.shifted, found.events = list(self.links), list(self.shifted), list(self.events)
        found.veiled, found.gone = list(self.veiled), list(self.gone)
        return found

    def of(self, *types: str, by: str | None = None, worlds: str = BOTH, hidden: bool | None = None) -> list[Record]:
        """Records that are in all of `worlds`; any type where none is named."""
        return [
            r
            for r in self.records.values()
            if (not types or r.type in types)
            and by in (None, r.by)
            and set(worlds) <= set(r.worlds)
            and hidden in (None, r.hidden)
        ]

    def pick(self, rng: Random, by: str, worlds: str = BOTH, *, student: str | None = None) -> Pick:
        """References that a member may make in these worlds; the Patient is `student` where one is given."""

        def pick(*types: str) -> dict[str, str] | None:
            if student is not None and types == ("Patient",):
                return {"reference": f"Patient/{student}"}
            found = [r for r in self.of(*types, worlds=worlds) if self._open_to(by, r)]
            return {"reference": rng.choice(found).reference} if found else None

        return pick

    def _open_to(self, by: str, record: Record) -> bool:
        directory = TYPES[record.type].visibility is Visibility.DIRECTORY
        return directory or by == record.by or record.id in self.shares.get(by, ())

    def add(self, by: str, worlds: str, response: Response, *, hidden: bool = False) -> Record | None:
        """Remember what a member stored, if it did."""
        if response.status not in (200, 201) or not response.body:
            return None
        body = json.loads(response.body)
        declared = TYPES.get(body.get("resourceType", ""))
        if declared is None or "id" not in body:  # a response that is begun is not stored
            return None
        student = student_of(declared, body, UUID(body["id"]))
        record = Record(body["id"], declared.name, by, worlds, hidden, plain(body), str(student) if student else None)
        self.records[record.id] = record
        return record

    def learn(self, response: Response, names: Names) -> None:
        """Take in an answer to the caller: resources, links to other pages, bulk exports and submissions."""
        if "/export/" in (started := response.header("Content-Location") or ""):
            self.links += [urlsplit(started).path, f"{urlsplit(started).path}/Patient-1.ndjson"]
        if "/submission/" in started:
            self.links += [urlsplit(started).path, f"{urlsplit(started).path}/1.ndjson"]
        if not response.body.startswith(b"{"):
            return
        try:
            content = json.loads(response.body)
        except ValueError:
            return
        self.tokens += "access_token" in content
        for resource in _resources(content):
            self.seen[resource["id"]] = plain(resource)
        shown = [e.get("resource", {}) for e in content.get("entry", []) if isinstance(e, dict)]
        self.events += [r["id"] for r in shown if r.get("resourceType") == "AuditEvent"]
        files = [*content.get("output", []), *content.get("deleted", [])] if "requiresAccessToken" in content else []
        self.links += [urlsplit(f["url"]).path for f in files]
        for link in content.get("link", []) if content.get("resourceType") == "Bundle" else []:
            if link["relation"] in ("next", "previous"):
                parts = urlsplit(link["url"])
                self.links.append(names.held(f"{parts.path}?{parts.query}"))


def plain(resource: Body) -> Body:
    """A resource as it would be sent: without what the server writes."""
    meta = {k: v for k, v in resource.get("meta", {}).items() if k not in ("versionId", "lastUpdated")}
    rest = {k: v for k, v in resource.items() if k != "meta"}
    return {**rest, "meta": meta} if meta else rest


def _resources(node: Any) -> Iterator[Body]:
    if isinstance(node, dict):
        if str(node.get("resourceType")) in TYPES and _is_id(str(node.get("id"))):
            yield node
        for value in node.values():
            yield from _resources(value)
    elif isinstance(node, list):
        for value in node:
            yield from _resources(value)


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False

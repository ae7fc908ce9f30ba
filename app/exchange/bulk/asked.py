"""What a kick-off asked for, as it is kept. Pure. https://hl7.org/fhir/uv/bulkdata/STU2/export.html#query-parameters"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal
from uuid import UUID

from app.fhir.json import dump

Level = Literal["system", "patient", "group"]
PROVENANCE = "Provenance"
ASSOCIATED = ("LatestProvenanceResources", "RelevantProvenanceResources")
"""The values of `includeAssociatedData`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One kick-off. `filters` are search queries by type, of which a resource must meet one."""

    level: Level
    types: tuple[str, ...]
    group: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    patients: tuple[str, ...] | None = None
    """Ids that it is narrowed to; None: all that the caller sees."""
    filters: tuple[tuple[str, str], ...] = ()
    elements: tuple[str, ...] = ()
    """Those of every type by their names, those of one as Type.name."""
    by_patient: bool = False
    associated: str = ""
    """Which Provenance comes along, one of ASSOCIATED: then no other does."""
    ignored: tuple[str, ...] = ()
    """Parameters that were not understood, and left out as asked."""

    def as_json(self) -> dict[str, Any]:
        """What is stored."""
        found = asdict(self)
        return found | {k: found[k].isoformat() if found[k] else None for k in ("since", "until")}

    @classmethod
    def of_json(cls, stored: dict[str, Any]) -> Asked:
        """What was stored."""
        moments = {k: datetime.fromisoformat(stored[k]) if stored[k] else None for k in ("since", "until")}
        lists = {k: tuple(stored[k]) for k in ("types", "elements", "ignored")}
        patients = None if stored["patients"] is None else tuple(stored["patients"])
        filters = tuple((kind, query) for kind, query in stored["filters"])
        return cls(**stored | moments | lists | {"patients": patients, "filters": filters})

    @property
    def feed(self) -> str:
        """A name for what this follows: the same for the same request at another time."""
        same = self.as_json() | {"since": None, "until": None, "elements": None, "by_patient": None, "ignored": None}
        if not self.associated:
            del same["associated"]
        return f"export {sha256(dump(same)).hexdigest()}"

    @property
    def chosen(self) -> tuple[str, ...]:
        """The types that are chosen by themselves."""
        return tuple(t for t in self.types if not (self.associated and t == PROVENANCE))

    def of_type(self, name: str) -> tuple[str, ...]:
        """The elements that are asked of a type; none: all."""
        own = (e.partition(".") for e in self.elements)
        return tuple(last if dot else first for first, dot, last in own if not dot or first == name)


def as_ids(references: Iterable[str]) -> list[UUID]:
    """The ids among texts; what is no id of ours leads nowhere."""
    found = []
    for text in references:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found

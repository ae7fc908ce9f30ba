"""The organizations of the decision cases: the tree, time zones and states, and who agreed with whom."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from app.consent.codes import widen
from app.consent.model import Agreement, Place, Requester
from app.consent.recipients import BY_CODE
from app.fhir.dates import BEGINNING, END


@dataclass(kw_only=True)
class Organizations:
    """By name; `members` are those who file for them, each with its `organization`."""

    members: dict[str, Any] = field(default_factory=dict)
    places: dict[UUID, Place] = field(default_factory=dict)
    agreements: list[Agreement] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)
    classes: dict[UUID, frozenset[UUID]] = field(default_factory=dict)

    def id(self, name: str) -> UUID:
        """An organization's id."""
        found: UUID = self.members[name].organization
        return found

    def zone(self, name: str) -> ZoneInfo:
        """The time zone in which an organization's dates are meant."""
        return ZoneInfo(self.places[self.id(name)].zone)

    def requester(self, name: str, purposes: tuple[str, ...], now: datetime) -> Requester:
        """The caller as decide() takes it."""
        own = self.id(name)
        descendants = frozenset(i for i, place in self.places.items() if own in place.ancestors)
        ancestors = frozenset(self.places[own].ancestors)
        classes = frozenset(c for o in ancestors for c in self.classes.get(o, ()))
        return Requester(own, ancestors | classes, descendants, widen(purposes), now)

    def place(self, name: str, member: Any, spec: dict[str, Any]) -> None:
        """Take in an organization and who files for it."""
        ancestors = self.places[self.id(spec["part_of"])].ancestors if "part_of" in spec else ()
        self.members[name] = member
        self.places[member.organization] = Place(
            (member.organization, *ancestors), spec["zone"], spec.get("honor", False), spec.get("state")
        )
        self.states[name] = spec.get("state", "")
        self.classes[member.organization] = frozenset(BY_CODE[code].id for code in spec.get("classes", []))

    def agreed(self, discloser: str, recipient: str) -> None:
        """Take in an agreement, one way, for always."""
        one, other = self.id(discloser), self.id(recipient)
        self.agreements.append(Agreement(one, one, other, (BEGINNING, END)))

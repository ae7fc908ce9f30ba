"""Puts a world of worlds.py into the tables step by step, as the access service would, after another state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.consent.model import AdultFrom, Release, ResourceAttributes
from app.db import tables, write
from app.projections.consent import put_release
from tests.consent.worlds import ORGANIZATIONS, Record, World

_CLOCK = text("UPDATE public.test_clock SET at = :at")
_PLACE = text("SELECT hallpass.place_organization(:id, :parent, :zone, :honor, :state, :classes)")
_SUPERSEDE = text("UPDATE hallpass.resource SET current = false WHERE id = ANY (:ids)")
_INDEX = text("SELECT hallpass.index_records(:compartments, :ids)")


@dataclass(frozen=True)
class Store:
    """A connection as the tables' owner, and the world that goes into them."""

    owner: AsyncConnection
    world: World

    async def everything(self) -> None:
        """Some records, releases, the other records and new versions, changed releases, and the final tree."""
        world = self.world
        await self.owner.execute(_CLOCK, {"at": world.now})
        for n in range(len(ORGANIZATIONS)):
            if n not in world.newcomers:
                await self._place(n, world.parents_before[n])
        await self._judged_against()
        await self._write([(r, 1) for r in world.records[::2]])
        for release in world.releases_before:
            await self._release(release.consent, None, release)
        await self._write([(r, 1) for r in world.records[1::2]])
        await self._write([(r, 2) for r in world.records if len(r.versions) == 2])
        before = {r.consent: r for r in world.releases_before}
        after = {r.consent: r for r in world.releases}
        for consent in sorted(before.keys() | after.keys()):
            await self._release(consent, before.get(consent), after.get(consent))
        for n in range(len(ORGANIZATIONS)):
            if n in world.newcomers or world.parents[n] != world.parents_before[n]:
                await self._place(n, world.parents[n])

    async def _place(self, n: int, parent: int | None) -> None:
        ancestors = None if parent is None else ORGANIZATIONS[parent]
        world = self.world
        place = {"id": ORGANIZATIONS[n], "parent": ancestors, "zone": world.zones[n]}
        place |= {"honor": world.honors[n], "state": world.states[n]}
        place |= {"classes": sorted(world.classes[n])}
        assert await self.owner.scalar(_PLACE, place) == "placed"

    async def _release(self, consent: UUID, old: Release | None, new: Release | None) -> None:
        student = next(r.student for r in (old, new) if r)
        if old and new and old.custodian != new.custodian:  # no Consent changes hands: one ends, and another comes
            await put_release(self.owner, student, old.custodian, consent, old, None)
            old = None
        await put_release(self.owner, student, (new or old).custodian, consent, old, new)  # type: ignore[union-attr]

    async def _write(self, found: list[tuple[Record, int]]) -> None:
        if not found:
            return
        await self.owner.execute(_SUPERSEDE, {"ids": [r.now.id for r, _ in found]})
        await self.owner.execute(insert(tables.resource), [self._row(r, number) for r, number in found])
        listed = [r for r, _ in found if not r.now.directory]
        await self.owner.execute(
            _INDEX, {"compartments": [r.compartment for r in listed], "ids": [r.now.id for r in listed]}
        )

    def _row(self, record: Record, number: int) -> dict[str, Any]:
        attributes = record.versions[number - 1]
        return {
            "compartment": record.compartment,
            "id": attributes.id,
            "version": number,
            "type": attributes.type,
            "custodian": attributes.custodian,
            "student": attributes.student,
            "directory": attributes.directory,
            "current": True,
            "deleted": record.deleted and number == len(record.versions),
            "updated": self.world.now,
            "method": "PUT",
            "body": b"",
            "label_at": 0,
            "digest": b"",
            **_attributes(attributes),
        }

    async def _judged_against(self) -> None:
        world = self.world
        rows: list[tuple[Any, list[dict[str, Any]]]] = [
            (tables.student, [_student(s, *born, world.adults.get(s, AdultFrom())) for s, born in world.born.items()]),
            (
                tables.authority,
                [_authority(*key, w, key in world.adult_guardians) for key, w in world.authorities.items()],
            ),
            (tables.agreement, [_agreement(n, a) for n, a in enumerate(world.agreements)]),
            (tables.emergency, [_emergency(n, *e) for n, e in enumerate(world.emergencies)]),
        ]
        for table, found in rows:
            if found:
                await self.owner.execute(insert(table), found)


_HOLDER = ORGANIZATIONS[0]


def _attributes(attributes: ResourceAttributes) -> dict[str, Any]:
    return {
        "profiles": sorted(attributes.profiles),
        "codes": sorted(attributes.codes),
        "confidentiality": attributes.confidentiality,
        "labels": sorted(attributes.labels),
        "parties": sorted(attributes.parties),
        "refs": sorted(attributes.refs),
        "authors": sorted(attributes.authors),
        "clinical": write.clinical_range(attributes),
    }


def _window(window: Any, **row: Any) -> dict[str, Any]:
    return row | {"opens": window[0], "closes": window[1]}


def _student(compartment: UUID, first: Any, last: Any, adult: AdultFrom) -> dict[str, Any]:
    row = {"compartment": compartment, "custodian": _HOLDER, "born_from": first, "born_to": last}
    return row | {"emancipated": adult.emancipated, "enrolled": adult.enrolled}


def _authority(compartment: UUID, person: UUID, window: Any, adult: bool) -> dict[str, Any]:
    return _window(window, compartment=compartment, id=person, custodian=_HOLDER, adult=adult)


def _agreement(n: int, a: Any) -> dict[str, Any]:
    return _window(a.period, id=UUID(int=n), custodian=a.custodian, discloser=a.discloser, recipient=a.recipient)


def _emergency(n: int, compartment: UUID, organization: UUID, window: Any) -> dict[str, Any]:
    return _window(window, compartment=compartment, id=UUID(int=n), organization=organization, client="c", reason="r")

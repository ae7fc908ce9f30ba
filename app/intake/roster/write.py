"""Writes what an import has to do: creates in batches, changes in transactions together with what was written.
https://hl7.org/fhir/R4/http.html#transaction and docs/decisions/0030-whose-word-counts.md
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from app.errors import HallpassError, Kind
from app.intake.answers import Entry, Outcome, Status
from app.intake.push import Exchange, chunks, create, read, update
from app.intake.roster.build import TYPES, Builder
from app.intake.roster.facts import RosterFacts
from app.intake.roster.merge import RESTRICTED, VANISHED, Merged, closed, merge
from app.intake.roster.plan import Act, Todo, load, refused, todo
from app.intake.roster.statements import Page, Statement, group_of, page_of
from app.intake.roster.units import Units, digest, join, split

TOGETHER = 20
"""Records of one transaction: a lock on their compartments is held as long as it takes."""
NEW_TOGETHER = 120
"""New records of one transaction: nobody else knows them yet, so that nobody waits."""
ATTEMPTS = 4
VERSIONS = 40
"""So many versions back it is looked who changed what; before that, whatever is closed counts as a person's."""

Take = Callable[[Outcome], None]
Elements = Callable[[str, Sequence[str]], None]


@dataclass(frozen=True, slots=True)
class Writing:
    """One import's writing. `dry_run` reads and merges, and writes nothing."""

    exchange: Exchange
    facts: RosterFacts
    builder: Builder
    pages: dict[str, Page]
    take: Take
    elements: Elements
    source: str
    dry_run: bool = False

    async def write(self, kind: str, in_flight: int) -> None:
        """Do what is to be done for a kind, a few buckets at once. Raises as Exchange.batch does."""
        waiting: set[asyncio.Task[None]] = set()
        try:
            for name, items in todo(self.facts, kind):
                waiting.add(asyncio.create_task(self._bucket(kind, name, items)))
                if len(waiting) >= in_flight:
                    waiting = _finished(*await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED))
            while waiting:
                waiting = _finished(*await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED))
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def _bucket(self, kind: str, name: str, items: list[Todo]) -> None:
        page = self.pages.pop(name, None) or Page(name)
        page.unfold()
        known = [i for i in items if i.key in page.entries]
        adopted = await self._create(kind, page, [i.key for i in items if i.key not in page.entries])
        for at in range(0, len(known), TOGETHER):
            await self._change(kind, page, known[at : at + TOGETHER], {})
        if adopted:
            await self._change(kind, page, [Todo(key, Act.STATE) for key in adopted], adopted)

    async def _create(self, kind: str, page: Page, keys: Sequence[str]) -> dict[str, str]:
        """Create records; answers the ids of those that the exchange had before, by key."""
        if self.dry_run:
            for entry in self._entries(kind, keys, {}):
                self.take(Outcome(kind, entry.key, Status.CREATED))
            return {}
        adopted: dict[str, str] = {}
        made: list[Outcome] = []
        wrote: dict[str, dict[str, str]] = {}
        for chunk in chunks(self._entries(kind, keys, wrote), NEW_TOGETHER):
            for outcome in await self._created(chunk):
                if outcome.status is Status.CREATED and outcome.id:
                    made.append(outcome)
                elif outcome.status is Status.REFUSED or not outcome.id:
                    self.take(replace(outcome, status=Status.REFUSED))
                else:
                    adopted[outcome.key] = outcome.id
        new = {o.key: Statement(str(o.id), wrote[o.key], o.version or 1) for o in made}
        if new or (adopted and page.id is None):
            await self._save(page, new)
        for outcome in made:
            self.take(outcome)
        return adopted

    def _entries(self, kind: str, keys: Sequence[str], wrote: dict[str, dict[str, str]]) -> Iterator[Entry]:
        """What creates each record that can be built; `wrote` takes what it says. The others are refused."""
        for key in keys:
            try:
                stated = self.builder.build(kind, key)
            except HallpassError as e:
                self.take(refused(kind, key, e))
                self.facts.refuse(kind, key)
                continue
            wrote[key] = _digests(stated.units)
            yield create(kind, key, stated.resource)

    async def _created(self, chunk: list[Entry]) -> list[Outcome]:
        """Records in one write; where that is refused each has its own, so that one bad record stops nothing."""
        if len(chunk) > 1:
            try:
                return await self.exchange.transaction(chunk)
            except HallpassError as e:
                if e.kind not in (Kind.UNPROCESSABLE, Kind.PRECONDITION):
                    raise
        return await self.exchange.batch(chunk)

    async def _save(self, page: Page, new: dict[str, Statement]) -> None:
        """Write a page of statements by itself, with new ones in it."""
        for _ in range(ATTEMPTS):
            page.entries.update(new)
            if page.id is None:
                (outcome,) = await self.exchange.batch([create("statements", page.name, group_of(page, self.source))])
                if outcome.status is Status.CREATED:
                    page.id, page.version = outcome.id, outcome.version
                    return self._loaded(page)
                if outcome.status is Status.REFUSED or outcome.id is None:
                    raise HallpassError(Kind.INVALID, f"What was written cannot be kept: {outcome.reason}")
                page.id = outcome.id
            else:
                with suppress(_Stale):
                    await self._together(page, [])
                    return self._loaded(page)
            await self._reload(page)
        raise HallpassError(Kind.CONFLICT, "Another import writes at the same time. Run this one again later.")

    async def _change(self, kind: str, page: Page, items: list[Todo], adopted: dict[str, str]) -> None:
        """Merge records into what the exchange holds, and write those that change together with the statements."""
        for _ in range(ATTEMPTS):
            merged = await self._merged(kind, page, items, adopted)
            entries = [e for e, _, _ in merged.values() if e is not None]
            before = dict(page.entries)
            page.entries.update({key: statement for key, (_, statement, _) in merged.items()})
            try:
                if (entries or before != page.entries) and not self.dry_run:
                    await self._together(page, entries)
            except _Stale:
                await self._reload(page)
            except HallpassError as e:
                if e.kind is not Kind.UNPROCESSABLE:
                    raise
                page.entries = before
                return await self._apart(kind, page, items, adopted, e)
            else:
                self._loaded(page)
                return self._told(kind, items, merged)
        error = HallpassError(Kind.CONFLICT, "It changed at the exchange while it was written. Run the import again.")
        for item in items:
            self.take(refused(kind, item.key, error))
        return None

    async def _apart(
        self, kind: str, page: Page, items: list[Todo], adopted: dict[str, str], error: HallpassError
    ) -> None:
        """One of several was refused: each by itself, so that one bad record stops nothing."""
        if len(items) == 1:
            return self.take(refused(kind, items[0].key, error))
        for item in items:
            await self._change(kind, page, [item], adopted)
        return None

    async def _merged(
        self, kind: str, page: Page, items: list[Todo], adopted: dict[str, str]
    ) -> dict[str, tuple[Entry | None, Statement, Merged]]:
        """What becomes of each record: its write if it changes, its statement, and what was decided."""
        type_name = TYPES[kind]
        ids = {i.key: page.entries[i.key].id if i.key in page.entries else adopted[i.key] for i in items}
        found = await self.exchange.batch([read(kind, key, f"{type_name}/{one}") for key, one in ids.items()])
        acts = {i.key: i.act for i in items}
        result: dict[str, tuple[Entry | None, Statement, Merged]] = {}
        for outcome in found:
            if outcome.resource is None or outcome.version is None:
                self._not_there(outcome)
                continue
            statement = page.entries.get(outcome.key)
            held = split(outcome.resource)
            wrote = statement.wrote if statement else None
            touched = await self._touched(kind, statement, outcome, held)
            source, partial = self._source(kind, outcome.key, acts[outcome.key], held, wrote or {})
            done = merge(wrote, source, held, partial=partial, touched=touched)
            entry = None
            if done.changes:
                entry = update(kind, outcome.key, join(outcome.resource, done.changes), outcome.version)
            version = outcome.version + (entry is not None)
            result[outcome.key] = entry, Statement(ids[outcome.key], done.wrote, version), done
        return result

    async def _touched(self, kind: str, statement: Statement | None, now: Outcome, held: Units) -> set[str]:
        """The units that somebody changed since the import last looked at the record, even if they are as they were."""
        if statement is None or now.version is None or now.version <= statement.version:
            return set()
        since = range(max(statement.version, now.version - VERSIONS), now.version)
        url = f"{TYPES[kind]}/{statement.id}/_history"
        found = await self.exchange.batch([read(kind, str(n), f"{url}/{n}") for n in since])
        touched = {key for key in held if now.version - statement.version > VERSIONS and closed(key, held[key])}
        for outcome in found:
            then = split(outcome.resource or {})
            touched |= {key for key in {*then, *held} if digest(then.get(key)) != digest(held.get(key))}
        return touched

    def _source(self, kind: str, key: str, act: Act, held: Units, wrote: Mapping[str, str]) -> tuple[Units, bool]:
        """What the source says of a record, and whether what it does not say is unknown."""
        ended = self.builder.ended(key, held, wrote) if kind == "Enrollment" and not self.builder.partial else {}
        if act is Act.STATE:
            return {**ended, **self.builder.build(kind, key).units}, self.builder.partial
        if act is Act.TAKE:
            return {RESTRICTED: True}, True
        return {**ended, VANISHED: True}, True

    async def _together(self, page: Page, entries: list[Entry]) -> None:
        """Write records and the page in one transaction. Raises _Stale where a version is no longer the current one."""
        if page.id is None or page.version is None:
            raise _Stale
        group = {**group_of(page, self.source), "id": page.id}
        try:
            *_, outcome = await self.exchange.transaction(
                [*entries, update("statements", page.name, group, page.version)]
            )
        except HallpassError as e:
            if e.kind is Kind.PRECONDITION:
                raise _Stale from None
            raise
        page.version = outcome.version

    async def _reload(self, page: Page) -> None:
        """Read a page of statements again."""
        if page.id is None:
            return await self._save(page, {})
        (outcome,) = await self.exchange.batch([read("statements", page.name, f"Group/{page.id}")])
        if outcome.resource is None:
            raise HallpassError(Kind.CONFLICT, "What the last import wrote was deleted at the exchange.")
        again = page_of(outcome.resource)
        page.version, page.entries = again.version, again.entries
        return None

    def _loaded(self, page: Page) -> None:
        load(self.facts, page)

    def _told(
        self, kind: str, items: Sequence[Todo], merged: dict[str, tuple[Entry | None, Statement, Merged]]
    ) -> None:
        for item in items:
            if item.key not in merged:
                continue
            entry, statement, done = merged[item.key]
            self.elements(kind, [*done.changes])
            status = Status.CHANGED if entry else Status.KEPT if done.kept else Status.UNCHANGED
            status = Status.GONE if item.act is Act.GONE else status
            reason = ", ".join(sorted({_element(k) for k in done.kept}))
            self.take(Outcome(kind, item.key, status, id=statement.id, reason=reason))

    def _not_there(self, outcome: Outcome) -> None:
        """A record that somebody deleted at the exchange stays deleted."""
        if outcome.http in (404, 410):
            self.take(replace(outcome, status=Status.KEPT, reason="the whole record, which was deleted"))
        else:
            self.take(outcome)


class _Stale(Exception):
    """A version that was to be replaced is no longer the current one."""


def _digests(units: Units) -> dict[str, str]:
    return {digest(key): digest(value) for key, value in units.items()}


def _element(key: str) -> str:
    """The name of a unit for people, without what may be a value."""
    element, _, which = key.partition(":")
    return f"extension {which.rpartition('/')[2]}" if element == "extension" else element


def _finished(done: set[asyncio.Task[None]], pending: set[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
    for task in done:
        task.result()
    return pending

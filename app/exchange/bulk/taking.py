"""Takes the lines of a submitted file: each is a write of the client's like any other, in a transaction of its own.

What the client's own system calls a record is kept (hallpass.submitted): its id is found again, and references to it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.caller import Caller
from app.db import submissions
from app.db.submissions import Line
from app.errors import HallpassError, Issue, Kind
from app.exchange import conditional, writes
from app.exchange.bulk.taken import Gone
from app.exchange.release import PendingResult
from app.exchange.service import AccessService
from app.exchange.validated import Draft, Validated, draft
from app.fhir.json import parse as parse_json
from app.fhir.outcome import outcome
from app.fhir.references import local, references, rewrite
from app.limits.content import require_few
from app.resources import TYPES
from app.search.parameters import PARAMETERS
from app.search.parse import parse
from app.session import Session
from app.settings import Settings

_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")


@dataclass(frozen=True, slots=True)
class Place:
    """A file of a submission: where the ids in it are from, and the type of its lines, if that is said."""

    submission: UUID
    n: int
    base: str
    type: str | None


class Taker:
    """Takes lines as the client that sent them."""

    def __init__(self, service: AccessService, caller: Caller, settings: Settings, place: Place) -> None:
        self._service, self._caller, self._settings, self._place = service, caller, settings, place

    async def take(self, number: int, raw: bytes) -> None:
        """Take a line, and keep that in the same transaction. Raises what is wrong with it, and Gone."""
        content = self._read(raw)
        declared = TYPES[content["resourceType"]]
        source = str(content.pop("id"))
        body = await draft(self._caller.client, declared, content, self._settings)

        async def unit_of_work(session: Session) -> list[PendingResult]:
            await self._hold(session)
            result, own = await self._write(session, body, source)
            line = Line(number, result, f"{declared.name}/{source}", f"{declared.name}/{own}")
            if not await submissions.note(session.connection, self._place.submission, self._place.n, line):
                raise Gone
            return []

        await self._service.perform(self._caller, "submission", unit_of_work)

    async def refuse(self, number: int, raw: bytes, error: HallpassError) -> None:
        """Keep why a line was not taken. Raises Gone."""

        async def unit_of_work(session: Session) -> list[PendingResult]:
            await self._hold(session)
            line = Line(number, "failed", _named(raw), None, outcome(error)["issue"])
            await submissions.note(session.connection, self._place.submission, self._place.n, line)
            return []

        await self._service.perform(self._caller, "submission", unit_of_work)

    async def _hold(self, session: Session) -> None:
        if not await submissions.hold(session.connection, self._place.submission, self._place.n):
            raise Gone

    def _read(self, raw: bytes) -> dict[str, Any]:
        """The resource in a line. Raises MALFORMED, TOO_LARGE and UNPROCESSABLE."""
        if len(raw) > self._settings.max_body_bytes:
            raise HallpassError(Kind.TOO_LARGE, f"A line has at most {self._settings.max_body_bytes} bytes.")
        require_few(raw, self._settings.max_resource_values)
        content = parse_json(raw)
        kind = content.get("resourceType")
        if kind not in TYPES or self._place.type not in (None, kind):
            wanted = self._place.type or "a type that is served here"
            raise HallpassError(Kind.UNPROCESSABLE, Issue(f"The resourceType must be {wanted}.", "resourceType"))
        if not isinstance(content.get("id"), str) or _ID.fullmatch(content["id"]) is None:
            text = "A submitted resource has its id in your own system, by which it is found: 1 to 64 of A-Za-z0-9.-"
            raise HallpassError(Kind.UNPROCESSABLE, Issue(text, f"{kind}.id", "required"))
        return content

    async def _write(self, session: Session, sent: Draft | Validated, source: str) -> tuple[str, UUID]:
        """Write a resource under its id here; answers what was done, and that id."""
        declared = TYPES[sent.content["resourceType"]]
        base = self._place.base
        if base == self._settings.fhir_base:
            found = await writes.update(session, declared, sent.with_id(source), source, None)
            return _done(found)
        wanted = {t for r in references(sent.content) if (t := local(str(r.value.get("reference", "")), base))}
        known = await submissions.known(session.connection, base, [*sorted(wanted), (declared.name, source)])
        own = known.get((declared.name, source))
        body = await draft(
            self._caller.client, declared, rewrite(sent.content, _here(known, base)), self._settings
        )  # fmt: skip
        if own is not None:
            found = await writes.update(session, declared, body.with_id(str(own)), str(own), None)
        elif (code := _code(sent.content)) and "identifier" in PARAMETERS[declared.name]:
            search = parse(
                declared.name, [("identifier", code)], zone=session.zone, base_url=self._settings.fhir_base,
                default_count=1, max_count=1,
            )  # fmt: skip
            found = await conditional.update(session, declared, body, search, None)
        else:
            found = await writes.create(session, declared, await body.validated())
        await writes.store_filed(session)
        result, id = _done(found)
        await submissions.keep(session.connection, base, declared.name, source, id)
        return result, id


def _done(found: PendingResult) -> tuple[str, UUID]:
    (pending,) = found.pending
    result = "created" if found.created else "unchanged" if found.unchanged else "updated"
    return result, pending.row.id


def _here(known: Mapping[tuple[str, str], UUID], base: str) -> Any:
    """Turns a reference to a record of the client's system into one to the record here."""

    def turned(text: str) -> str:
        named = local(text, base)
        own = known.get(named) if named else None
        return text if named is None or own is None else f"{named[0]}/{own}"

    return turned


def _code(content: dict[str, Any]) -> str | None:
    """The first business identifier, as a search names it."""
    held = content.get("identifier")
    listed = held if isinstance(held, list) else [held] if isinstance(held, dict) else []
    for one in listed:
        if isinstance(one, dict) and isinstance(one.get("system"), str) and isinstance(one.get("value"), str):
            return "|".join(_escaped(one[k]) for k in ("system", "value"))
    return None


def _escaped(text: str) -> str:
    for character in "\\,$|":
        text = text.replace(character, f"\\{character}")
    return text


def _named(raw: bytes) -> str:
    """Type and id of a line, as far as they can be read."""
    try:
        content = parse_json(raw[:1_000_000])
    except HallpassError:
        return ""
    kind, id = content.get("resourceType"), content.get("id")
    return f"{kind}/{id}"[:200] if isinstance(kind, str) and isinstance(id, str) else ""

"""Performs entries of a Bundle inside one transaction of the access service.

https://hl7.org/fhir/R4/http.html#trules — ids are given first, so that entries can refer to each other by fullUrl;
conditional references are resolved inside the caller's custody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from app.api import http
from app.api.context import RequestContext
from app.api.entries import Entry
from app.api.history import History, names
from app.api.page_tokens import PageTokens
from app.api.patch import change_in_bundle
from app.api.query import query_pairs
from app.api.search import searching, understand
from app.api.turns import in_turn
from app.errors import HallpassError, Issue, Kind
from app.exchange import conditional, lock_order, patching, reads, writes
from app.exchange.patching import Change
from app.exchange.service import PendingResult, Session
from app.exchange.validated import require_bounded
from app.fhir.etags import known
from app.fhir.links import Links
from app.fhir.references import references, rewrite
from app.limits.long_work import is_large
from app.limits.results import Budget
from app.resources import TYPES
from app.resources.paths import values
from app.resources.refs import as_uuid, local_targets, nodes, parse_local
from app.search.query import Search
from app.search.subset import subset_of_read

LETTERS = {"POST": "c", "PUT": "u", "PATCH": "u", "DELETE": "d"}
"""The scope that each verb asks for."""
_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]+)\?(.+)", re.DOTALL)


class Transaction:
    """The entries of one Bundle."""

    def __init__(
        self, context: RequestContext, page_tokens: PageTokens, entries: list[Entry], *, lenient: bool = False
    ) -> None:
        self._context = context
        self._page_tokens = page_tokens
        self._entries = entries
        self._lenient = lenient
        self._searches: dict[str, Search] = {}
        """What the condition of each entry that has one asks, by the entry's place."""

    async def perform(self, session: Session) -> list[PendingResult]:
        """Do all of it, by verb; answers in the order of the entries."""
        matches = await self._matches(session)
        ids = _ids(self._entries, matches)
        links = Links(
            self._context.base,
            {e.full_url: f"{e.type}/{ids[e.at]}" for e in self._entries if e.full_url and e.at in ids},
        )
        session.pending.update(t for text in links.targets.values() if (t := parse_local(text)))
        if len(self._entries) > 1:
            written = _written(self._entries, matches)
            creations = _creations(self._entries, links, matches, ids)
            await lock_order.records(session, written, creations, _references(self._entries))
            session.claimed.update(written)
        found: dict[str, PendingResult] = {}
        budget = Budget.of_whole(self._context.settings)
        for entry in await in_turn(session, self._entries):
            with _placing(entry, alone=len(self._entries) == 1):
                new = None if matches.get(entry.at) else ids.get(entry.at)
                found[entry.at] = await self._one(session, entry, links, new)
                _require_target(entry, links, found[entry.at])
            if len(self._entries) > 1:  # an entry of a batch leaves by itself
                pending = found[entry.at].pending
                budget.require(sum(len(p.row.body) for p in pending), len(pending))
        await writes.store_filed(session)
        if len(self._entries) > 1:
            await self._require_gone(session, matches)
        return [found[entry.at] for entry in self._entries]

    async def _require_gone(self, session: Session, matches: dict[str, list[UUID]]) -> None:
        """What the transaction deleted is referred to by nothing that it wrote or left as it was."""
        for entry in self._entries:
            if entry.method == "DELETE":
                with _placing(entry):
                    await writes.require_unreferenced(session, _written([entry], matches), apart=())

    async def _matches(self, session: Session) -> dict[str, list[UUID]]:
        """What the condition of each entry that has one finds now, by the entry's place."""
        searches = self._searches
        found: dict[str, list[UUID]] = {}
        if len(self._entries) == 1 and not self._entries[0].full_url:
            return found  # the write matches by itself
        for entry in self._entries:
            with _placing(entry):
                if (condition := entry.condition) is not None:
                    session.require(entry.type, LETTERS[entry.method])
                    searches[entry.at] = understand(session, entry.type, query_pairs(condition))
        await lock_order.conditions(
            session, [(TYPES[e.type], searches[e.at]) for e in self._entries if e.at in searches]
        )
        found_once = [e for e in self._entries if e.at in searches and e.method != "DELETE"]
        await conditional.remember(session, [(TYPES[e.type], searches[e.at]) for e in found_once])
        for entry in self._entries:
            with _placing(entry):
                if entry.at in searches:
                    found[entry.at] = await self._found(session, entry, searches[entry.at])
        return found

    async def _found(self, session: Session, entry: Entry, search: Search) -> list[UUID]:
        declared = TYPES[entry.type]
        if entry.method == "DELETE":
            return [row.id for row in await conditional.to_delete(session, declared, search, entry.if_match)]
        match = await conditional.match(session, declared, search)
        return [match.id] if match is not None else []

    async def _one(self, session: Session, entry: Entry, links: Links, own_id: UUID | None) -> PendingResult:
        if entry.method in ("GET", "DELETE", "PATCH"):
            await writes.store_filed(session)
        if entry.method == "GET":
            return await self._get(session, entry)
        declared = TYPES[entry.type]
        if entry.method == "DELETE":
            if entry.id:
                return await writes.delete(session, declared, entry.id, entry.if_match)
            search = understand(session, entry.type, list(entry.where.pairs))
            return await conditional.delete(session, declared, search, entry.if_match)
        session.require(entry.type, LETTERS[entry.method])  # before what is sent is judged
        resource = await self._resolved(session, entry, links)
        if entry.method == "PATCH":
            read = partial(change_in_bundle, resource, self._context)
            return await self._patch(session, entry, await self._context.off_loop(read, large=is_large(resource)))
        if entry.method == "PUT":
            draft = await self._context.draft(declared, resource)
            if entry.id:
                return await writes.update(session, declared, draft, entry.id, entry.if_match)
            search = self._asked(session, entry, entry.url)
            return await conditional.update(session, declared, draft, search, entry.if_match, own_id)
        validated = await self._context.validate_body(declared, resource)
        if entry.condition is None:
            return await writes.create(session, declared, validated, own_id)
        search = self._asked(session, entry, entry.condition)
        return await conditional.create(session, declared, validated, search, own_id)

    def _asked(self, session: Session, entry: Entry, condition: str) -> Search:
        """What a condition asks; that of an entry of several has been read before the locks were taken."""
        return self._searches.get(entry.at) or understand(session, entry.type, query_pairs(condition))

    async def _patch(self, session: Session, entry: Entry, change: Change) -> PendingResult:
        declared = TYPES[entry.type]
        if entry.id:
            return await patching.patch(session, declared, entry.id, change, entry.if_match)
        search = understand(session, entry.type, list(entry.where.pairs))
        return await conditional.patch(session, declared, search, change, entry.if_match)

    async def _get(self, session: Session, entry: Entry) -> PendingResult:
        pairs = list(entry.where.pairs)
        if entry.where.history:
            (found,) = await history_of(entry, self._context, self._page_tokens, lenient=self._lenient).unit_of_work(
                session
            )
            return found
        if entry.id is None:
            (found,) = await searching(self._context, self._page_tokens, entry.place, pairs, lenient=self._lenient)(
                session
            )
            return found
        given = http.chosen(pairs, ("_summary", "_elements"), lenient=self._lenient)
        part = subset_of_read(entry.type, given.get("_summary"), given.get("_elements"))
        conditions = known(entry.if_none_match, _http_date(entry.if_modified_since))
        declared = TYPES[entry.type]
        if entry.where.version:
            return await reads.vread(session, declared, entry.id, entry.where.version, known=conditions, part=part)
        return await reads.read(session, declared, entry.id, known=conditions, part=part)

    async def _resolved(self, session: Session, entry: Entry, links: Links) -> dict[str, Any]:
        """The resource with links to entries and conditional references replaced by what they stand for."""
        assert entry.resource is not None
        large = require_bounded(entry.resource, self._context.settings)
        conditions: dict[str, str] = {}
        sent = entry.resource
        for text in await self._context.off_loop(lambda: _conditions_in(sent), large=large):
            conditions[text] = ""
        for text in conditions:
            conditions[text] = await self._match(session, text, entry)

        def linked() -> dict[str, Any]:
            found = links.rewrite(_without_foreign_id(entry, self._context.base), entry.full_url)
            return rewrite(found, lambda text: conditions.get(text) or text) if conditions else found

        return await self._context.off_loop(linked, large=large)

    async def _match(self, session: Session, text: str, entry: Entry) -> str:
        found = _CONDITIONAL.fullmatch(text)
        type_name, query = (found[1], found[2]) if found else ("", "")
        if type_name not in TYPES:
            raise HallpassError(
                Kind.UNPROCESSABLE,
                Issue("The conditional reference names an unknown resource type.", f"{entry.at}.resource"),
            )
        match = await conditional.match(session, TYPES[type_name], understand(session, type_name, query_pairs(query)))
        if match is None:
            raise HallpassError(
                Kind.PRECONDITION,
                Issue(
                    "The conditional reference matches none of your organization's resources.", f"{entry.at}.resource"
                ),
            )
        return f"{type_name}/{match.id}"


def history_of(entry: Entry, context: RequestContext, page_tokens: PageTokens, *, lenient: bool) -> History:
    """The history that an entry asks for. Raises UNKNOWN_PARAM or INVALID."""
    where = entry.where
    return History(
        context, page_tokens, where.type, where.id, http.chosen(where.pairs, names(where.type), lenient=lenient)
    )


def _conditions_in(resource: dict[str, Any]) -> list[str]:
    """The conditional references of a resource. Its elements are looked up only where a text looks like one."""
    texts = (node.get("reference") for node in nodes(resource))
    if not any(isinstance(t, str) and "?" in t for t in texts):
        return []
    found = (reference.value.get("reference") for reference in references(resource))
    return [t for t in found if isinstance(t, str) and _CONDITIONAL.fullmatch(t)]


def _http_date(moment: str | None) -> str | None:
    """A FHIR instant as If-Modified-Since has it. Raises INVALID."""
    try:
        return format_datetime(datetime.fromisoformat(moment).astimezone(UTC), usegmt=True) if moment else None
    except (ValueError, OverflowError):
        raise HallpassError(Kind.INVALID, "In a Bundle ifModifiedSince is an instant.") from None


def _without_foreign_id(entry: Entry, base_url: str) -> dict[str, Any]:
    """The resource to store; another server's id, which its fullUrl ends with, is none of ours."""
    resource = entry.resource or {}
    own = entry.id or ((entry.full_url or "").startswith(f"{base_url}/") and as_uuid(str(resource.get("id"))))
    foreign = not own and (entry.full_url or "").endswith(f"/{resource.get('id')}")
    return {k: v for k, v in resource.items() if k != "id"} if foreign else resource


def _ids(entries: list[Entry], matches: dict[str, list[UUID]]) -> dict[str, UUID]:
    """What each entry writes, by its place: the resource in its url, the match of its condition, or a new id."""
    written = (e for e in entries if e.method in ("POST", "PUT") or (e.method == "PATCH" and e.id))
    return {e.at: as_uuid(e.id or "") or next(iter(matches.get(e.at, ())), None) or uuid4() for e in written}


def _references(entries: list[Entry]) -> set[UUID]:
    """The ids of this server's resources that the entries refer to."""
    sent = (e.resource for e in entries if e.resource is not None and e.method in ("POST", "PUT"))
    return {target[1] for resource in sent for target in local_targets(resource)}


def _written(entries: list[Entry], matches: dict[str, list[UUID]]) -> set[UUID]:
    """The ids of what there is already and the entries write or delete."""
    written = (e for e in entries if e.method != "GET")
    return {i for e in written for i in [*matches.get(e.at, ()), *([as_uuid(e.id)] if e.id else ())] if i is not None}


def _creations(
    entries: list[Entry], links: Links, matches: dict[str, list[UUID]], ids: dict[str, UUID]
) -> list[lock_order.Creation]:
    """What the entries create about students, and the students."""
    created: list[lock_order.Creation] = []
    for entry in entries:
        if entry.at not in ids or entry.id or matches.get(entry.at) or entry.resource is None:
            continue
        student = _student(entry, links, ids[entry.at])
        if student is not None:
            created.append(lock_order.Creation(entry.type, student, entry.resource))
    return created


def _student(entry: Entry, links: Links, own: UUID) -> UUID | None:
    """The student of a resource that is created as `own`, by the references as the transaction leads them."""
    path = TYPES[entry.type].student
    if path in (None, "id"):
        return own if path else None
    texts = values(entry.resource, f"{path}.reference")
    targets = (parse_local(links.find(text, entry.full_url) or text) for text in texts if isinstance(text, str))
    return next((target[1] for target in targets if target and target[0] == "Patient"), None)


def _require_target(entry: Entry, links: Links, found: PendingResult) -> None:
    """Raise UNPROCESSABLE where what others refer to by this entry's fullUrl became another resource than foreseen."""
    target = parse_local(links.targets.get(entry.full_url or ""))
    if target is not None and target[1] != found.pending[0].row.id:
        text = "Another entry of the transaction changes what this entry's condition matches."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, entry.at))


@contextmanager
def _placing(entry: Entry, *, alone: bool = False) -> Iterator[None]:
    """Errors say which entry they are about, where there are several."""
    try:
        yield
    except HallpassError as e:
        raise e if alone else _placed(e, entry) from None


def _placed(error: HallpassError, entry: Entry) -> HallpassError:
    """The error of an entry, with the entry's place in the Bundle before its own."""
    issues = (
        Issue(i.text, i.expression if (i.expression or "").startswith("Bundle") else _below(entry, i), i.code)
        for i in error.issues
    )
    placed = HallpassError(error.kind, *issues, headers=error.headers)
    placed.told = error.told
    return placed


def _below(entry: Entry, issue: Issue) -> str:
    inner = (issue.expression or "").partition(".")[2]
    return f"{entry.at}.resource.{inner}" if inner else entry.at

"""History at instance, type and system level. https://hl7.org/fhir/R4/http.html#history"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from app.api import bundle, http
from app.api.context import Context, RequestContext
from app.api.page_tokens import PageTokens
from app.errors import HallpassError, Issue, Kind
from app.exchange import histories
from app.exchange.service import PendingResult, Result, Session
from app.fhir.dates import interval
from app.resources import REGISTRY, TYPES, ResourceType
from app.search.controls import types as read_types

NAMES = ("_since", "_at", "_count", "_cursor")


def add(router: APIRouter, declared: ResourceType) -> None:
    """The routes of GET /{type}/{id}/_history and GET /{type}/_history."""
    name = declared.name

    @router.get(f"/{name}/_history", operation_id=f"historyType{name}", summary=f"The versions of all {name} resources")
    async def of_type(request: Request, context: Context) -> Response:
        return await _answer(request, context, name)

    @router.get(f"/{name}/{{id}}/_history", operation_id=f"history{name}", summary=f"The versions of a {name}")
    async def of_instance(request: Request, id: str, context: Context) -> Response:
        return await _answer(request, context, name, id)


def add_system(router: APIRouter) -> None:
    """The route of GET /_history; `_type` narrows it, as in a search."""

    @router.get("/_history", operation_id="history", summary="The versions of all resources")
    async def of_all(request: Request, context: Context) -> Response:
        return await _answer(request, context)


async def _answer(request: Request, context: RequestContext, type_name: str = "", id: str | None = None) -> Response:
    http.require_acceptable(request)
    given = http.parameters(request, *names(type_name))
    asked = History(context, request.app.state.page_tokens, type_name, id, given)
    return http.respond(request, asked.page(await context.one("history", asked.unit_of_work)))


def names(type_name: str) -> tuple[str, ...]:
    """The parameters that a history takes; of all types one more."""
    return NAMES if type_name else (*NAMES, "_type")


@dataclass(frozen=True, slots=True)
class History:
    """A page of the versions of one resource, of a type, or (without a type) of all, as it was asked for."""

    context: RequestContext
    page_tokens: PageTokens
    type: str
    id: str | None
    given: Mapping[str, str]
    follows: bool = True
    """Whether the caller may go on from the answer: not within a transaction."""

    async def unit_of_work(self, session: Session) -> list[PendingResult]:
        """Find the versions. Raises HallpassError for parameters that cannot be understood."""
        given, count = self.given, _count(self.given.get("_count"), self.context)
        after = self.page_tokens.verify(given["_cursor"], self._bound()) if "_cursor" in given else None
        since, at = _interval(session, given, "_since"), _interval(session, given, "_at")
        page = histories.Page(count, since[0] if since else None, at, after)
        if self.id is not None:
            return [await histories.of_one(session, TYPES[self.type], self.id, page)]
        return [await histories.of_types(session, self._types(), page, follows=self.follows)]

    def page(self, answer: Result) -> bytes:
        """The history Bundle, with its links."""
        own = f"{self.context.base}/{self._path()}"
        query = self._query()
        links = [("self", _link(own, query, self.given.get("_cursor"))), ("first", _link(own, query, None))]
        for relation in ("next", "previous"):
            if relation in answer.cursors:
                token = self.page_tokens.sign(answer.cursors[relation], self._bound())
                links.append((relation, _link(own, query, token)))
        return bundle.history(
            answer.released, self.context.base, links, answer.total or 0, withdrawn=answer.withdrawn, since=answer.since
        )

    def _path(self) -> str:
        return "/".join(p for p in (self.type, self.id, "_history") if p)

    def _query(self) -> dict[str, str]:
        """What was understood: at the root with the types, where the caller left them to its scopes."""
        query = {k: v for k, v in self.given.items() if k != "_cursor"}
        types = self._types()
        return query if self.type or len(types) == len(REGISTRY) else {**query, "_type": ",".join(types)}

    def _bound(self) -> str:
        return "\0".join((self.context.caller.client, self._path(), urlencode(self._query())))

    def _types(self) -> tuple[str, ...]:
        """The types whose versions are asked for; at the root, by themselves, those that the scopes open."""
        if self.type:
            return (self.type,)
        if "_type" in self.given:
            return read_types("_type", self.given["_type"])
        every = tuple(t.name for t in REGISTRY)
        return tuple(n for n in every if self.context.may(n, "s")) or every


def _count(text: str | None, context: RequestContext) -> int:
    if text is None:
        return context.settings.default_count
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0):
        raise HallpassError(Kind.INVALID, Issue("The parameter '_count' is a whole number above 0."))
    return min(int(text), context.settings.max_count)


def _interval(session: Session, given: Mapping[str, str], name: str) -> tuple[datetime, datetime] | None:
    try:
        found = interval(given[name], session.zone) if name in given else None
    except ValueError:
        raise HallpassError(Kind.INVALID, Issue(f"The parameter {name!r} is a FHIR date or instant.")) from None
    return (found.lower, found.upper) if found else None


def _link(own: str, query: dict[str, str], token: str | None) -> str:
    pairs = {**query, **({"_cursor": token} if token else {})}
    return f"{own}?{urlencode(pairs)}" if pairs else own

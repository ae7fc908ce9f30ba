"""Batch and transaction Bundles. https://hl7.org/fhir/R4/http.html#transaction

A batch is its entries one by one, each with its own outcome; operations may be among them. Each is judged when all
before it have left, and leaves at once: nothing is held until the end. A transaction is one: by verb (DELETE, POST,
PUT, GET), with references between its entries, all of it or nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

from fastapi import APIRouter, Request, Response

from app.api import bundle, http
from app.api.calls import call
from app.api.context import Context, RequestContext
from app.api.entries import Entry, read_entries
from app.api.failures import DEADLINE
from app.api.formats import bundle_in_parts
from app.api.idempotency import keyed, require_none
from app.api.page_tokens import PageTokens
from app.api.search import page
from app.api.transaction import LETTERS, Transaction, history_of
from app.auth.bearer import bearer
from app.errors import HallpassError, Issue, Kind, too_late
from app.exchange.idempotency import Keyed, once
from app.exchange.service import Result
from app.fhir.outcome import success
from app.limits.long_work import is_large
from app.limits.results import Budget

STATUS = {200: "200 OK", 201: "201 Created", 204: "204 No Content", 304: "304 Not Modified"}


def add(router: APIRouter) -> None:
    """The route of POST on the service's root."""

    @router.post("", operation_id="bundle", summary="Process a batch or transaction Bundle")
    async def process(request: Request, context: Context) -> Response:
        http.require_acceptable(request)
        http.parameters(request)
        content = await http.body(request, context.settings, context.caller.client)
        large = is_large(content)
        kind, entries = await context.off_loop(lambda: read_entries(content, context.settings), large=large)
        writer = _Writer(request, context)
        if kind == "batch":
            require_none(request, "A batch, whose entries are done one by one,")
        if kind == "batch" and entries:
            parts = bundle_in_parts(request, "batch-response", await writer.begun(entries))
            return http.respond_in_parts(request, parts)
        key = await keyed(request, context, content)
        answers = await writer.together([e for e in entries if isinstance(e, Entry)], key)
        return http.respond(request, bundle.responses(f"{kind}-response", answers), done="Done.")


class _Writer:
    """Performs entries, and writes what each came to."""

    def __init__(self, request: Request, context: RequestContext) -> None:
        self._request = request
        self._context = context
        self._page_tokens: PageTokens = request.app.state.page_tokens
        wanted = http.prefer(request)
        self._lenient = wanted.lenient
        self._budget = Budget.of_batch(context.settings)
        self._named: set[tuple[str, UUID, int | None]] = set()
        self._return = wanted.return_

    async def begun(self, entries: list[Entry | HallpassError]) -> AsyncIterator[bytes]:
        """A batch's entries as they are performed, the first of them now: what concerns all of them shows in it.

        Raises UNAVAILABLE and LOGIN then. Later on they are the outcome of their entry: the others have left.
        """
        try:
            first = await self._performed(entries[0])
        except HallpassError as e:
            if e.kind in (Kind.UNAVAILABLE, Kind.LOGIN):
                raise
            first = bundle.failure(e)
        return self._each(first, entries[1:])

    async def _each(self, first: bytes, others: list[Entry | HallpassError]) -> AsyncIterator[bytes]:
        yield first
        for entry in others:
            try:
                yield await self._performed(entry)
            except HallpassError as e:
                yield bundle.failure(e)

    async def _performed(self, entry: Entry | HallpassError) -> bytes:
        """One entry of a batch, in a transaction of its own. Raises what is wrong with it, and TOO_COSTLY."""
        if isinstance(entry, HallpassError):
            raise entry
        if asyncio.get_running_loop().time() > self._request.scope["state"][DEADLINE]:
            raise too_late()
        await bearer(self._request)  # the token may have expired since the entry before
        self._budget.require_left()
        if entry.where.call:
            found, records = await call(self._request, entry), 1
        else:
            self._request.app.state.limits.count(self._context.caller.client)
            transaction = Transaction(self._context, self._page_tokens, [entry], lenient=self._lenient)
            (answer,) = await self._context.all(entry.interaction, transaction.perform)
            found, records = self._written(entry, answer), len(answer.released)
        self._budget.spend(len(found), records)
        await asyncio.sleep(0)
        return found

    async def together(self, entries: list[Entry], key: Keyed | None) -> list[bytes]:
        """All entries of a transaction, answered in the order in which they were sent."""
        calls = [e for e in entries if e.where.call]
        if calls:
            text = "A transaction takes reads, searches, histories and writes. Send this request in a batch."
            raise HallpassError(
                Kind.UNPROCESSABLE, *(Issue(text, f"{e.at}.request.url", "not-supported") for e in calls)
            )
        if key is not None and any(e.method == "GET" for e in entries):
            require_none(self._request, "A transaction that reads")
        transaction = Transaction(self._context, self._page_tokens, entries, lenient=self._lenient)
        scopes = [(e.type, LETTERS[e.method]) for e in entries if e.method in LETTERS]
        answers = await self._context.all("transaction", once(key, scopes, transaction.perform))
        return [self._written(e, a) for e, a in zip(entries, answers, strict=True)]

    def _written(self, entry: Entry, answer: Result) -> bytes:
        base = self._context.base
        if answer.search is not None:
            return bundle.page_entry(STATUS[200], page(answer, self._context, self._page_tokens, entry.where.path))
        if entry.where.history:
            asked = history_of(entry, self._context, self._page_tokens, lenient=self._lenient)
            return bundle.page_entry(STATUS[200], asked.page(answer))
        if answer.absent:
            return bundle.entry(STATUS[204], base, None, body=False)
        if answer.held:
            return bundle.unchanged(STATUS[304], answer.one)
        status = STATUS[201 if answer.created else 200]
        said = success("Unchanged.") if answer.unchanged else None
        advised = http.advised(answer.one) if entry.method != "GET" else []
        if said is None and entry.method != "GET" and (advised or self._return == "OperationOutcome"):
            said = success("Stored." if answer.created else "Done.", *advised)
        body = self._return == "representation" or entry.method == "GET"
        named = self._first(answer, body=body)
        return bundle.entry(status, base, answer.one, body=body, named=named, outcome_=said)

    def _first(self, answer: Result, *, body: bool) -> bool:
        """Whether no entry before has the same fullUrl with the same version in it, as bdl-7 asks."""
        if answer.one is None:
            return False
        name = (answer.one.type, answer.one.id, answer.one.version if body else None)
        first = name not in self._named
        self._named.add(name)
        return first

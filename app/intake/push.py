"""Pushes resources to the exchange: conditional updates in batch Bundles, a few in flight, retried when it is busy.
https://hl7.org/fhir/R4/http.html#transaction and https://hl7.org/fhir/R4/http.html#cond-update

A conditional update can be sent again after a lost answer: it finds what it wrote, and changes nothing.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import quote

import httpx
import orjson

from app.errors import HallpassError, Kind
from app.intake.answers import TRANSIENT, Entry, Outcome, issues, outcome, refusal, status_of
from app.intake.token import Token, Tokens

MAX_ENTRIES = 50
MAX_BYTES = 1_000_000
"""Of one Bundle, whichever is reached first."""
IN_FLIGHT = 4
ATTEMPTS = 7
FIRST_ATTEMPTS = 3
"""Of the first request of all, which a wrong address would keep waiting."""
MAX_WAIT = 60.0
_FHIR_JSON = "application/fhir+json"


def conditional_url(resource: dict[str, Any]) -> str:
    """The URL of the conditional update by the resource's first identifier."""
    identifier = resource["identifier"][0]
    token = "|".join(_escaped(identifier[part]) for part in ("system", "value"))
    return f"{resource['resourceType']}?identifier={quote(token, safe='')}"


def entry(name: str, key: str, resource: dict[str, Any]) -> Entry:
    """The Entry that puts a resource where its first identifier says."""
    return Entry(name, key, conditional_url(resource), orjson.dumps(resource))


class Exchange:
    """The exchange as one client sees it."""

    def __init__(self, http: httpx.AsyncClient, base_url: str, tokens: Tokens, *, backoff: float = 0.5) -> None:
        self._http = http
        self._url = f"{base_url}/fhir"
        self._tokens = tokens
        self._backoff = backoff

    async def organization(self) -> str | None:
        """The id of the caller's own Organization as the token response tells it, or None. Raises as `batch` does."""
        response = None
        for attempt in range(FIRST_ATTEMPTS):
            await self._wait(attempt, response)
            try:
                return (await self._tokens.get()).organization
            except httpx.HTTPStatusError as e:
                response = e.response
            except httpx.RequestError:
                response = None
        raise self._unreachable()

    async def batch(self, entries: Sequence[Entry]) -> list[Outcome]:
        """What became of each entry, in no particular order.

        Entries that the exchange is too busy for are sent again, alone. Raises HallpassError(LOGIN) where it gives
        or takes no token, UNAVAILABLE where it stays out of reach, INVALID where what answers is not an exchange.
        """
        done: list[Outcome] = []
        left = list(entries)
        response = None
        for attempt in range(ATTEMPTS):
            await self._wait(attempt, response)
            try:
                response = await self._authorized(_bundle(left))
            except httpx.HTTPStatusError as e:
                response = e.response
            except httpx.RequestError:
                response = None
            else:
                left = self._sort(left, response, done)
            if not left:
                return done
        if not done:
            raise self._unreachable()
        return done + [refusal(e, None, "The exchange stayed too busy.") for e in left]

    async def _authorized(self, bundle: bytes) -> httpx.Response:
        """The answer to a Bundle, sent with another token where the first is not taken: it may have been revoked."""
        token = await self._tokens.get()
        response = await self._post(bundle, token)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            response = await self._post(bundle, await self._tokens.get(refused=token))
        return response

    async def _post(self, bundle: bytes, token: Token) -> httpx.Response:
        headers = {
            "Authorization": f"Bearer {token.value}",
            "Content-Type": _FHIR_JSON,
            "Accept": _FHIR_JSON,
            "Prefer": "return=minimal",
        }
        return await self._http.post(self._url, content=bundle, headers=headers)

    def _sort(self, entries: list[Entry], response: httpx.Response, done: list[Outcome]) -> list[Entry]:
        """Adds the Outcomes of an answer to `done`, and gives the entries that are to be sent again."""
        if response.status_code in TRANSIENT:
            return entries
        body = self._resource(response)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            raise HallpassError(Kind.LOGIN, f"{self._url} does not take the token: {issues(body)}")
        if not response.is_success:
            done += [refusal(e, body, f"HTTP {response.status_code}") for e in entries]
            return []
        answers = [a.get("response", {}) for a in body.get("entry", [])]
        if body["resourceType"] != "Bundle" or len(answers) != len(entries):
            raise HallpassError(Kind.INVALID, f"{self._url} did not answer each entry of a batch.")
        again = []
        for one, answer in zip(entries, answers, strict=True):
            if status_of(answer) in TRANSIENT:
                again.append(one)
            else:
                done.append(outcome(one, answer))
        return again

    def _resource(self, response: httpx.Response) -> dict[str, Any]:
        """The FHIR resource in an answer. Raises HallpassError where there is none: this is not an exchange."""
        try:
            body = orjson.loads(response.content)
        except orjson.JSONDecodeError:
            body = None
        if not isinstance(body, dict) or "resourceType" not in body:
            raise HallpassError(Kind.INVALID, f"{self._url} is not an exchange: HTTP {response.status_code}.")
        return body

    async def _wait(self, attempt: int, response: httpx.Response | None) -> None:
        """Before each attempt but the first: longer each time, and as long as the last answer's Retry-After asks.

        The lengths differ by chance, so that batches that failed together do not come back together.
        """
        if attempt:
            asked = response.headers.get("Retry-After", "") if response is not None else ""
            seconds = max(self._backoff * 2 ** (attempt - 1), float(asked) if asked.isdecimal() else 0.0)
            await asyncio.sleep(min(seconds, MAX_WAIT) * random.uniform(1, 1.25))  # noqa: S311 - no secret hangs on it

    def _unreachable(self) -> HallpassError:
        return HallpassError(Kind.UNAVAILABLE, f"{self._url} cannot be reached, or stays too busy.")


async def push(
    exchange: Exchange, entries: Iterable[Entry], in_flight: int = IN_FLIGHT
) -> AsyncGenerator[Outcome, None]:
    """The Outcome of each entry, as answers come in; entries are taken only as fast as they can be sent.

    Raises as Exchange.batch does; what is still in flight is then given up.
    """
    pending: set[asyncio.Task[list[Outcome]]] = set()
    try:
        for chunk in chunks(entries):
            pending.add(asyncio.create_task(exchange.batch(chunk)))
            if len(pending) >= in_flight:
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for each in _all(done):
                    yield each
        while pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for each in _all(done):
                yield each
    finally:
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)


def chunks(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """The entries in order, in lists of at most MAX_ENTRIES and, but for a larger single one, MAX_BYTES."""
    chunk: list[Entry] = []
    size = 0
    for one in entries:
        if chunk and (len(chunk) == MAX_ENTRIES or size + len(one.body) > MAX_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(one)
        size += len(one.body)
    if chunk:
        yield chunk


def _all(tasks: Iterable[asyncio.Task[list[Outcome]]]) -> Iterator[Outcome]:
    for task in tasks:
        yield from task.result()


def _bundle(entries: Sequence[Entry]) -> bytes:
    put = [{"resource": orjson.Fragment(e.body), "request": {"method": "PUT", "url": e.url}} for e in entries]
    return orjson.dumps({"resourceType": "Bundle", "type": "batch", "entry": put})


def _escaped(text: str) -> str:
    r"""A part of a token parameter, with what separates parts escaped. https://hl7.org/fhir/R4/search.html#escaping"""
    for character in "\\,$|":
        text = text.replace(character, f"\\{character}")
    return text

"""Sends Bundles to the exchange as one client, and sends again what it was too busy for.
https://hl7.org/fhir/R4/http.html#transaction and https://hl7.org/fhir/R4/http.html#ccreate

A conditional create can be sent again after a lost answer: it finds what it made.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Iterator, Sequence
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


def create(name: str, key: str, resource: dict[str, Any]) -> Entry:
    """The Entry that creates a resource unless the custodian has one of its first identifier."""
    url, _, condition = conditional_url(resource).partition("?")
    return Entry(name, key, "POST", url, orjson.dumps(resource), if_none_exist=condition)


def update(name: str, key: str, resource: dict[str, Any], version: int) -> Entry:
    """The Entry that replaces a version of a resource, and no later one."""
    url = f"{resource['resourceType']}/{resource['id']}"
    return Entry(name, key, "PUT", url, orjson.dumps(resource), if_match=f'W/"{version}"')


def read(name: str, key: str, url: str) -> Entry:
    """The Entry that reads."""
    return Entry(name, key, "GET", url)


def conditional_url(resource: dict[str, Any]) -> str:
    """The URL that finds a resource by its first identifier."""
    identifier = resource["identifier"][0]
    token = "|".join(_escaped(identifier[part]) for part in ("system", "value"))
    return f"{resource['resourceType']}?identifier={quote(token, safe='')}"


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

    async def transaction(self, entries: Sequence[Entry]) -> list[Outcome]:
        """What became of entries that are done together or not at all, in their order.

        Raises HallpassError(PRECONDITION) where one of them names a version that is no longer the current one or the
        exchange may have done them before an answer was lost, UNPROCESSABLE where it refuses them, and as `batch` does.
        """
        response, lost = None, False
        for attempt in range(ATTEMPTS):
            await self._wait(attempt, response)
            try:
                response = await self._authorized(_bundle(entries, "transaction"))
            except httpx.HTTPStatusError as e:
                response = e.response
                continue
            except httpx.RequestError:
                response, lost = None, True
                continue
            if response.status_code not in TRANSIENT:
                return self._together(entries, response, lost)
            lost = lost or response.status_code != httpx.codes.TOO_MANY_REQUESTS
        raise self._unreachable()

    def _together(self, entries: Sequence[Entry], response: httpx.Response, lost: bool) -> list[Outcome]:
        body = self._resource(response)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            raise HallpassError(Kind.LOGIN, f"{self._url} does not take the token: {issues(body)}")
        if not response.is_success:
            stale = response.status_code == httpx.codes.PRECONDITION_FAILED or lost
            kind = Kind.PRECONDITION if stale else Kind.UNPROCESSABLE
            raise HallpassError(kind, issues(body) or f"HTTP {response.status_code}")
        return [outcome(e, a) for e, a in zip(entries, self._answers(body, len(entries)), strict=True)]

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
                response = await self._authorized(_bundle(left, "batch"))
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
        again = []
        for one, answer in zip(entries, self._answers(body, len(entries)), strict=True):
            if status_of(answer.get("response") or {}) in TRANSIENT:
                again.append(one)
            else:
                done.append(outcome(one, answer))
        return again

    def _answers(self, body: dict[str, Any], count: int) -> list[dict[str, Any]]:
        """The entries of an answering Bundle. Raises HallpassError where there are not as many as were sent."""
        answers = body.get("entry", [])
        if body["resourceType"] != "Bundle" or len(answers) != count:
            raise HallpassError(Kind.INVALID, f"{self._url} did not answer each entry of a Bundle.")
        return list(answers)

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


def chunks(entries: Iterable[Entry], most: int = MAX_ENTRIES) -> Iterator[list[Entry]]:
    """The entries in order, in lists of at most so many and, but for a larger single one, MAX_BYTES."""
    chunk: list[Entry] = []
    size = 0
    for one in entries:
        if chunk and (len(chunk) == most or size + len(one.body) > MAX_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(one)
        size += len(one.body)
    if chunk:
        yield chunk


def _bundle(entries: Sequence[Entry], kind: str) -> bytes:
    return orjson.dumps({"resourceType": "Bundle", "type": kind, "entry": [_entry(e) for e in entries]})


def _entry(one: Entry) -> dict[str, Any]:
    request = {"method": one.method, "url": one.url}
    request |= {"ifMatch": one.if_match} if one.if_match else {}
    request |= {"ifNoneExist": one.if_none_exist} if one.if_none_exist else {}
    return ({"resource": orjson.Fragment(one.body)} if one.body else {}) | {"request": request}


def _escaped(text: str) -> str:
    r"""A part of a token parameter, with what separates parts escaped. https://hl7.org/fhir/R4/search.html#escaping"""
    for character in "\\,$|":
        text = text.replace(character, f"\\{character}")
    return text

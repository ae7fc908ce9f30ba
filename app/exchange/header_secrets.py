"""The headers of a Subscription's channel, which hold what lets the exchange in at an endpoint.

https://hl7.org/fhir/R4/subscription-definitions.html#Subscription.channel.header — what is stored, and so all that is
ever read, has a mark in the place of each value. The values are beside it, sealed by the exchange's key.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson

from app.errors import HallpassError, Issue, Kind
from app.keyring import Keyring, WrongKey

_HEADER = re.compile(r"([A-Za-z0-9-]{1,64}): ?([\x20-\x7e]{1,2000})")
_MARK = re.compile(r"[A-Za-z0-9-]{1,64}: \*{8} \([0-9a-f]{16}\)")
_USE = "subscription headers"
Json = dict[str, Any]


def hidden(keyring: Keyring, own: UUID, content: Json) -> tuple[Json, dict[str, str]]:
    """The Subscription with marks in place of the values of its headers, and the headers as they are sent, by mark.

    The same value has the same mark, so that a push of what is there changes nothing. What is no header stays.
    """
    headers = _headers(content)
    marks = {h: _mark(keyring, own, h) for h in headers if _HEADER.fullmatch(h) and not _MARK.fullmatch(h)}
    if not marks:
        return content, {}
    channel = {**content["channel"], "header": [marks.get(h, h) for h in headers]}
    return {**content, "channel": channel}, {mark: header for header, mark in marks.items()}


def require_known(content: Json, before: Json, given: Mapping[str, str]) -> None:
    """Raise UNPROCESSABLE for a mark that stands for nothing: unknown, or kept for another endpoint."""
    same = content["channel"].get("endpoint") == before.get("channel", {}).get("endpoint")
    known = {*given, *(_headers(before) if same else ())}
    if not known.issuperset(h for h in _headers(content) if _MARK.fullmatch(h)):
        text = "A header is hidden, and its value is not kept for this endpoint. Send it with its value: 'Name: value'."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "Subscription.channel.header", "business-rule"))


def sealed(
    keyring: Keyring, own: UUID, content: Json, given: Mapping[str, str], before: str | None = None
) -> str | None:
    """The headers by their marks, as they are kept: what was given now, and what was kept before and is still named."""
    marks = _headers(content)
    known = given if given.keys() >= set(marks) else {**_opened(keyring, own, before), **given}
    kept = {mark: known[mark] for mark in marks}
    return keyring.seal(_under(own), orjson.dumps(kept).decode()) if kept else None


def opened(keyring: Keyring, own: UUID, kept: str | None) -> tuple[tuple[str, str], ...]:
    """The headers as they are sent. Raises UNPROCESSABLE where they were sealed by a key that is gone."""
    found = (_HEADER.fullmatch(header) for header in _opened(keyring, own, kept).values())
    return tuple((match[1], match[2]) for match in found if match)


def _opened(keyring: Keyring, own: UUID, kept: str | None) -> dict[str, str]:
    if kept is None:
        return {}
    try:
        found: dict[str, str] = orjson.loads(keyring.open(_under(own), kept))
    except WrongKey:
        text = "The headers of the Subscription cannot be opened with HALLPASS_KEY. Send them again with their values."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "Subscription.channel.header", "business-rule")) from None
    return found


def _headers(content: Json) -> list[str]:
    channel = content.get("channel")
    found = channel.get("header", []) if isinstance(channel, dict) else []
    return [h for h in found if isinstance(h, str)]


def _mark(keyring: Keyring, own: UUID, header: str) -> str:
    digest = hmac.digest(keyring.derive(_USE), f"{own}\0{header}".encode(), "sha256").hex()[:16]
    return f"{header.partition(':')[0]}: ******** ({digest})"


def _under(own: UUID) -> str:
    return f"{_USE} of {own}"

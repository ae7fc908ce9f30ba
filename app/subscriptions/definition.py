"""What a Subscription asks for, read from its elements; what the exchange will not do is refused with all reasons.

https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/StructureDefinition-backport-subscription.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

from app.errors import HallpassError, Issue, Kind
from app.fhir.dates import interval
from app.search.clause import Budget, ClauseReader
from app.search.query import Criterion
from app.search.values import Reading
from app.subscriptions.matching import SERVED
from app.subscriptions.topics import BY_URL, Topic

PREFIX = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
PROFILE = f"{PREFIX}backport-subscription"
CHANNELS = {"rest-hook": ("https", "http"), "email": ("mailto",)}
"""The channels, and the schemes of their endpoints. http is for loopback, where a setting allows it."""
CONTENTS = ("empty", "id-only", "full-resource")
PAYLOADS = ("application/fhir+json", "application/json")
MAX_COUNT = 100
TIMEOUT = (1, 60)
HEARTBEAT = (60, 7 * 86_400)
MAX_FILTERS = 20
_HEADER = re.compile(r"([A-Za-z0-9-]{1,64}): ?([\x20-\x7e]{1,2000})")
_OURS = frozenset(
    {"host", "content-length", "content-type", "transfer-encoding", "connection", "content-encoding", "upgrade", "te"}
    | {"x-jws-signature", "expect", "trailer", "proxy-authorization"}
)
"""Headers that the exchange sets, or that say how a request is to be read."""
_FILTER = re.compile(r"(?:(?P<type>[A-Z][A-Za-z]+)[.?])?(?P<key>[_A-Za-z][\w-]*(?::[a-z-]+)?)=(?P<value>.+)", re.S)


@dataclass(frozen=True, slots=True)
class Definition:
    """A Subscription that the exchange can keep."""

    topic: Topic
    filters: tuple[tuple[str, Criterion], ...]
    """Each with the type that it is about; all that are about a record's type must hold."""
    channel: str
    endpoint: str
    headers: tuple[tuple[str, str], ...]
    content: str
    payload: str
    heartbeat: int | None
    timeout: int
    max_count: int
    end: datetime | None


def read(content: dict[str, Any], zone: ZoneInfo, base_url: str, *, allow_http: bool) -> Definition:
    """The definition. Raises UNPROCESSABLE with one issue for each element that cannot be served."""
    return _Reader(content, zone, base_url, allow_http).read()


class _Reader:
    def __init__(self, content: dict[str, Any], zone: ZoneInfo, base_url: str, allow_http: bool) -> None:
        self._content, self._zone, self._base_url, self._allow_http = content, zone, base_url, allow_http
        self._channel: dict[str, Any] = content.get("channel", {})
        self._issues: list[Issue] = []

    def read(self) -> Definition:
        topic = BY_URL.get(str(self._content.get("criteria", "")).partition("|")[0])
        if topic is None:
            known = ", ".join(sorted(BY_URL))
            self._refuse("criteria", f"Unknown topic. Use the URL of one of: {known}.")
        kind = self._kind()
        payload, content = self._payload(kind)
        definition = (
            self._filters(topic) if topic else (),
            kind,
            self._endpoint(kind),
            self._headers(kind),
            content,
            payload,
            self._number("backport-heartbeat-period", "valueUnsignedInt", HEARTBEAT),
            self._number("backport-timeout", "valueUnsignedInt", TIMEOUT) or 10,
            self._count(),
            self._end(),
        )
        if self._issues or topic is None:
            raise HallpassError(Kind.UNPROCESSABLE, *self._issues)
        return Definition(topic, *definition)

    def _refuse(self, element: str, text: str) -> None:
        self._issues.append(Issue(text, f"Subscription.{element}", "business-rule"))

    def _kind(self) -> str:
        kind = str(self._channel.get("type", ""))
        if kind not in CHANNELS:
            self._refuse("channel.type", f"This channel is not served. Use one of: {', '.join(CHANNELS)}.")
        if _extensions(self._channel.get("_type"), "backport-channel-type"):
            self._refuse("channel.type.extension", "Custom channels are not served. Leave out the extension.")
        return kind

    def _payload(self, kind: str) -> tuple[str, str]:
        stated = str(self._channel.get("payload", ""))
        payload, _, version = stated.replace(" ", "").partition(";")
        if payload not in PAYLOADS or version not in ("", "fhirVersion=4.0"):
            self._refuse("channel.payload", "Notifications are FHIR R4 in JSON: use application/fhir+json.")
        found = [e.get("valueCode") for e in _extensions(self._channel.get("_payload"), "backport-payload-content")]
        content = str(found[0]) if len(found) == 1 else ""
        if content not in CONTENTS:
            self._refuse("channel.payload.extension", f"Say one content of the payload: {', '.join(CONTENTS)}.")
        elif kind == "email" and content == "full-resource":
            text = "A mail holds no record. Use id-only or empty, and read the records from the exchange."
            self._refuse("channel.payload.extension", text)
        return payload, content

    def _endpoint(self, kind: str) -> str:
        endpoint = str(self._channel.get("endpoint", ""))
        parts = urlsplit(endpoint)
        loopback = self._allow_http and parts.hostname in ("127.0.0.1", "localhost", "::1")
        if kind == "email" and not re.fullmatch(r"mailto:[^@\s?]+@[^@\s?]+", endpoint):
            self._refuse("channel.endpoint", "The endpoint of an email channel is mailto: and one address.")
        if kind == "rest-hook" and not (parts.scheme == "https" or (parts.scheme == "http" and loopback)):
            self._refuse("channel.endpoint", "The endpoint must be an https URL.")
        return endpoint

    def _headers(self, kind: str) -> tuple[tuple[str, str], ...]:
        found = []
        for header in self._channel.get("header", ()):
            match = _HEADER.fullmatch(header)
            if match is None or match[1].lower() in _OURS:
                text = "A header is 'Name: value', and not one that the exchange sets itself."
                self._refuse("channel.header", text)
            else:
                found.append((match[1], match[2]))
        if kind == "email" and found:
            self._refuse("channel.header", "A mail has no headers of yours. Leave them out.")
        return tuple(found)

    def _number(self, name: str, value: str, bounds: tuple[int, int]) -> int | None:
        found = [e.get(value) for e in _extensions(self._channel, name)]
        if not found:
            return None
        number = found[0]
        if len(found) > 1 or not isinstance(number, int) or not bounds[0] <= number <= bounds[1]:
            self._refuse("channel.extension", f"{name} must be from {bounds[0]} to {bounds[1]} seconds.")
            return None
        return number

    def _count(self) -> int:
        found = [e.get("valuePositiveInt") for e in _extensions(self._channel, "backport-max-count")]
        numbers = [n for n in found if isinstance(n, int) and n > 0]
        if len(found) > 1 or len(numbers) < len(found):
            self._refuse("channel.extension", "backport-max-count must be one positive number.")
        return min([*numbers, MAX_COUNT])

    def _end(self) -> datetime | None:
        return interval(self._content["end"], self._zone).lower if self._content.get("end") else None

    def _filters(self, topic: Topic) -> tuple[tuple[str, Criterion], ...]:
        stated = _extensions(self._content.get("_criteria"), "backport-filter-criteria")
        if len(stated) > MAX_FILTERS:
            self._refuse("criteria.extension", f"A Subscription may have {MAX_FILTERS} filters.")
            return ()
        found: list[tuple[str, Criterion]] = []
        for extension in stated:
            found += self._filter(topic, str(extension.get("valueString", "")))
        return tuple(found)

    def _filter(self, topic: Topic, text: str) -> list[tuple[str, Criterion]]:
        """`Type?a=b&c=d`, `Type.a=b` or `a=b`; without a type, of every type that the topic has."""
        match = _FILTER.fullmatch(text)
        types = (match["type"],) if match and match["type"] else topic.types
        if match is None or not set(types) <= set(topic.types):
            known = ", ".join(topic.types)
            self._refuse("criteria.extension", f"A filter is written Type?parameter=value, with Type one of: {known}.")
            return []
        pairs = parse_qsl(f"{match['key']}={match['value']}", keep_blank_values=True)
        reading, budget = Reading(self._zone, self._base_url), Budget()
        found = []
        for type_name in types:
            for key, value in pairs:
                try:
                    clause = ClauseReader(reading, budget, key, value).read((type_name,))
                except HallpassError as e:
                    self._refuse("criteria.extension", e.issues[0].text)
                    continue
                if not isinstance(clause, Criterion) or (clause.kind, clause.modifier) not in SERVED:
                    text = f"The filter {key} is not served. Use tokens, references and dates, without chains."
                    self._refuse("criteria.extension", text)
                    continue
                found.append((type_name, clause))
        return found


def _extensions(element: Any, name: str) -> list[dict[str, Any]]:
    """The extensions of this guide's that an element has under a name."""
    found = element.get("extension", ()) if isinstance(element, dict) else ()
    return [e for e in found if e.get("url") == PREFIX + name]

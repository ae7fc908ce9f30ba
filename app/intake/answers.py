"""What the exchange answered to the entries of a batch. Pure.
https://hl7.org/fhir/R4/http.html#transaction-response
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any

TRANSIENT = frozenset({429, 502, 503, 504})
"""HTTP statuses that ask to come back later."""
_LOCATION = re.compile(r"(?:^|/)[A-Z][A-Za-z]+/([A-Za-z0-9\-.]{1,64})(?:/_history/[^/]+)?$")
_VERSION = re.compile(r'W/"(\d+)"')


@dataclass(frozen=True, slots=True)
class Entry:
    """One request of a Bundle about a record: its kind and key, the request, and its resource as JSON."""

    name: str
    key: str
    method: str
    url: str
    body: bytes = b""
    if_match: str | None = None
    if_none_exist: str | None = None


class Status(Enum):
    """What became of an entry."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    GONE = "gone"
    KEPT = "kept"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one record: with its id and version, its content where it was read, or why it was refused."""

    name: str
    key: str
    status: Status
    id: str | None = None
    reason: str = ""
    version: int | None = None
    resource: dict[str, Any] | None = None
    http: int = 0


def status_of(response: dict[str, Any]) -> int:
    """The HTTP status of a Bundle.entry.response; 0 where it has none."""
    match = re.match(r"\d{3}\b", str(response.get("status", "")))
    return int(match[0]) if match else 0


def outcome(entry: Entry, answer: dict[str, Any]) -> Outcome:
    """The Outcome of an entry from its Bundle.entry in the answer."""
    response = answer.get("response") or {}
    status = status_of(response)
    if status not in (200, 201):
        return refusal(entry, response.get("outcome"), f"HTTP {response.get('status', 'status missing')}", status)
    match = _LOCATION.search(str(response.get("location", "")))
    version = _VERSION.fullmatch(str(response.get("etag", "")))
    if status == 201:
        became = Status.CREATED
    else:
        became = Status.UNCHANGED if _says_unchanged(response.get("outcome")) else Status.CHANGED
    return Outcome(
        entry.name,
        entry.key,
        became,
        id=match[1] if match else None,
        version=int(version[1]) if version else None,
        resource=answer.get("resource"),
        http=status,
    )


def refusal(entry: Entry, operation_outcome: Any, otherwise: str, status: int = 0) -> Outcome:
    """The Outcome of a refused entry: the text and expression of each issue, or the words given."""
    reason = issues(operation_outcome) or otherwise
    return Outcome(entry.name, entry.key, Status.REFUSED, reason=reason, http=status)


def issues(operation_outcome: Any) -> str:
    """The issues of an OperationOutcome on one line; empty where it is none."""
    return "; ".join(_issue(i) for i in _list(operation_outcome, "issue"))


def _issue(issue: Any) -> str:
    text = _text(issue) or _of(issue, "diagnostics") or _of(issue, "code") or "no reason given"
    where = ", ".join(str(e) for e in _list(issue, "expression"))
    return f"{text} ({where})" if where else str(text)


def _says_unchanged(operation_outcome: Any) -> bool:
    issue = next(iter(_list(operation_outcome, "issue")), None)
    return bool(_of(issue, "code") == "informational" and _text(issue) == "Unchanged.")


def _text(issue: Any) -> Any:
    return _of(_of(issue, "details"), "text")


def _list(node: Any, name: str) -> list[Any]:
    found = _of(node, name)
    return found if isinstance(found, list) else []


def _of(node: Any, name: str) -> Any:
    """An element of an answer; None where what answered did not send it, or sent no object."""
    return node.get(name) if isinstance(node, dict) else None

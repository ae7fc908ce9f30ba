"""What the exchange answered to the entries of a batch. Pure.
https://hl7.org/fhir/R4/http.html#transaction-response
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any

from app.resources.paths import first, values

TRANSIENT = frozenset({429, 502, 503, 504})
"""HTTP statuses that ask to come back later."""
_LOCATION = re.compile(r"(?:^|/)[A-Z][A-Za-z]+/([A-Za-z0-9\-.]{1,64})(?:/_history/[^/]+)?$")


@dataclass(frozen=True, slots=True)
class Entry:
    """One record on its way: its Ed-Fi name and key, the conditional URL it is put to, and its resource as JSON."""

    name: str
    key: str
    url: str
    body: bytes


class Status(Enum):
    """What became of an entry."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one record: with the id of its resource, or with the reason why it was refused."""

    name: str
    key: str
    status: Status
    id: str | None = None
    reason: str = ""


def status_of(response: dict[str, Any]) -> int:
    """The HTTP status of a Bundle.entry.response; 0 where it has none."""
    match = re.match(r"\d{3}\b", str(response.get("status", "")))
    return int(match[0]) if match else 0


def outcome(entry: Entry, response: dict[str, Any]) -> Outcome:
    """The Outcome of an entry from its Bundle.entry.response."""
    status = status_of(response)
    if status not in (200, 201):
        return refusal(entry, response.get("outcome"), f"HTTP {response.get('status', 'status missing')}")
    match = _LOCATION.search(str(response.get("location", "")))
    if status == 201:
        became = Status.CREATED
    else:
        became = Status.UNCHANGED if _says_unchanged(response.get("outcome")) else Status.CHANGED
    return Outcome(entry.name, entry.key, became, id=match[1] if match else None)


def refusal(entry: Entry, operation_outcome: Any, otherwise: str) -> Outcome:
    """The Outcome of a refused entry: the text and expression of each issue, or the words given."""
    return Outcome(entry.name, entry.key, Status.REFUSED, reason=issues(operation_outcome) or otherwise)


def issues(operation_outcome: Any) -> str:
    """The issues of an OperationOutcome on one line; empty where it is none."""
    return "; ".join(_issue(i) for i in values(operation_outcome, "issue"))


def _issue(issue: Any) -> str:
    text = first(issue, "details.text") or first(issue, "diagnostics") or first(issue, "code") or "no reason given"
    where = ", ".join(str(e) for e in values(issue, "expression"))
    return f"{text} ({where})" if where else str(text)


def _says_unchanged(operation_outcome: Any) -> bool:
    issue = first(operation_outcome, "issue")
    return bool(first(issue, "code") == "informational" and first(issue, "details.text") == "Unchanged.")

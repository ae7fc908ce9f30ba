"""The closed set of errors, and the one table from a kind to its HTTP status and OperationOutcome code.

https://hl7.org/fhir/R4/http.html and https://hl7.org/fhir/R4/valueset-issue-type.html

    Kind            HTTP  issue code       when
    ─────────────────────────────────────────────────────────────────────────────
    MALFORMED       400   structure        the body is no JSON or XML, or none that FHIR allows
    INVALID         400   invalid          a header, id or query that cannot be understood
    UNKNOWN_PARAM   400   not-supported    a search parameter or modifier that is not ours
    LOGIN           401   login            no token, or one that does not hold
    FORBIDDEN       403   forbidden        a scope or a custody that the caller lacks
    NOT_FOUND       404   not-found        nothing that this caller may see
    NOT_ALLOWED     405   not-supported    the interaction does not exist here
    NOT_ACCEPTABLE  406   not-supported    a format that is not JSON or XML was asked for
    CONFLICT        409   conflict         the write contradicts something that stands
    GONE            410   deleted          the caller could see it, and it was deleted
    PRECONDITION    412   conflict         If-Match or a condition did not hold, or held more than once
    TOO_LARGE       413   too-long         the body is over the limit
    UNSUPPORTED     415   not-supported    the body is in a format that is not JSON or XML
    UNPROCESSABLE   422   processing       the resource breaks a rule of FHIR or of Hallpass
    TOO_COSTLY      422   too-costly       the query would cost more than its bound
    TOO_MANY        429   throttled        the caller asks too often
    INTERNAL        500   exception        a fault of ours; nothing of it is shown
    UNAVAILABLE     503   transient        the database or the ledger cannot be reached: nothing leaves
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any


class Kind(Enum):
    """A kind of error; the value is its name on the wire of our own tests and logs."""

    MALFORMED = "malformed"
    INVALID = "invalid"
    UNKNOWN_PARAM = "unknown-parameter"
    LOGIN = "login"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not-found"
    NOT_ALLOWED = "not-allowed"
    NOT_ACCEPTABLE = "not-acceptable"
    CONFLICT = "conflict"
    GONE = "gone"
    PRECONDITION = "precondition"
    TOO_LARGE = "too-large"
    UNSUPPORTED = "unsupported-media"
    UNPROCESSABLE = "unprocessable"
    TOO_COSTLY = "too-costly"
    TOO_MANY = "too-many"
    INTERNAL = "internal"
    UNAVAILABLE = "unavailable"


TABLE: dict[Kind, tuple[int, str]] = {
    Kind.MALFORMED: (400, "structure"),
    Kind.INVALID: (400, "invalid"),
    Kind.UNKNOWN_PARAM: (400, "not-supported"),
    Kind.LOGIN: (401, "login"),
    Kind.FORBIDDEN: (403, "forbidden"),
    Kind.NOT_FOUND: (404, "not-found"),
    Kind.NOT_ALLOWED: (405, "not-supported"),
    Kind.NOT_ACCEPTABLE: (406, "not-supported"),
    Kind.CONFLICT: (409, "conflict"),
    Kind.GONE: (410, "deleted"),
    Kind.PRECONDITION: (412, "conflict"),
    Kind.TOO_LARGE: (413, "too-long"),
    Kind.UNSUPPORTED: (415, "not-supported"),
    Kind.UNPROCESSABLE: (422, "processing"),
    Kind.TOO_COSTLY: (422, "too-costly"),
    Kind.TOO_MANY: (429, "throttled"),
    Kind.INTERNAL: (500, "exception"),
    Kind.UNAVAILABLE: (503, "transient"),
}


@dataclass(frozen=True, slots=True)
class Issue:
    """One OperationOutcome.issue: what is wrong, in words, and at which FHIRPath.

    `code` is from the issue-type value set; None takes the code of the error's kind.
    """

    text: str
    expression: str | None = None
    code: str | None = None
    severity: str = "error"


class HallpassError(Exception):
    """An error of a closed kind, with one issue or more. Its text never holds a value of a record."""

    def __init__(self, kind: Kind, *issues: Issue | str, headers: dict[str, str] | None = None) -> None:
        self.kind = kind
        self.issues: tuple[Issue, ...] = tuple(Issue(i) if isinstance(i, str) else i for i in issues)
        self.headers: dict[str, str] = headers or {}
        self.told: tuple[Any, ...] = ()
        """Versions of others' records that this error tells of: entered on the ledger before it is answered."""
        super().__init__(f"{kind.value}: " + "; ".join(i.text for i in self.issues))

    @property
    def status(self) -> int:
        """The HTTP status of this kind."""
        return TABLE[self.kind][0]

    @property
    def code(self) -> str:
        """The OperationOutcome issue code of this kind."""
        return TABLE[self.kind][1]


def too_late() -> HallpassError:
    """The one 503 of a request that takes longer than a request may."""
    text = "The request took too long and was broken off. Ask for less, or try again when the server is less busy."
    return HallpassError(Kind.UNAVAILABLE, Issue(text, code="timeout"), headers={"Retry-After": "5"})


def not_found() -> HallpassError:
    """The one 404: the same for what never was, what is invisible and an id that cannot be one."""
    return HallpassError(Kind.NOT_FOUND, "There is no such resource.")


def not_found_to_update() -> HallpassError:
    """The same of a PUT, whose sender may have meant to create. It says as little of what is stored."""
    text = (
        "There is no such resource. Ids are given here: to push by an identifier of your own, "
        "send PUT [type]?identifier=[system]|[value], with no id in the body."
    )
    return HallpassError(Kind.NOT_FOUND, text)

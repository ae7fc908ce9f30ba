"""The states of a referral and its Task, and who may take which to which: data, and nothing else.

http://hl7.org/fhir/us/sdoh-clinicalcare/ (Task for referral management), https://hl7.org/fhir/R4/servicerequest.html
docs/referral.md is drawn from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from app.referral import codes as c


class Party(StrEnum):
    """Who moves a referral."""

    REQUESTER = "requester"
    """The custodian of the referral and its Task."""
    OWNER = "owner"
    """The organization that the Task names as its owner."""
    CLAIMANT = "claimant"
    """Who sees a Task that is open to claim, and names itself as its owner."""


class Need(StrEnum):
    """What a transition asks for."""

    REASON = "statusReason with a text"
    CODED_REASON = "statusReason with a text and a coded reason"
    OUTCOME = "an output, or a coded statusReason"
    ACTIVE_REFERRAL = "the referral is active"
    RELEASE_ENDED = "the release ended"


@dataclass(frozen=True, slots=True)
class Transition:
    """From one state to another; from None: what may be created."""

    before: str | None
    after: str
    by: frozenset[Party]
    needs: frozenset[Need] = frozenset()


def to(after: str, by: Iterable[Party], *before: str | None, needs: Iterable[Need] = ()) -> Iterator[Transition]:
    """The transitions from each of these states to one."""
    for state in before:
        yield Transition(state, after, frozenset(by), frozenset(needs))


DRAFT, REQUESTED, ACCEPTED, IN_PROGRESS, ON_HOLD = "draft", "requested", "accepted", "in-progress", "on-hold"
ASKED = "cancellation-requested"
"""The requester has asked to cancel; the status is still the owner's last. Said by businessStatus 5.2."""
REJECTED, FAILED, COMPLETED, CANCELED, ERROR = "rejected", "failed", "completed", "cancelled", "entered-in-error"
OPEN = (ACCEPTED, IN_PROGRESS, ON_HOLD)
"""The statuses in which a referral is with its owner."""

_REQUESTER, _OWNER, _CLAIMANT = [Party.REQUESTER], [Party.OWNER], [Party.OWNER, Party.CLAIMANT]
_EITHER = [Party.REQUESTER, Party.OWNER]
_REASON, _CODED, _OUTCOME = [Need.REASON], [Need.CODED_REASON], [Need.OUTCOME]

TASK: tuple[Transition, ...] = (
    *to(DRAFT, _REQUESTER, None),
    *to(REQUESTED, _REQUESTER, None, DRAFT),
    *to(ACCEPTED, _CLAIMANT, REQUESTED, needs=[Need.ACTIVE_REFERRAL]),
    *to(ACCEPTED, _OWNER, None),
    *to(REJECTED, _OWNER, None, REQUESTED, needs=_CODED),
    *to(IN_PROGRESS, _OWNER, None),
    *to(IN_PROGRESS, _OWNER, ACCEPTED, ON_HOLD, needs=[Need.ACTIVE_REFERRAL]),
    *to(ON_HOLD, _OWNER, None, ACCEPTED, IN_PROGRESS, needs=_REASON),
    *to(FAILED, _OWNER, None, *OPEN, ASKED, needs=_CODED),
    *to(COMPLETED, _OWNER, None, *OPEN, ASKED, needs=_OUTCOME),
    *to(CANCELED, _REQUESTER, DRAFT),
    *to(CANCELED, _REQUESTER, REQUESTED, needs=_REASON),
    *to(CANCELED, _OWNER, *OPEN, ASKED, needs=_REASON),
    *to(CANCELED, _REQUESTER, *OPEN, ASKED, needs=[Need.REASON, Need.RELEASE_ENDED]),
    *to(ASKED, _REQUESTER, *OPEN, needs=_REASON),
    *(t for state in OPEN for t in to(state, _REQUESTER, ASKED)),
    *to(ERROR, _REQUESTER, DRAFT, REQUESTED, *OPEN, ASKED),
)
"""A referral's Task. What an owner may create is what is past: it holds both sides."""

ACTIVE, REVOKED = "active", "revoked"
REFERRAL: tuple[Transition, ...] = (
    *to(DRAFT, _REQUESTER, None),
    *to(ACTIVE, _REQUESTER, None, DRAFT, ON_HOLD),
    *to(ON_HOLD, _REQUESTER, None, ACTIVE),
    *to(COMPLETED, _REQUESTER, None, ACTIVE, ON_HOLD),
    *to(REVOKED, _REQUESTER, None, DRAFT, ACTIVE, ON_HOLD),
    *to(ERROR, _REQUESTER, None, DRAFT, ACTIVE, ON_HOLD),
    *(t for state in (ACTIVE, ON_HOLD, COMPLETED, REVOKED, ERROR) for t in to(state, _REQUESTER, "unknown")),
    *to("unknown", _REQUESTER, None),
)
"""The referral itself, a ServiceRequest: its requester's alone. Past ones may be created as they ended."""

TABLES: dict[str, tuple[Transition, ...]] = {"Task": TASK, "ServiceRequest": REFERRAL}
"""By type."""

BUSINESS: dict[str, tuple[frozenset[str], frozenset[Party]]] = {
    c.CREATED: (frozenset({DRAFT, REQUESTED}), frozenset(_REQUESTER)),
    c.ACCEPTED: (frozenset(OPEN), frozenset(_CLAIMANT)),
    c.DECLINED: (frozenset({REJECTED}), frozenset(_OWNER)),
    c.SCHEDULED: (frozenset(OPEN), frozenset(_OWNER)),
    c.UNATTENDED: (frozenset({*OPEN, FAILED}), frozenset(_OWNER)),
    c.EVENT_CANCELED: (frozenset({*OPEN, FAILED}), frozenset(_OWNER)),
    c.EVENT_COMPLETED: (frozenset({*OPEN, COMPLETED}), frozenset(_OWNER)),
    c.CANCELLATION_REQUESTED: (frozenset({ASKED}), frozenset(_REQUESTER)),
    c.CANCELED: (frozenset({CANCELED}), frozenset(_EITHER)),
    c.COMPLETED: (frozenset({COMPLETED}), frozenset(_OWNER)),
}
"""BSeR's business statuses: in which states each stands, and who sets it."""


def states(table: tuple[Transition, ...]) -> frozenset[str]:
    """Every state of a table."""
    return frozenset(s for t in table for s in (t.before, t.after) if s is not None)


def final(table: tuple[Transition, ...]) -> frozenset[str]:
    """The states that nothing leaves."""
    return states(table) - {t.before for t in table}


def allowed(table: tuple[Transition, ...], before: str | None, parties: frozenset[Party]) -> tuple[Transition, ...]:
    """What these parties may take a state to."""
    return tuple(t for t in table if t.before == before and t.by & parties)

"""The topics that a Subscription can name: of which types, and which versions of them are events.

https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/components.html#subscription-topics
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

OURS = "https://hallpass.example/fhir/SubscriptionTopic"
GRAVITY = "http://hl7.org/fhir/us/sdoh-clinicalcare/SubscriptionTopic"


ROSTER_CODE = "https://hallpass.example/fhir/CodeSystem/roster"
OPEN = frozenset({"requested", "received", "accepted", "ready", "in-progress", "on-hold"})
"""The statuses of a Task that somebody still has to bring to its end."""


@dataclass(frozen=True, slots=True)
class Version:
    """What a topic judges of one visible version of a record."""

    number: int
    content: dict[str, Any]


def _any(_version: Version) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """The declaration of one topic."""

    url: str
    title: str
    description: str
    types: tuple[str, ...]
    """Of which a version is an event when it is written, or when it becomes visible."""
    event: Callable[[Version], bool] = _any
    overdue: bool = False
    """Whether an event is that nothing has happened for too long (HALLPASS_OVERDUE_DAYS)."""
    corrects: bool = False
    """Whether an event needs an earlier version that was disclosed to the subscriber's organization."""


def _status(version: Version) -> str:
    return str(version.content.get("status", ""))


def _has_conflicts(version: Version) -> bool:
    """Whether it is what an import keeps of itself, with counts of conflicts. docs/guides/roster.md"""
    codings = version.content.get("code", {}).get("coding", [])
    of_import = any(c.get("system") == ROSTER_CODE and c.get("code") == "import" for c in codings)
    return of_import and bool(version.content.get("characteristic"))


TOPICS: tuple[Topic, ...] = (
    Topic(
        url=f"{OURS}/referral",
        title="Referrals",
        description="A referral became visible to the subscriber, or one that is visible changed.",
        types=("ServiceRequest",),
        event=lambda v: _status(v) != "draft",
    ),
    Topic(
        url=f"{OURS}/task",
        title="Tasks",
        description="A Task became visible to the subscriber, or one that is visible changed.",
        types=("Task",),
        event=lambda v: _status(v) != "draft",
    ),
    Topic(
        url=f"{OURS}/release",
        title="Releases",
        description="A release that names the subscriber's organization was signed, narrowed or ended.",
        types=("Consent",),
        event=lambda v: _status(v) not in ("draft", "proposed"),
    ),
    Topic(
        url=f"{OURS}/correction",
        title="Corrections",
        description="A record changed of which the subscriber's organization was given an earlier version.",
        types=("Patient", "RelatedPerson", "ServiceRequest", "Encounter", "Consent", "Task"),
        event=lambda v: v.number > 1,
        corrects=True,
    ),
    Topic(
        url=f"{OURS}/service",
        title="Services delivered",
        description="A service for a student was delivered: an Encounter is finished.",
        types=("Encounter",),
        event=lambda v: _status(v) == "finished",
    ),
    Topic(
        url=f"{OURS}/overdue",
        title="Overdue referrals",
        description="A Task that is open has not changed for longer than its priority allows.",
        types=("Task",),
        event=lambda v: _status(v) in OPEN,
        overdue=True,
    ),
    Topic(
        url=f"{OURS}/import",
        title="Imports with conflicts",
        description="A roster's import ended, and records were refused, or left as a person decided.",
        types=("Group",),
        event=_has_conflicts,
    ),
    Topic(
        url=f"{GRAVITY}/Task",
        title="Tasks, by Gravity",
        description="A Task with intent order that is no draft was created or changed.",
        types=("Task",),
        event=lambda v: _status(v) != "draft" and v.content.get("intent") == "order",
    ),
    Topic(
        url=f"{GRAVITY}/Servicerequest",
        title="Referrals that changed, by Gravity",
        description="A ServiceRequest was changed.",
        types=("ServiceRequest",),
        event=lambda v: v.number > 1,
    ),
)
BY_URL = {topic.url: topic for topic in TOPICS}
"""The topics by their canonical URL."""

"""The value sets that the profiles bind elements to, from the same codes that releases are read by.

https://hl7.org/fhir/R4/valueset.html
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from app.consent import codes as c
from app.consent.regimes import BY_CODING
from app.terminology import code_systems as own
from app.terminology.definition import Json, canonical, definition

TASK_STATUS = "http://hl7.org/fhir/task-status"
REFERRAL_STATUS = (
    "draft",
    "requested",
    "accepted",
    "rejected",
    "in-progress",
    "on-hold",
    "failed",
    "completed",
    "cancelled",
    "entered-in-error",
)
"""The statuses of a closed-loop referral: `received` and `ready` are none. https://hl7.org/fhir/us/sdoh-clinicalcare/"""
Include = tuple[str, Iterable[str]]
"""A code system and its codes; without any: all of the system."""

_SETS: tuple[tuple[str, str, str, tuple[Include, ...]], ...] = (
    (
        "release-rule",
        "Rules of a release",
        "What Consent.policyRule may say: the law that the release is signed under.",
        tuple((system, [code]) for system, code in BY_CODING),
    ),
    (
        "release-actor",
        "Roles of a release's actors",
        "Who an actor of a provision is: discloser, recipient, or the exchange between them.",
        ((c.PARTICIPATION, ("CST", "IRCP")), (c.ACTOR_ROLE, own.ACTOR_ROLE)),
    ),
    ("release-purpose", "Purposes of a release", "Purposes of use that are understood.", ((c.ACT_REASON, c.PURPOSES),)),
    ("release-action", "Actions of a release", "Actions that are understood.", ((c.CONSENT_ACTION, c.ACTIONS),)),
    (
        "release-label",
        "Security labels of a release",
        "Confidentiality, sensitivity and privacy laws that are understood.",
        ((c.CONFIDENTIALITY_SYSTEM, c.CONFIDENTIALITY), (c.ACT_CODE, c.SENSITIVITY | c.PRIVACY_LAWS)),
    ),
    (
        "release-class",
        "Classes of a release",
        "Resource types by their names, profiles by their URLs.",
        ((c.RESOURCE_TYPES, c.TYPE_NAMES), (c.URI, ())),
    ),
    (
        "agreement-direction",
        "Directions of an agreement",
        "What the participating organization is: recipient of records, or their discloser.",
        ((c.PARTICIPATION, ("IRCP", "CST")),),
    ),
    (
        "referral-task-status",
        "Statuses of a referral's task",
        "The states of a referral from draft to its outcome.",
        ((TASK_STATUS, REFERRAL_STATUS),),
    ),
)


@cache
def value_sets() -> tuple[Json, ...]:
    """Every ValueSet: one for all of each code system of ours, and those above."""
    whole = [
        definition("ValueSet", s["id"], s["title"], s["description"], compose={"include": [{"system": s["url"]}]})
        for s in own.code_systems()
    ]
    return (*whole, *(_value_set(*row) for row in _SETS))


def value_set(name: str) -> str:
    """The URL of a value set of ours."""
    return canonical("ValueSet", name)


@cache
def members(url: str) -> dict[str, frozenset[str]]:
    """The codes of a value set of ours by their system; none stand for all of a system that is not listed here.

    Raises KeyError for a URL of another's.
    """
    composed = {v["url"]: v["compose"]["include"] for v in value_sets()}[url]
    listed = {s["url"]: frozenset(x["code"] for x in s["concept"]) for s in own.code_systems()}
    found: dict[str, frozenset[str]] = {}
    for include in composed:
        named = frozenset(x["code"] for x in include.get("concept", ()))
        found[include["system"]] = found.get(include["system"], frozenset()) | (
            named or listed.get(include["system"], frozenset())
        )
    return found


def _value_set(name: str, title: str, description: str, includes: tuple[Include, ...]) -> Json:
    composed = [_include(system, codes) for system, codes in includes]
    return definition("ValueSet", name, title, description, compose={"include": composed})


def _include(system: str, codes: Iterable[str]) -> Json:
    listed = [{"code": code} for code in sorted(codes)]
    return {"system": system, "concept": listed} if listed else {"system": system}

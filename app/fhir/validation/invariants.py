"""The R4 invariants of the exchange's types and of the data types they use, as plain functions. Pure.

https://hl7.org/fhir/R4/conformance-rules.html#constraints. The rules that look at a whole resource (dom-2 to dom-5,
ref-1), at each element (ele-1) and at XHTML (txt-1, txt-2) are kept where those are walked. Each function takes an
object that may be malformed in other ways: what it cannot read, it leaves to the finding that says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, tzinfo
from decimal import Decimal
from typing import Any

from app.fhir.dates import Interval, interval, zone_of
from app.resources.paths import values

Node = dict[str, Any]
_UCUM = "http://unitsofmeasure.org"
_SCOPES = "http://terminology.hl7.org/CodeSystem/consentscope"


@dataclass(frozen=True, slots=True)
class Invariant:
    """A rule of the definitions: its key, what it asks for, and whether an object of its type keeps it."""

    key: str
    text: str
    holds: Callable[[Node], bool]
    below: str = ""
    """The element that the finding points to, where it is not the object itself."""


def _covers(value: Any, zone: tzinfo) -> Interval | None:
    try:
        return interval(value, zone) if isinstance(value, str) else None
    except ValueError:
        return None


def _number(value: Any) -> Decimal | None:
    return Decimal(value) if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else None


def _in_order(earlier: Any, later: Any) -> bool:
    """Whether `earlier` can be before or equal to `later`; of two partial dates that overlap, it can.

    A date beside a time is one of the time's place: its day is in the offset that the time tells.
    """
    told = (zone_of(value) for value in (earlier, later) if isinstance(value, str))
    zone = next((z for z in told if z is not None), UTC)
    first, last = _covers(earlier, zone), _covers(later, zone)
    return first is None or last is None or first.lower < last.upper


def _needs(present: str, *also: str) -> Callable[[Node], bool]:
    """Where `present` is there, one of `also` is too."""
    return lambda node: not _has(node, present) or any(_has(node, name) for name in also)


def _has(node: Node, name: str) -> bool:
    return name in node or "_" + name in node


def _not_negative(name: str) -> Callable[[Node], bool]:
    def holds(node: Node) -> bool:
        number = _number(node.get(name))
        return number is None or number >= 0

    return holds


def _one_value(node: Node) -> bool:
    has_value = any(name.startswith("value") for name in node)
    return has_value != ("extension" in node)


def _ucum_with_code(node: Node) -> bool:
    return ("code" in node or "value" not in node) and node.get("system", _UCUM) == _UCUM


def _positive(node: Node) -> bool:
    number = _number(node.get("value"))
    return _ucum_with_code(node) and (number is None or number > 0)


def _whole_count(node: Node) -> bool:
    number = _number(node.get("value"))
    return _ucum_with_code(node) and node.get("code", "1") == "1" and (number is None or number % 1 == 0)


def _duration(node: Node) -> bool:
    return "code" not in node or (node.get("system") == _UCUM and "value" in node)


def _low_to_high(node: Node) -> bool:
    low, high = node.get("low"), node.get("high")
    if not isinstance(low, dict) or not isinstance(high, dict):
        return True
    if any(low.get(name) != high.get(name) for name in ("system", "code", "unit")):
        return True
    least, most = _number(low.get("value")), _number(high.get("value"))
    return least is None or most is None or least <= most


def _ratio(node: Node) -> bool:
    both = ("numerator" in node) + ("denominator" in node)
    return both == 2 or (both == 0 and "extension" in node)


def _offset(node: Node) -> bool:
    when = node.get("when")
    if "offset" not in node or not isinstance(when, list):
        return "offset" not in node
    return not {"C", "CM", "CD", "CV"}.intersection(w for w in when if isinstance(w, str))


def _boolean_answer(node: Node) -> bool:
    answers = {name for name in node if name.startswith("answer")}
    return node.get("operator") != "exists" or answers <= {"answerBoolean"}


def _practitioner(node: Node) -> bool:
    member = node.get("member")
    text = member.get("reference") if isinstance(member, dict) else None
    return "onBehalfOf" not in node or not isinstance(text, str) or "/" not in text or "Practitioner/" in text


def _none_at_home(path: str) -> Callable[[Node], bool]:
    return lambda node: "home" not in values(node, f"{path}.use")


def _patient_of(scope: str) -> Callable[[Node], bool]:
    # The definition says system = 'something', which no Consent has; the code system of scopes is meant.
    def holds(node: Node) -> bool:
        codings = [c for c in values(node, "scope.coding") if isinstance(c, dict)]
        return "patient" in node or not any(c.get("system") == _SCOPES and c.get("code") == scope for c in codings)

    return holds


def _scope_rule(key: str, scope: str) -> Invariant:
    return Invariant(key, f"A Consent of scope {scope} needs a patient", _patient_of(scope), "patient")


INVARIANTS: dict[str, tuple[Invariant, ...]] = {
    "Age": (
        Invariant("age-1", "An age with a value needs a code, a system that is UCUM and a value over 0", _positive),
        Invariant("qty-3", "A code of a unit needs its system", _needs("code", "system")),
    ),
    "Attachment": (Invariant("att-1", "An attachment with data needs its contentType", _needs("data", "contentType")),),
    "CareTeamParticipant": (
        Invariant("ctm-1", "Only a practitioner acts on behalf of an organization", _practitioner, "onBehalfOf"),
    ),
    "Consent": (
        Invariant("ppc-1", "A Consent needs a policy or a policyRule", lambda n: "policy" in n or "policyRule" in n),
        _scope_rule("ppc-2", "patient-privacy"),
        _scope_rule("ppc-3", "research"),
        _scope_rule("ppc-4", "adr"),
        _scope_rule("ppc-5", "treatment"),
    ),
    "ContactPoint": (Invariant("cpt-2", "A value needs its system", _needs("value", "system")),),
    "Count": (
        Invariant("cnt-3", "A count is a whole number with the UCUM code 1", _whole_count),
        Invariant("qty-3", "A code of a unit needs its system", _needs("code", "system")),
    ),
    "Distance": (
        Invariant("dis-1", "A distance with a value needs a code, and UCUM as its system", _ucum_with_code),
        Invariant("qty-3", "A code of a unit needs its system", _needs("code", "system")),
    ),
    "Duration": (
        Invariant("drt-1", "The code of a duration needs UCUM as its system, and a value", _duration),
        Invariant("qty-3", "A code of a unit needs its system", _needs("code", "system")),
    ),
    "Expression": (
        Invariant(
            "exp-1",
            "An expression needs its text or a reference",
            lambda n: _has(n, "expression") or _has(n, "reference"),
        ),
    ),
    "Extension": (Invariant("ext-1", "An extension has a value or extensions, not both", _one_value),),
    "Group": (
        Invariant(
            "grp-1",
            "Only an actual group has members",
            lambda n: "member" not in n or n.get("actual") is True,
            "member",
        ),
    ),
    "Organization": (
        Invariant(
            "org-1", "An organization needs a name or an identifier", lambda n: _has(n, "name") or "identifier" in n
        ),
        Invariant("org-2", "The address of an organization is not of use home", _none_at_home("address"), "address"),
        Invariant("org-3", "The telecom of an organization is not of use home", _none_at_home("telecom"), "telecom"),
    ),
    "PatientContact": (
        Invariant(
            "pat-1",
            "A contact needs a name, telecom, address or organization",
            lambda n: not n.keys().isdisjoint({"name", "telecom", "address", "organization"}),
        ),
    ),
    "Period": (
        Invariant("per-1", "A period starts before it ends", lambda n: _in_order(n.get("start"), n.get("end"))),
    ),
    "Quantity": (Invariant("qty-3", "A code of a unit needs its system", _needs("code", "system")),),
    "QuestionnaireItemEnableWhen": (
        Invariant("que-7", "With the operator exists the answer is a boolean", _boolean_answer, "answer"),
    ),
    "Range": (Invariant("rng-2", "The low of a range is not over its high", _low_to_high),),
    "Ratio": (Invariant("rat-1", "A ratio has a numerator and a denominator, or neither and an extension", _ratio),),
    "ServiceRequest": (
        Invariant("prr-1", "An orderDetail needs a code", _needs("orderDetail", "code"), "orderDetail"),
    ),
    "Task": (
        Invariant(
            "inv-1",
            "A task is last modified when or after it was authored",
            lambda n: _in_order(n.get("authoredOn"), n.get("lastModified")),
            "lastModified",
        ),
    ),
    "TimingRepeat": (
        Invariant("tim-1", "A duration needs its unit", _needs("duration", "durationUnit")),
        Invariant("tim-2", "A period needs its unit", _needs("period", "periodUnit")),
        Invariant("tim-4", "A duration is not negative", _not_negative("duration"), "duration"),
        Invariant("tim-5", "A period is not negative", _not_negative("period"), "period"),
        Invariant("tim-6", "A periodMax needs a period", _needs("periodMax", "period")),
        Invariant("tim-7", "A durationMax needs a duration", _needs("durationMax", "duration")),
        Invariant("tim-8", "A countMax needs a count", _needs("countMax", "count")),
        Invariant("tim-9", "An offset needs a when, which is not C, CM, CD or CV", _offset),
        Invariant(
            "tim-10",
            "There is a timeOfDay or a when, not both",
            lambda n: not (_has(n, "timeOfDay") and _has(n, "when")),
        ),
    ),
}
"""The rules of each type, by the name of its model."""


def broken(type_name: str, node: Node) -> list[Invariant]:
    """The invariants of `type_name` that `node` does not keep, in the order of the definitions."""
    return [rule for rule in INVARIANTS.get(type_name, ()) if not rule.holds(node)]

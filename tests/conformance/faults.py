"""An example of a profile with one fault in it, for each thing that the profile's rules ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from app.capability.catalog import examples
from app.capability.places import places
from app.capability.profiles import PROFILES, Profile
from app.capability.rules import Rule
from app.consent import codes as c

Json = dict[str, Any]
OTHER = {"system": "urn:test:other", "code": "other"}
MODIFIER = [{"url": "urn:test:modifier", "valueBoolean": True}]


@dataclass(frozen=True)
class Fault:
    """What was done to an example, and the FHIRPath of the finding that it must lead to."""

    name: str
    profile: Profile
    resource: Json
    expression: str


def every_fault() -> Iterator[Fault]:
    """The faults of all profiles."""
    for profile in PROFILES:
        for rule in profile.rules:
            yield from _of(profile, rule)
        yield from _broken(profile)


def samples(profile: Profile) -> list[Json]:
    """The examples of a profile."""
    return [deepcopy(e) for e in examples() if profile.url in e.get("meta", {}).get("profile", ())]


def _of(profile: Profile, rule: Rule) -> Iterator[Fault]:
    changes: list[tuple[str, Callable[[Any], Any]]] = []
    if rule.least:
        changes.append(("is missing", lambda _: None))
    if rule.most == "0":
        changes.append(("is there", lambda _: MODIFIER if rule.path.endswith("Extension") else "urn:test:rules"))
    if rule.pattern:
        changes.append(("is another", lambda v: "plan" if isinstance(v, str) else {"coding": [OTHER]}))
    if rule.binding and rule.binding[0] == "required":
        changes.append(("has another code", _recoded))
    if rule.targets:
        changes.append(("leads elsewhere", lambda v: _all(v, lambda _: {"reference": "Device/1"})))
    for what, change in changes:
        fault = _changed(profile, rule, what, change)
        assert fault is not None, f"no example of {profile.name} has room for {rule.path}"
        yield fault


def _changed(profile: Profile, rule: Rule, what: str, change: Callable[[Any], Any]) -> Fault | None:
    for example in samples(profile):
        for place in places(example, rule.path):
            parent = _parent(example, place.parent)
            keys = [k for k in parent if k == rule.path.split(".")[-1] or _choice(k, rule.path.split(".")[-1])]
            key = keys[0] if keys else rule.path.split(".")[-1]
            if not keys and rule.most != "0":
                continue
            value = change(parent.get(key))
            parent.pop(key, None)
            if value is not None:
                parent[key] = value
            at = f"{place.path}[0]" if isinstance(value, list) and rule.most != "0" else place.path
            if rule.targets and value is not None:
                at += ".reference"
            return Fault(f"{profile.name}: {rule.path} {what}", profile, example, at)
    return None


def _choice(key: str, name: str) -> bool:
    return name.endswith("[x]") and key.startswith(name[:-3]) and key != name[:-3]


def _parent(resource: Json, path: str) -> Json:
    """The object at a FHIRPath of names and indexes."""
    found: Any = resource
    for step in path.split(".")[1:]:
        name, _, index = step.rstrip("]").partition("[")
        found = found[name][int(index)] if index else found[name]
    assert isinstance(found, dict)
    return found


def _all(value: Any, change: Callable[[Any], Any]) -> Any:
    return [change(v) for v in value] if isinstance(value, list) else change(value)


def _recoded(value: Any) -> Any:
    """With a code of another system, in the shape that the element has."""
    if isinstance(value, str):
        return "received"
    return _all(value, lambda v: {"coding": [OTHER]} if "coding" in v else OTHER)


def _broken(profile: Profile) -> Iterator[Fault]:
    """An example for each invariant, and for extensions."""
    for key, number, change, expression in BROKEN.get(profile.name, ()):
        example = samples(profile)[number]
        change(example)
        yield Fault(f"{profile.name}: {key}", profile, example, expression)


def _measured(observation: Json, code: str) -> None:
    """Another measure, in the unit of a rate."""
    observation["code"]["coding"][0] |= {"code": code}
    observation["code"]["coding"][0].pop("display", None)


def _provision(example: Json) -> Json:
    found: Json = example["provision"]
    return found


FERPA, HIPAA, PART2 = range(3)
Broken = tuple[str, int, Callable[[Json], Any], str]
BROKEN: dict[str, tuple[Broken, ...]] = {
    "release": (
        ("rel-1", FERPA, lambda e: _provision(e).pop("actor"), "Consent.provision"),
        ("rel-2", FERPA, lambda e: _provision(e).pop("class"), "Consent.provision"),
        ("rel-3", FERPA, lambda e: _provision(e).pop("purpose"), "Consent.provision"),
        ("rel-4", HIPAA, lambda e: _provision(e)["provision"][0].update(type="permit"), "Consent.provision"),
        ("rel-5", HIPAA, lambda e: _provision(e).pop("period"), "Consent"),
        ("rel-6", PART2, lambda e: _provision(e)["actor"].pop(), "Consent"),
        (
            "rel-7",
            FERPA,
            lambda e: _provision(e)["actor"][0].update(reference={"reference": "Patient/x"}),
            "Consent.provision.actor[0]",
        ),
        ("rel-8", FERPA, lambda e: e["policy"][0].update(uri="urn:test:law"), "Consent.policy[0].uri"),
        ("rel-9", FERPA, lambda e: _provision(e).update(code=[{"text": "x"}]), "Consent.provision.code[0]"),
        (
            "rel-10",
            FERPA,
            lambda e: _provision(e).update(data=[{"meaning": "instance", "reference": {"display": "x"}}]),
            "Consent.provision.data[0]",
        ),
        (
            "an expiry event that is none",
            FERPA,
            lambda e: e.update(
                extension=[{"url": c.EXPIRY_EVENT_EXTENSION, "valueCodeableConcept": {"coding": [OTHER]}}]
            ),
            "Consent.extension[0].value",
        ),
    ),
    "service": (("svc-1", 0, lambda e: e["period"].pop("end"), "Encounter"),),
    "outcome": (
        ("out-1", 0, lambda e: e["valueQuantity"].pop("system"), "Observation"),
        ("out-2", 0, lambda e: e["valueQuantity"].update(code="d"), "Observation"),
        ("out-3", 0, lambda e: _measured(e, "days-absent"), "Observation"),
        ("out-4", 0, lambda e: _measured(e, "incidents"), "Observation"),
    ),
    "guardian": (
        (
            "an authority in words",
            0,
            lambda e: e.update(extension=[{"url": c.GUARDIAN_AUTHORITY, "valueString": "yes"}]),
            "RelatedPerson.extension[0].value",
        ),
        (
            "an authority told twice",
            0,
            lambda e: e["extension"].insert(0, {"url": c.GUARDIAN_AUTHORITY, "valueBoolean": False}),
            "RelatedPerson.extension",
        ),
    ),
    "student": (
        (
            "an authority of a student",
            0,
            lambda e: e["extension"].append({"url": c.GUARDIAN_AUTHORITY, "valueBoolean": True}),
            "Patient.extension[1]",
        ),
    ),
}
"""By profile: the invariant, the number of the example, what breaks it, and where that is found."""

"""The language of the decision cases in cases/*.yaml, read into plain values.

A case is a title over what there is (`records`, `releases`, `people`, `student`, `agreements`) and what each caller
sees of it (`then`); `later` are steps, each a `change` and what is seen after it. An expectation is one line:

    clinic sees visit by roi
    clinic for ETREAT at 2027-06-30T23:59:59-04:00 does not see visit

Whoever is named is an organization of cases/network.yaml. `by` says on what the permit rests: custody, directory,
party, or the release of that name. A record is its type, or its type with `by` (who holds it; the district),
`labels`, and the FHIR elements that matter. A release says only how it differs from the standard one: signed by the
mother on 2026-09-15 under FERPA, from the district to the clinic, for TREAT, ServiceRequest and Encounter, until
2027-06-30; an element that is null is left out. `@name` is a reference to what has that name. A change of
`confirmed: true` is that the custodian confirms a release, and false that it tries to and is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

CASES = Path(__file__).parent / "cases"
NOW = "2026-10-01T12:00:00Z"
Spec = dict[str, Any]

_LINE = re.compile(
    r"(?P<who>\w+)(?: for (?P<purposes>[A-Z+]+))?(?: at (?P<at>\S+))?"
    r" (?:(?P<sees>sees)|does not see) (?P<what>[\w ]+?)(?: by (?P<basis>\w+))?"
)


class _Loader(yaml.SafeLoader):
    """YAML in which a date is the text that it is, as FHIR tells a day from a moment by it, and `no` is a name."""


_PLAIN = {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool"}
_Loader.yaml_implicit_resolvers = {
    key: [(tag, rule) for tag, rule in policies if tag not in _PLAIN]
    for key, policies in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), list("tf"))


@dataclass(frozen=True)
class Expectation:
    """What one caller sees, at one moment (None: the case's), for some purposes (TREAT)."""

    line: str
    who: str
    what: str
    sees: bool
    at: datetime | None
    purposes: tuple[str, ...]
    basis: str | None


@dataclass(frozen=True)
class Step:
    """A change, and what is seen after it. `change` maps a name to what is different about it, None: deleted."""

    change: dict[str, Spec | None]
    then: tuple[Expectation, ...]
    at: str | None = None


@dataclass(frozen=True)
class Case:
    """One decision case."""

    title: str
    written: str
    student: Spec
    people: dict[str, Spec]
    records: dict[str, Spec]
    releases: dict[str, Spec]
    agreements: dict[str, Spec]
    then: tuple[Expectation, ...]
    later: tuple[Step, ...]


def load(name: str) -> Any:
    """A YAML file of the cases' folder."""
    return yaml.load((CASES / name).read_text(), _Loader)  # noqa: S506 - a SafeLoader


def cases(name: str) -> Iterator[Case]:
    """The cases of one file. Raises ValueError for a word that the language does not have."""
    for found in load(name):
        yield _case(dict(found))


def every_case() -> list[Any]:
    """All decision cases, as the parameters of a test."""
    names = sorted(p.name for p in CASES.glob("*.yaml") if p.name not in ("network.yaml", "completeness.yaml"))
    return [
        pytest.param(case, id=f"{name.removesuffix('.yaml')}: {case.title}") for name in names for case in cases(name)
    ]


def _case(spec: Spec) -> Case:
    case = Case(
        title=spec.pop("case"),
        written=spec.pop("written", NOW),
        student=spec.pop("student", {}),
        people=spec.pop("people", {}),
        records={k: record(v) for k, v in spec.pop("records", {}).items()},
        releases={k: v or {} for k, v in spec.pop("releases", {}).items()},
        agreements=spec.pop("agreements", {}),
        then=_lines(spec.pop("then", [])),
        later=tuple(_step(dict(s)) for s in spec.pop("later", [])),
    )
    if spec:
        raise ValueError(f"{case.title}: {', '.join(spec)}")
    return case


def record(spec: str | Spec) -> Spec:
    """A record that is told by its type alone, at length."""
    return {"type": spec} if isinstance(spec, str) else spec


def _step(spec: Spec) -> Step:
    change = {k: v if v is None else record(v) for k, v in spec.pop("change", {}).items()}
    step = Step(change, _lines(spec.pop("then")), spec.pop("at", None))
    if spec:
        raise ValueError(", ".join(spec))
    return step


def _lines(lines: list[str]) -> tuple[Expectation, ...]:
    return tuple(_expectation(line) for line in lines)


def _expectation(line: str) -> Expectation:
    match = _LINE.fullmatch(line)
    if match is None or (match["basis"] and not match["sees"]):
        raise ValueError(f"not an expectation: {line}")
    return Expectation(
        line=line,
        who=match["who"],
        what=match["what"],
        sees=bool(match["sees"]),
        at=datetime.fromisoformat(match["at"]) if match["at"] else None,
        purposes=tuple((match["purposes"] or "TREAT").split("+")),
        basis=match["basis"],
    )

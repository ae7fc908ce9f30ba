"""docs/profiles.md: what the profiles ask for, element by element, and the codes that they use.

https://hl7.org/fhir/R4/profiling.html — written from the rules that `$validate` judges by.
"""

from __future__ import annotations

from collections.abc import Iterable

from app.capability.extensions import EXTENSIONS
from app.capability.profiles import PROFILES, Profile
from app.capability.rules import Constraint, Rule
from app.capability.snapshot import structures
from app.consent.regimes import REGIMES, Element, Regime
from app.terminology.code_systems import code_systems
from app.terminology.definition import Json

HEAD = """# What is carried
Written by `hallpass export-reference` from the code that serves; do not edit it. Each profile is a StructureDefinition
that the server serves under `/fhir/StructureDefinition/[name]`; `hallpass export-package` writes them, the codes, an
example of each and the ImplementationGuide that lists them all as a FHIR package. `POST /fhir/[type]/$validate` judges
a resource by a profile that it claims in `meta.profile`, or that the parameter `profile` names. A write is judged by
the rules of FHIR and of the exchange; that it keeps a profile is not asked. What differs from the guides of others is
in [differences.md](differences.md), how all of it is held in [conformance.md](conformance.md).

Elements that are not named are as HL7 defines them. Everything that FHIR allows is stored and served unchanged.
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD, *(line for p in PROFILES for line in _profile(p)), *_regimes(), *_extensions(), *_codes()]
    return "\n".join(parts)


def _profile(profile: Profile) -> Iterable[str]:
    made = {s["id"]: s for s in structures()}[profile.name]
    elements = {e["id"]: e for e in made["snapshot"]["element"]}
    yield f"## {profile.title} ({profile.type})\n"
    yield f"`{profile.url}` {profile.description}\n"
    rows = (_row(rule, elements[f"{profile.type}.{rule.path}"]) for rule in profile.rules if rule.path)
    yield from _table(("element", "how often", "what"), rows)
    rules = [c for rule in profile.rules for c in rule.constraints]
    if rules:
        yield from _table(("rule", "asks"), map(_constraint, rules))


def _row(rule: Rule, element: Json) -> tuple[str, ...]:
    said = [rule.short] if rule.short else []
    if rule.targets:
        said.append(f"a reference to {' or '.join(rule.targets)}")
    if rule.pattern:
        said.append(f"`{_shown(rule.pattern[1])}`")
    if rule.binding:
        said.append(f"codes of `{rule.binding[1].rpartition('/')[2]}` ({rule.binding[0]})")
    if rule.extension:
        said.append("extension")
    said += [c.key for c in rule.constraints]
    return f"`{rule.path}`", f"{element['min']}..{element['max']}", "; ".join(said)


def _shown(pattern: str | Json) -> str:
    return pattern if isinstance(pattern, str) else str(pattern["coding"][0]["code"])


def _constraint(constraint: Constraint) -> tuple[str, ...]:
    return f"`{constraint.key}`", constraint.human


def _regimes() -> Iterable[str]:
    yield "## Laws\n"
    yield "The laws that a release can be signed under, and what each requires before the release can be active.\n"
    yield from _table(("law", "`policy.uri`", "`policyRule`", "notice"), map(_regime, REGIMES))
    rows = [(e.value, *(r.requires.get(e, "") for r in REGIMES)) for e in Element]
    paths = [(f"`{path}`", *(r.paths.get(path, "") for r in REGIMES)) for path in _other_paths()]
    yield from _table(("required", *(r.code for r in REGIMES)), rows + paths)


def _other_paths() -> list[str]:
    return list(dict.fromkeys(path for r in REGIMES for path in r.paths))


def _regime(regime: Regime) -> tuple[str, ...]:
    uris = " ".join(f"`{uri}`" for uri in regime.policy_uris)
    codings = " ".join(f"`{system}\\|{code}`" for system, code in regime.rule_codings)
    return regime.code, uris, codings, f"`Library/{regime.notice.id}`"


def _extensions() -> Iterable[str]:
    yield "## Extensions\n"
    rows = ((f"`{e.url}`", e.on, e.type, e.description) for e in EXTENSIONS)
    yield from _table(("extension", "on", "value", "what it says"), rows)


def _codes() -> Iterable[str]:
    yield "## Codes\n"
    for system in code_systems():
        yield f"### {system['title']}\n"
        yield f"`{system['url']}` {system['description']}\n"
        yield from _table(("code", "meaning"), ((f"`{c['code']}`", c["display"]) for c in system["concept"]))


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterable[str]:
    lines = [head, ("---",) * len(head), *rows]
    yield "\n".join(f"| {' | '.join(row)} |" for row in lines) + "\n"

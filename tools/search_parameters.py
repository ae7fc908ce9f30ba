"""The search parameters of R4's types, and the value sets that their tokens are bound to, from HL7's definitions.

https://hl7.org/fhir/R4/searchparameter-registry.html — one record is one parameter of one type; `systems` are the code
systems that a `code` element implies. A value set is listed where its codes are given: by system.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

Json = dict[str, Any]
LONGEST = 1000
"""Codes of a value set that is listed."""
LICENSED = frozenset({"http://snomed.info/sct"})
"""Systems whose codes are not HL7's to give away."""
COMMON = ("Resource", "DomainResource")
COMPARATORS = ["eq", "ne", "gt", "ge", "lt", "le", "sa", "eb", "ap"]
ABOUT_EXTENSIONS = ("-extensions-", "observation-genetic-", "DiagnosticReport-genetic-")
"""Parts of the ids of parameters that belong to extensions, and to no type."""
EXAMPLES = frozenset({"example", "example-extension", "filter"})


def kept(definition: Json) -> bool:
    """Whether a SearchParameter is one of a type."""
    own = definition["id"] not in EXAMPLES and not any(part in definition["id"] for part in ABOUT_EXTENSIONS)
    return own and "base" in definition


def member(expression: str, name: str) -> str:
    """The members of a union that start at the type `name`; names without a type are the type's own."""
    parts = [p.strip() for p in expression.split("|")]
    own = [p for p in parts if p.lstrip("(").partition(".")[0] == name]
    bare = [f"{name}.{p}" for p in parts if p[:1].islower()]
    return " | ".join(own + bare)


def sentence(description: str, name: str) -> str:
    """What a description says of the type `name`, where one definition serves several."""
    for line in description.splitlines():
        if line.startswith(f"* [{name}]"):
            return line.split(": ", 1)[1].strip()
    return description.strip()


class Bindings:
    """Which code systems the value set of a `code` element draws from."""

    def __init__(self, found: Iterable[Json]) -> None:
        found = list(found)
        self.elements = {
            e["path"]: e
            for d in found
            if d["resourceType"] == "StructureDefinition" and d.get("derivation") == "specialization"
            for e in d["snapshot"]["element"]
        }
        self.sets = {v["url"]: v for v in found if v["resourceType"] == "ValueSet" and "compose" in v}
        self.listed = {c["url"]: c for c in found if c["resourceType"] == "CodeSystem"}

    def element(self, expression: str) -> Json:
        """The definition of the element at a plain dotted path; empty for any other expression."""
        names = expression.split(".")
        path = names[0]
        for name in names[1:]:
            if path not in self.elements:
                return {}
            codes = [t["code"] for t in self.elements[path].get("type", [])]
            inside = "." not in path or not codes or codes[0] in ("BackboneElement", "Element")
            path = f"{path if inside else codes[0]}.{name}"
        found: Json = self.elements.get(path, {})
        return found

    def of(self, expression: str) -> list[str]:
        """The systems that the code at a plain dotted path implies; none for any other element."""
        element = self.element(expression)
        if [t["code"] for t in element.get("type", [])] != ["code"]:
            return []
        url = element.get("binding", {}).get("valueSet", "").split("|")[0]
        included = self.sets.get(url, {"compose": {"include": []}})["compose"]["include"]
        return [i["system"] for i in included if "system" in i]

    def targets(self, expression: str, stated: list[str]) -> list[str]:
        """The types that a reference leads to: of those that its definition states, those that its elements allow."""
        allowed: set[str] = set()
        for part in (p.strip() for p in expression.split("|")):
            resolved = re.search(r"resolve\(\) is (\w+)", part)
            profiles = [p for t in self.element(part).get("type", ()) for p in t.get("targetProfile", ())]
            names = {resolved[1]} if resolved else {p.rpartition("/")[2] for p in profiles}
            if not names or "Resource" in names:
                return stated
            allowed |= names
        return [t for t in stated if t in allowed] or stated

    def bound(self, expression: str) -> str | None:
        """The URL of the value set that the element at a plain dotted path is bound to."""
        url = self.element(expression).get("binding", {}).get("valueSet")
        return url.split("|")[0] if url else None

    def codes(self, url: str) -> dict[str, list[str]] | None:
        """The codes of a value set by their system; None where it cannot be listed, or is too long."""
        compose = self.sets.get(url, {}).get("compose", {"exclude": []})
        if "exclude" in compose:
            return None
        found: dict[str, list[str]] = {}
        for include in compose["include"]:
            whole = self.listed.get(include.get("system", ""), {})
            concepts = include.get("concept") or whole.get("concept")
            if not concepts or "filter" in include or "valueSet" in include or include["system"] in LICENSED:
                return None
            found.setdefault(include["system"], []).extend(_codes(concepts))
        return found if sum(map(len, found.values())) <= LONGEST else None


def _codes(concepts: list[Json]) -> list[str]:
    return [code for c in concepts for code in (c["code"], *_codes(c.get("concept", [])))]


def records(found: Iterable[Json]) -> list[Json]:
    """One record for each type and parameter, in the order of the types and then of the codes."""
    found = list(found)
    bindings = Bindings(found)
    parameters = [d for d in found if d["resourceType"] == "SearchParameter" and kept(d)]
    kinds = {d["url"]: d["type"] for d in parameters}
    out = [_record(d, base, bindings, kinds) for d in parameters for base in d["base"]]
    return sorted(out, key=lambda r: (r["base"] not in COMMON, r["base"], r["code"]))


def _record(definition: Json, base: str, bindings: Bindings, kinds: dict[str, str]) -> Json:
    if definition["type"] in ("date", "quantity") and definition.get("comparator", COMPARATORS) != COMPARATORS:
        raise SystemExit(f"{definition['id']}: a list of prefixes of its own")
    expression = member(definition.get("expression", ""), base)
    components = definition.get("component", ())
    record = {
        "base": base,
        "code": definition["code"],
        "kind": definition["type"],
        "expression": expression,
        "usage": definition["xpathUsage"] if definition.get("xpathUsage", "normal") != "normal" else None,
        "target": bindings.targets(expression, definition.get("target", [])),
        "component": [{"expression": c["expression"], "kind": kinds[c["definition"]]} for c in components],
        "systems": bindings.of(expression),
        "url": definition["url"],
        "description": sentence(definition["description"], base),
    }
    return {k: v for k, v in record.items() if v}


def value_sets(found: Iterable[Json]) -> list[Json]:
    """One record for each value set that an element of a token is bound to and that can be listed."""
    found = list(found)
    bindings = Bindings(found)
    paths = {p.strip() for r in records(found) if r["kind"] == "token" for p in r.get("expression", "").split("|")}
    urls = sorted({u for p in paths if (u := bindings.bound(p))})
    return [{"url": u, "codes": codes} for u in urls if (codes := bindings.codes(u))]

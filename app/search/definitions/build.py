"""Extracts the search parameters of our types from HL7's definitions (CC0). Run by hand, the result is committed.

https://hl7.org/fhir/R4/downloads.html (definitions.json.zip)

    python -m app.search.definitions.build FOLDER

FOLDER holds search-parameters.json, profiles-resources.json, profiles-types.json, valuesets.json and
v3-codesystems.json of FHIR 4.0.1. Each line of search-parameters.json is one parameter of one type; `systems` are the
code systems that a `code` element implies. Each line of value-sets.json is a value set that an element of a token is
bound to and that can be listed: its codes by system.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from app.resources import TYPES

OUT = Path(__file__).with_name("search-parameters.json")
SETS = Path(__file__).with_name("value-sets.json")
LONGEST = 1000
"""Codes of a value set that is listed."""
LICENSED = frozenset({"http://snomed.info/sct"})
"""Systems whose codes are not HL7's to give away."""
COMMON = ("Resource", "DomainResource")
COMPARATORS = ["eq", "ne", "gt", "ge", "lt", "le", "sa", "eb", "ap"]
ADDED_BY_OTHERS = {"ServiceRequest-order-detail"}
"""Ids that copies of the file carry and that are not in HL7's publication."""


def entries(path: Path) -> list[dict[str, Any]]:
    """The resources of a Bundle in a file."""
    bundle: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return [e["resource"] for e in bundle["entry"]]


def member(expression: str, name: str) -> str:
    """The members of a union that start at the type `name`."""
    parts = (p.strip() for p in expression.split("|"))
    return " | ".join(p for p in parts if p.lstrip("(").startswith(name + "."))


def sentence(description: str, name: str) -> str:
    """What a description says of the type `name`, where one definition serves several."""
    for line in description.splitlines():
        if line.startswith(f"* [{name}]"):
            return line.split(": ", 1)[1].strip()
    return description.strip()


class Bindings:
    """Which code systems the value set of a `code` element draws from."""

    def __init__(self, folder: Path) -> None:
        found = entries(folder / "profiles-resources.json") + entries(folder / "profiles-types.json")
        self.elements = {
            e["path"]: e
            for d in found
            if d["resourceType"] == "StructureDefinition" and d.get("derivation") == "specialization"
            for e in d["snapshot"]["element"]
        }
        listed = entries(folder / "valuesets.json") + entries(folder / "v3-codesystems.json")
        self.sets = {v["url"]: v for v in listed if v["resourceType"] == "ValueSet" and "compose" in v}
        self.listed = {c["url"]: c for c in listed if c["resourceType"] == "CodeSystem"}

    def element(self, expression: str) -> dict[str, Any]:
        """The definition of the element at a plain dotted path; empty for any other expression."""
        names = expression.split(".")
        path = names[0]
        for name in names[1:]:
            if path not in self.elements:
                return {}
            codes = [t["code"] for t in self.elements[path].get("type", [])]
            path = f"{path if '.' not in path or codes == ['BackboneElement'] else codes[0]}.{name}"
        found: dict[str, Any] = self.elements.get(path, {})
        return found

    def of(self, expression: str) -> list[str]:
        """The systems that the code at a plain dotted path implies; none for any other element."""
        element = self.element(expression)
        if [t["code"] for t in element.get("type", [])] != ["code"]:
            return []
        included = self.sets[element["binding"]["valueSet"].split("|")[0]]["compose"]["include"]
        return [i["system"] for i in included if "system" in i]

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


def _codes(concepts: list[dict[str, Any]]) -> list[str]:
    return [code for c in concepts for code in (c["code"], *_codes(c.get("concept", [])))]


def records(folder: Path) -> list[dict[str, Any]]:
    """One record for each type and parameter, in the order of the types and then of the codes."""
    bindings = Bindings(folder)
    out = []
    for d in entries(folder / "search-parameters.json"):
        if d["id"] in ADDED_BY_OTHERS:
            continue
        if d["type"] in ("date", "quantity") and d["comparator"] != COMPARATORS:
            raise SystemExit(f"{d['id']}: a list of prefixes of its own")
        for base in (b for b in d["base"] if b in TYPES or b in COMMON):
            expression = member(d.get("expression", ""), base)
            record = {
                "base": base,
                "code": d["code"],
                "kind": d["type"],
                "expression": expression,
                "usage": d["xpathUsage"] if d["xpathUsage"] != "normal" else None,
                "target": d.get("target"),
                "component": [c["expression"] for c in d.get("component", [])],
                "systems": bindings.of(expression),
                "url": d["url"],
                "description": sentence(d["description"], base),
            }
            out.append({k: v for k, v in record.items() if v})
    order = [*COMMON, *TYPES]
    return sorted(out, key=lambda r: (order.index(r["base"]), r["code"]))


def value_sets(folder: Path) -> list[dict[str, Any]]:
    """One record for each value set that an element of a token is bound to and that can be listed."""
    bindings = Bindings(folder)
    paths = {p.strip() for r in records(folder) if r["kind"] == "token" for p in r.get("expression", "").split("|")}
    urls = sorted({u for p in paths if (u := bindings.bound(p))})
    return [{"url": u, "codes": codes} for u in urls if (codes := bindings.codes(u))]


def main() -> None:
    """Write the records, one a line, so that a difference can be read."""
    folder = Path(sys.argv[1])
    for path, found in ((OUT, records(folder)), (SETS, value_sets(folder))):
        lines = ",\n".join(json.dumps(r, ensure_ascii=False) for r in found)
        path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""Extracts the search parameters of our types from HL7's definitions (CC0). Run by hand, the result is committed.

https://hl7.org/fhir/R4/downloads.html (definitions.json.zip)

    python -m app.search.definitions.build FOLDER

FOLDER holds search-parameters.json, profiles-resources.json, profiles-types.json and valuesets.json of FHIR 4.0.1.
Each line of the result is one parameter of one type; `systems` are the code systems that a `code` element implies.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from app.resources import TYPES

OUT = Path(__file__).with_name("search-parameters.json")
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
        sets = [v for v in entries(folder / "valuesets.json") if v["resourceType"] == "ValueSet"]
        self.systems = {
            v["url"]: [i["system"] for i in v["compose"]["include"] if "system" in i] for v in sets if "compose" in v
        }

    def of(self, expression: str) -> list[str]:
        """The systems that the code at a plain dotted path implies; none for any other element."""
        names = expression.split(".")
        path = names[0]
        for name in names[1:]:
            if path not in self.elements:
                return []
            codes = [t["code"] for t in self.elements[path].get("type", [])]
            path = f"{path if '.' not in path or codes == ['BackboneElement'] else codes[0]}.{name}"
        element = self.elements.get(path, {})
        if [t["code"] for t in element.get("type", [])] != ["code"]:
            return []
        return self.systems[element["binding"]["valueSet"].split("|")[0]]


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


def main() -> None:
    """Write the records, one a line, so that a difference can be read."""
    lines = ",\n".join(json.dumps(r, ensure_ascii=False) for r in records(Path(sys.argv[1])))
    OUT.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()

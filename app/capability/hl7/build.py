"""Extracts HL7's definitions that the server names or builds upon (CC0). Run by hand, the result is committed.

https://hl7.org/fhir/R4/downloads.html (definitions.json.zip)

    python -m app.capability.hl7.build FOLDER

FOLDER holds search-parameters.json, profiles-resources.json, profiles-types.json and compartmentdefinition-patient.json
of FHIR 4.0.1. Each line of a result is one definition, without its narrative, differential, mappings and rationale:
tagged SUBSETTED for that.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from app.capability.interactions import HL7, OPERATIONS
from app.capability.searching import HL7_PARAMETERS
from app.resources import TYPES
from app.search.definitions.build import entries
from app.search.parameters import PARAMETERS
from app.search.subset import TAG

OUT = Path(__file__).parent
DATATYPES = ("CodeableConcept", "Extension", "Identifier", "Period")
"""Those that profiles say something about the elements of."""
LEFT_OUT = frozenset({"text", "differential", "mapping", "contact"})
LEFT_OUT_OF_ELEMENTS = frozenset({"mapping", "requirements", "comment", "example", "alias"})


def part(definition: dict[str, Any]) -> dict[str, Any]:
    """A definition without what neither a validator nor a client reads."""
    kept = {k: v for k, v in definition.items() if k not in LEFT_OUT}
    kept["meta"] = {"tag": [TAG]}
    if "snapshot" in kept:
        kept["snapshot"] = {"element": [_element(e) for e in kept["snapshot"]["element"]]}
    return kept


def _element(element: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in element.items() if k not in LEFT_OUT_OF_ELEMENTS}


def _write(name: str, found: list[dict[str, Any]]) -> None:
    lines = ",\n".join(json.dumps(part(d), ensure_ascii=False) for d in sorted(found, key=lambda d: str(d["url"])))
    (OUT / name).write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def main() -> None:
    """Write one file for each kind of definition."""
    folder = Path(sys.argv[1])
    every = entries(folder / "profiles-resources.json") + entries(folder / "profiles-types.json")
    types = {f"http://hl7.org/fhir/StructureDefinition/{name}" for name in (*TYPES, "AuditEvent", *DATATYPES)}
    operations = {o.definition for o in OPERATIONS if o.definition.startswith(HL7)}
    parameters = {p.url for own in PARAMETERS.values() for p in own.values()} | HL7_PARAMETERS
    _write("structures.json", [d for d in every if d.get("url") in types])
    _write("operations.json", [d for d in every if d.get("url") in operations])
    _write("parameters.json", [d for d in entries(folder / "search-parameters.json") if d["url"] in parameters])
    _write("compartments.json", [json.loads((folder / "compartmentdefinition-patient.json").read_text())])


if __name__ == "__main__":
    main()

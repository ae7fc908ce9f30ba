"""HL7's definitions of what is used here (CC0), in files that `build` writes: read by type or by canonical URL.

https://hl7.org/fhir/R4/downloads.html
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

Json = dict[str, Any]
FILES = ("structures.json", "operations.json", "parameters.json", "compartments.json")


@cache
def definitions() -> dict[str, Json]:
    """Every definition by its canonical URL, in the order of the files. They are shared: copy before a change."""
    folder = files("app.capability.hl7")
    found = [r for name in FILES for r in json.loads(folder.joinpath(name).read_text(encoding="utf-8"))]
    return {r["url"]: r for r in found}


def structure(name: str) -> Json:
    """The StructureDefinition of a type, with its snapshot. Raises KeyError where none is kept."""
    return definitions()[f"http://hl7.org/fhir/StructureDefinition/{name}"]

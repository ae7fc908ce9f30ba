"""HL7's definitions of what is used here (CC0), from a file that `make definitions` writes: by canonical URL.

https://hl7.org/fhir/R4/downloads.html
"""

from __future__ import annotations

import json
import lzma
from functools import cache
from importlib.resources import files
from typing import Any

from app.capability.operation import operations
from app.capability.searching import HL7_PARAMETERS
from app.resources import TYPES
from app.search.own import OURS
from app.search.parameters import PARAMETERS

Json = dict[str, Any]
STRUCTURE = "http://hl7.org/fhir/StructureDefinition"
COMPARTMENT = "http://hl7.org/fhir/CompartmentDefinition/patient"
DATATYPES = ("CodeableConcept", "Extension", "Identifier", "Period")
"""Those that profiles say something about the elements of."""


@cache
def definitions() -> dict[str, Json]:
    """Every definition that is named here, by its canonical URL. They are shared: copy before a change.

    Raises TypeError for one that HL7's definitions lack.
    """
    named = _named()
    content = lzma.decompress(files("app.capability.hl7").joinpath("definitions.xz").read_bytes()).decode()
    rows = (line.partition("\t") for line in content.splitlines())
    found = {url: json.loads(text) for url, _, text in rows if url in named}
    if lacking := named - found.keys():
        raise TypeError(f"HL7's definitions lack {', '.join(sorted(lacking))}. Run `make definitions`.")
    return found


def _named() -> set[str]:
    types = {f"{STRUCTURE}/{name}" for name in (*TYPES, "AuditEvent", *DATATYPES)}
    defined = {o.definition for o in operations() if o.hl7}
    parameters = {p.url for own in PARAMETERS.values() for p in own.values() if not p.url.startswith(OURS)}
    return types | defined | parameters | HL7_PARAMETERS | {COMPARTMENT}


def structure(name: str) -> Json:
    """The StructureDefinition of a type, with its snapshot. Raises KeyError where none is kept."""
    return definitions()[f"{STRUCTURE}/{name}"]

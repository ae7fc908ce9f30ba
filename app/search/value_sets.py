"""The value sets that `:in` and `:not-in` know: HL7's that elements are bound to, and those of the exchange. Pure.

https://hl7.org/fhir/R4/search.html#token
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from app.terminology import value_sets as own
from app.terminology.definition import FHIR_VERSION, VERSION

Codes = Mapping[str, frozenset[str]]
"""The codes of a value set by their system; none stand for all of the system."""


def codes_of(reference: str) -> Codes | None:
    """The codes of the value set at a URL, with its version or without, or at `ValueSet/[id]` here; None if unknown."""
    url, _, version = reference.partition("|")
    if url.startswith("ValueSet/"):
        url = own.value_set(url.removeprefix("ValueSet/"))
    found = known().get(url)
    return found[1] if found is not None and version in ("", found[0]) else None


@cache
def known() -> Mapping[str, tuple[str, Codes]]:
    """Version and codes of every value set by its URL."""
    text = files("app.search.definitions").joinpath("value-sets.json").read_text(encoding="utf-8")
    found: dict[str, tuple[str, Codes]] = {
        r["url"]: (FHIR_VERSION, {s: frozenset(codes) for s, codes in r["codes"].items()}) for r in json.loads(text)
    }
    return found | {v["url"]: (VERSION, own.members(v["url"])) for v in own.value_sets()}

"""The search parameters of each type, compiled from HL7's definitions.

https://hl7.org/fhir/R4/searchparameter-registry.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from importlib.resources import files
from typing import Any

from app.resources import REGISTRY
from app.search.expressions import Path, compile_below, compile_expression
from app.search.own import RECORDS


class ParamKind(Enum):
    """The type of a search parameter. https://hl7.org/fhir/R4/valueset-search-param-type.html"""

    TOKEN = "token"  # noqa: S105 - a FHIR code
    STRING = "string"
    REFERENCE = "reference"
    DATE = "date"
    QUANTITY = "quantity"
    NUMBER = "number"
    URI = "uri"
    COMPOSITE = "composite"


CODED = frozenset({"code", "Coding", "CodeableConcept"})
"""The token types that a value set can hold, for `:in` and `:not-in`."""

TEXTUAL = frozenset({"Coding", "CodeableConcept", "Identifier"})
"""The token types that carry a text for `:text`."""

COLUMNS = frozenset({"_id", "_lastUpdated"})
"""The parameters that are columns of the resource and have no rows in the index."""


@dataclass(frozen=True, slots=True)
class Component:
    """One part of a composite."""

    kind: ParamKind
    paths: tuple[tuple[Path, ...], ...]
    """Where it is found below each of the composite's own paths."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One search parameter of one type."""

    code: str
    kind: ParamKind
    paths: tuple[Path, ...]
    targets: frozenset[str]
    """The types that a reference may point at, whether served here or not."""
    systems: frozenset[str]
    """The code systems that a `code` element implies."""
    components: tuple[Component, ...]
    """The parts of a composite."""
    url: str
    description: str

    @property
    def types(self) -> frozenset[str]:
        """The FHIR types of the elements that it looks at."""
        return frozenset(t for p in self.paths for t in p.types)

    @property
    def paired(self) -> ParamKind | None:
        """Of a composite of a token and something else: the kind of the other; None for two tokens."""
        kind = self.components[1].kind if self.components else None
        return None if kind is ParamKind.TOKEN else kind

    @property
    def modifiers(self) -> frozenset[str]:
        """The modifiers that it takes; a reference takes the name of a target type as well."""
        if self.code in COLUMNS:
            return frozenset()
        missing = {"missing"} if self.paired is None else set()  # its rows stand under each code, not under its name
        return frozenset(missing) | _MODIFIERS[self.kind] | self._by_type()

    def _by_type(self) -> frozenset[str]:
        if self.kind is not ParamKind.TOKEN:
            return frozenset()
        text = {"text"} if self.types & TEXTUAL else set()
        coded = {"in", "not-in"} if self.types & CODED else set()
        return frozenset(text | coded | ({"of-type"} if "Identifier" in self.types else set()))


_MODIFIERS = {
    ParamKind.TOKEN: frozenset({"not"}),
    ParamKind.STRING: frozenset({"exact", "contains"}),
    ParamKind.REFERENCE: frozenset({"identifier"}),
    ParamKind.DATE: frozenset[str](),
    ParamKind.QUANTITY: frozenset[str](),
    ParamKind.NUMBER: frozenset[str](),
    ParamKind.URI: frozenset({"below", "above"}),
    ParamKind.COMPOSITE: frozenset[str](),
}

UNSERVED = {
    "_content": "no text index over whole resources is kept",
    "_text": "no text index over narratives is kept",
    "_query": "no named queries are defined",
    "_filter": "criteria are joined by repetition and by comma alone",
    "_list": "no List is kept; the members of a Group are found by `_has:Group:member:_id`",
    "_contained": "a contained resource is a part of its container, and not found by itself",
    "_containedType": "a contained resource is a part of its container, and not found by itself",
    "phonetic": "names are not indexed by sound",
}
"""The standard parameters that are refused like any unknown one, and why."""


UNSEARCHED = frozenset({"Binary"})
"""Types of which HL7 defines no search parameter but those of every type."""


def _load() -> dict[str, dict[str, Parameter]]:
    text = files("app.search.definitions").joinpath("search-parameters.json").read_text(encoding="utf-8")
    records = [*(r for r in json.loads(text) if r["code"] not in UNSERVED), *RECORDS]
    return {t.name: _of_type(t.name, t.model, records) for t in REGISTRY}


def _of_type(name: str, model: type[Any], records: list[dict[str, Any]]) -> dict[str, Parameter]:
    """The parameters of a type. Raises TypeError where HL7 defines none, or one is of a form that is not served."""
    found = [r for r in records if r["base"] in ("Resource", name)]
    if not any(r["base"] == name for r in found) and name not in UNSEARCHED:
        raise TypeError(f"{name}: HL7's definitions hold no search parameter of this type. Run `make definitions`.")
    return {r["code"]: parameter(r, model) for r in found if _is_served(r)}


def _is_served(record: dict[str, Any]) -> bool:
    kinds = [c["kind"] for c in record.get("component", ())]
    return record["kind"] != "special" and (not kinds or (len(kinds) == 2 and kinds[0] == "token"))


def parameter(record: dict[str, Any], model: type[Any]) -> Parameter:
    """The parameter of a record over the class of its type. Raises TypeError, with the parameter's name."""
    try:
        paths = compile_expression(record["expression"], model)
        components = tuple(_component(c, paths, model) for c in record.get("component", ()))
    except TypeError as e:
        raise TypeError(f"{record['base']}, search parameter {record['code']}: {e}") from None
    return Parameter(
        code=record["code"],
        kind=ParamKind(record["kind"]),
        paths=paths,
        targets=frozenset(record.get("target", [])),
        systems=frozenset(record.get("systems", [])),
        components=components,
        url=record["url"],
        description=record["description"],
    )


def _component(record: dict[str, Any], paths: tuple[Path, ...], model: type[Any]) -> Component:
    below = (compile_below(record["expression"], p, model) for p in paths)
    return Component(ParamKind(record["kind"]), tuple(below))


PARAMETERS: dict[str, dict[str, Parameter]] = _load()
"""Type name -> parameter code -> Parameter."""

COMMON: frozenset[str] = frozenset.intersection(*(frozenset(p) for p in PARAMETERS.values()))
"""The codes that every type has: `_id`, `_lastUpdated`, `_tag` and the like."""

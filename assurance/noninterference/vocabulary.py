"""Values to search by: what the search index itself reads off the records of both worlds, hidden ones included.

So a new parameter is asked with values that match something, and most of all with those that match hidden things.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from app.search.own import NEAR
from app.search.parameters import PARAMETERS, Parameter, ParamKind
from app.search.rows import Date, Quantity, Reference, String, Token, Uri
from app.search.terms import terms
from app.search.value_sets import known
from assurance.noninterference.draw import DAYS, FAMILIES, Body
from assurance.noninterference.wire import BASE

PREFIXES = ("", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
_STOCK: dict[ParamKind, tuple[str, ...]] = {
    ParamKind.TOKEN: ("active", "urn:test:kind|", "|none", "true"),
    ParamKind.STRING: (FAMILIES[0], "x"),
    ParamKind.REFERENCE: ("http://example.org/fhir/Patient/1",),
    ParamKind.DATE: DAYS,
    ParamKind.QUANTITY: ("45", "30|http://unitsofmeasure.org|min"),
    ParamKind.URI: ("http://example.org/profiles", "urn:x"),
    ParamKind.COMPOSITE: ("grade$5",),
}


def escaped(text: str) -> str:
    """A value with what separates values escaped."""
    for special in "\\,|$":
        text = text.replace(special, f"\\{special}")
    return text


class Vocabulary:
    """Values by type, parameter and form: `` for the plain one, or a modifier's."""

    def __init__(self, bodies: Iterable[Body]) -> None:
        self._values: dict[tuple[str, str, str], dict[str, None]] = defaultdict(dict)
        self.leads: set[tuple[str, str, str]] = set()
        """Type, parameter and target type of every reference that some record makes."""
        sets = {url: codes for url, (_, codes) in known().items()}
        for body in bodies:
            name = body["resourceType"]
            found = terms(name, body, ZoneInfo("America/New_York"), f"{BASE}/fhir")
            composite = {p.code for p in PARAMETERS[name].values() if p.kind is ParamKind.COMPOSITE}
            for row in [x for rows in (getattr(found, f) for f in found.__dataclass_fields__) for x in rows]:
                for form, value in _forms(row, composite):
                    code, _, modifier = row.param.partition(":")
                    value = _around(body) if code == NEAR else value
                    self._values[name, code, modifier or form][value] = None
                if isinstance(row, Reference) and row.target is not None:
                    self.leads.add((name, row.param, row.target_type))
                if isinstance(row, Token):
                    holding = [url for url, codes in sets.items() if row.code in (codes.get(row.system) or ())]
                    self._values[name, row.param, "in"] |= dict.fromkeys(holding[:3])

    def value(self, rng: Random, type_name: str, parameter: Parameter, modifier: str | None) -> str:
        """A value for the parameter under the modifier."""
        if modifier == "missing":
            return rng.choice(["true", "false"])
        if modifier in ("in", "not-in"):
            holding = list(self._values.get((type_name, parameter.code, "in"), ()))
            return rng.choice(holding if holding and rng.random() < 0.8 else sorted(known()))
        form = modifier if modifier in ("text", "of-type", "identifier") else ""
        found = list(self._values.get((type_name, parameter.code, form), ()))
        text = rng.choice(found) if found and rng.random() < 0.9 else self._stock(rng, parameter)
        if form == "of-type" and not found:
            text = "urn:test:kind|MR|S-1"
        if parameter.kind in (ParamKind.DATE, ParamKind.QUANTITY):
            return rng.choice(PREFIXES) + text
        if parameter.kind is ParamKind.STRING and modifier is None and rng.random() < 0.5:
            return text[: max(1, len(text) // 2)]
        return text

    def _stock(self, rng: Random, parameter: Parameter) -> str:
        if parameter.kind is ParamKind.REFERENCE and rng.random() < 0.5:
            return f"{rng.choice(sorted(parameter.targets))}/none"
        return "42.33|-83.05|10|km" if parameter.code == NEAR else rng.choice(_STOCK[parameter.kind])

    def has(self, type_name: str, code: str) -> bool:
        """Whether some record has a value for the parameter."""
        return (type_name, code, "") in self._values


def _around(location: Body) -> str:
    """A place is found by a position near it; its rows are the cells of a grid, which nobody asks for."""
    at = location["position"]
    return f"{at['latitude']}|{at['longitude']}|100|km"


def _forms(row: Any, composite: set[str]) -> list[tuple[str, str]]:
    match row:
        case Token(param, system, code) if param in composite:
            return [("", f"{_part(system)}${_part(code)}")]
        case Token(param, system, code) if param.endswith(":of-type"):
            kind, _, value = code.partition("|")
            return [("of-type", "|".join(map(escaped, (system, kind, value))))]
        case Token(_, system, code):
            plain = [("", escaped(code))] if code else []
            return [
                *plain,
                *([("", f"{escaped(system)}|{escaped(code)}"), ("", f"{escaped(system)}|")] if system else []),
            ]
        case String(param, _, exact):
            return [("text" if param.endswith(":text") else "", escaped(exact))]
        case Reference(_, type_, id_, url, system, code):
            found = [("", f"{type_}/{id_}"), ("", str(id_)), ("", f"{BASE}/fhir/{type_}/{id_}")] if id_ else []
            return [
                *found,
                *([("", escaped(url))] if url else []),
                *([("identifier", f"{system}|{code}")] if code else []),
            ]
        case Date(_, lower, _):
            return [("", lower.date().isoformat()), ("", lower.isoformat()[:7])]
        case Quantity(_, low, _, system, code, _):
            return [("", str(low)), ("", f"{low}|{system}|{code}")] if low.is_finite() else []
        case Uri(_, value):
            return [("", escaped(value)), ("", escaped(value.rsplit("/", 1)[0]))]
    raise AssertionError(f"a row of the search index without a value: {type(row).__name__}")


def _part(form: str) -> str:
    """One side of a composite: a code, or system|code."""
    system, bar, code = form.rpartition("|")
    return f"{escaped(system)}{bar}{escaped(code)}"

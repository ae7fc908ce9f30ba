"""The index rows of one resource version, by its type's search parameters. Pure.

https://hl7.org/fhir/R4/search.html#ptypes
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

from app.consent.contact import usable
from app.fhir import dates
from app.resources.merges import REPLACED_BY, REPLACES, linked
from app.resources.refs import local_targets
from app.search.expressions import Found
from app.search.hours import slots
from app.search.near import cells
from app.search.normal import DAYS, OF_NAMES, contact, fold, key, rows, words
from app.search.parameters import COLUMNS, PARAMETERS, Parameter, ParamKind
from app.search.references import target
from app.search.rows import Date, Quantity, Reference, Row, String, Terms, Token, Uri

NAME_PARTS = ("text", "family", "given", "prefix", "suffix")
ADDRESS_PARTS = ("text", "line", "city", "district", "state", "postalCode", "country")
REFERS = "_refers"
"""Under this name stand references that no search parameter covers, so that every referrer can be found."""
MERGED = "link:merged"
"""Under this name stand the links of a Patient to those that are the same student by a merge."""
DATED = frozenset({"date", "dateTime", "instant", "Period", "Timing"})
"""The types that a date parameter searches. https://hl7.org/fhir/R4/search.html#date"""
NUMBERS = frozenset({"decimal", "integer", "positiveInt", "unsignedInt"})
QUANTITIES = frozenset({"Age", "Count", "Distance", "Duration", "Quantity"})
CURRENCIES = "urn:iso:std:iso:4217"
WITHOUT_END = Decimal("Infinity")


def terms(type_name: str, resource: dict[str, Any], zone: ZoneInfo, base_url: str) -> Terms:
    """The rows of a valid resource of one of our types.

    `zone` is that of dates without one; `base_url` is the address before `/Patient/...` of our absolute URLs.
    """
    resource = usable(resource)  # by what is withheld from others, a search would tell it
    context = _Context(resource, zone, base_url)
    found: dict[Row, None] = {}
    for parameter, n, heads in _paths(type_name):
        if heads is None or not resource.keys().isdisjoint(heads):
            found.update(dict.fromkeys(context.rows(parameter, n)))
    found.update(dict.fromkeys(_unsearched(resource, found)))
    if type_name == "Patient":
        merged = linked(resource, REPLACES, REPLACED_BY)
        found.update((Reference(MERGED, type_name, own, "", "", ""), None) for own in merged)
    return Terms(
        tokens=tuple(r for r in found if isinstance(r, Token)),
        strings=tuple(r for r in found if isinstance(r, String)),
        references=tuple(r for r in found if isinstance(r, Reference)),
        dates=tuple(r for r in found if isinstance(r, Date)),
        quantities=tuple(r for r in found if isinstance(r, Quantity)),
        uris=tuple(r for r in found if isinstance(r, Uri)),
    )


@cache
def _paths(type_name: str) -> list[tuple[Parameter, int, frozenset[str] | None]]:
    """The paths of what a type is found by: a parameter, which of its paths, and what a resource must have for it."""
    indexed = (p for p in PARAMETERS[type_name].values() if p.code not in COLUMNS)
    return [(p, n, path.heads) for p in indexed for n, path in enumerate(p.paths)]


@dataclass(frozen=True, slots=True)
class _Context:
    resource: dict[str, Any]
    zone: ZoneInfo
    base_url: str

    def rows(self, parameter: Parameter, n: int) -> Iterator[Row]:
        for found in parameter.paths[n].values(self.resource):
            if parameter.kind is ParamKind.COMPOSITE:
                yield from self._pairs(parameter, n, found.value)
            else:
                yield from self._rows_of(parameter.code, parameter.kind, found)

    def _rows_of(self, code: str, kind: ParamKind, found: Found) -> Iterator[Row]:
        """The rows of a value; none for a value of a type that the parameter does not search (a choice's text)."""
        match kind:
            case ParamKind.TOKEN:
                return _tokens(code, found)
            case ParamKind.STRING:
                return _strings(code, found)
            case ParamKind.REFERENCE:
                return self._references(code, found)
            case ParamKind.DATE:
                return self._dates(code, found)
            case ParamKind.QUANTITY | ParamKind.NUMBER:
                return _quantities(code, found)
            case ParamKind.URI:
                return (Uri(code, key(u)) for u in _versions(found))
            case ParamKind.COMPOSITE:
                return iter(())

    def _pairs(self, parameter: Parameter, n: int, element: Any) -> Iterator[Row]:
        """The rows of one repetition of a composite: each code in the forms in which it can be asked for.

        Two codes are a token. A code and something else is that, under the parameter's name with the code behind it.
        """
        first, second = (
            [v for p in c.paths[n] for v in p.values(self.resource, element)] for c in parameter.components
        )
        forms = sorted({f for v in first for f in _forms(v)})
        if parameter.paired is None:
            others = sorted({f for v in second for f in _forms(v)})
            yield from (Token(parameter.code, key(a), key(b)) for a, b in product(forms, others))
            return
        for form, value in product(forms, second):
            yield from self._rows_of(under(parameter.code, form), parameter.paired, value)

    def _references(self, code: str, found: Found) -> Iterator[Row]:
        if found.type == "canonical":
            for url in _versions(found):
                yield Reference(code, "", None, key(url), "", "")
        elif found.type == "Reference":
            to = target(found.value.get("reference", ""), self.base_url)
            logical = found.value.get("identifier", {})
            type_ = to.type or found.value.get("type", "")
            yield Reference(
                code, type_, to.id, key(to.url), key(logical.get("system", "")), key(logical.get("value", ""))
            )

    def _dates(self, code: str, found: Found) -> Iterator[Row]:
        if found.type not in DATED:
            return
        interval = dates.of(found.value, DAYS if found.type == "date" else self.zone)
        yield Date(code, interval.lower, interval.upper)


def _unsearched(resource: dict[str, Any], found: Iterable[Row]) -> Iterator[Reference]:
    """Rows for the references to resources of ours that none of the rows found holds."""
    searched = {row.target for row in found if isinstance(row, Reference)}
    for type_, own in local_targets(resource):
        if own not in searched:
            yield Reference(REFERS, type_, own, "", "", "")


def under(code: str, form: str) -> str:
    """The name under which the rows of a composite stand that have a code in a form in which it can be asked for."""
    return f"{code}${key(form)}"


def _tokens(param: str, found: Found) -> Iterator[Row]:
    value = found.value
    yield from (Token(param, key(s), key(c)) for s, c in _codes(found))
    match found.type:
        case "CodeableConcept":
            texts = [value.get("text"), *(c.get("display") for c in value.get("coding", []))]
        case "Coding":
            texts = [value.get("display")]
        case "Identifier":
            kind = value.get("type", {})
            texts = [kind.get("text")]
            for coding in kind.get("coding", []):
                coded = f"{coding.get('code', '')}|{value.get('value', '')}"
                yield Token(f"{param}:of-type", key(coding.get("system", "")), key(coded))
        case _:
            texts = []
    yield from (row for t in texts if t for row in _string(f"{param}:text", t, fold(t)))


def _codes(found: Found) -> list[tuple[str, str]]:
    """System and code of a token; one pair of empty texts for an element that has neither."""
    value = found.value
    match found.type:
        case "CodeableConcept":
            return [_coding(c) for c in value.get("coding", [])] or [("", "")]
        case "Coding":
            return [_coding(value)]
        case "Identifier":
            return [(value.get("system", ""), value.get("value", ""))]
        case "ContactPoint":
            return [("", contact(value.get("value", "")))]
        case "boolean":
            return [("", "true" if value else "false")]
        case "HealthcareServiceAvailableTime":
            return [("", slot) for slot in slots(value)]
        case "LocationPosition":
            return [("", cell) for cell in cells(value)]
        case "code" | "id" | "string" | "markdown" | "uri" | "url" | "canonical" | "oid" | "uuid":
            return [("", str(value))]
        case _:
            return []


def _coding(coding: dict[str, Any]) -> tuple[str, str]:
    return coding.get("system", ""), coding.get("code", "")


def _strings(param: str, found: Found) -> Iterator[Row]:
    parts = {"HumanName": NAME_PARTS, "Address": ADDRESS_PARTS}.get(found.type)
    texts = _list(found.value) if parts is None else [t for p in parts for t in _list(found.value.get(p))]
    for text in texts:
        if isinstance(text, str):
            folded = fold(text)
            yield from _string(param, text, folded)
            if param in OF_NAMES:
                yield from (String(f"{param}:word", w, "") for w in words(folded))


def _string(param: str, text: str, folded: str) -> Iterator[String]:
    """The row of a text; of a long one, `:rest` rows with what lies behind."""
    head, *others = rows(folded)
    yield String(param, head, text)
    yield from (String(f"{param}:rest", o, "") for o in others)


def _quantities(param: str, found: Found) -> Iterator[Row]:
    value = found.value
    if found.type in NUMBERS:
        number = Decimal(str(value))
        yield Quantity(param, number, number, "", "", "")
    elif found.type == "Range":
        yield from _range(param, value.get("low", {}), value.get("high", {}))
    elif found.type == "Money" and "value" in value:
        amount, currency = Decimal(str(value["value"])), value.get("currency", "")
        yield Quantity(param, amount, amount, CURRENCIES, currency, currency)
    elif found.type in QUANTITIES and "value" in value:
        number, comparator = Decimal(str(value["value"])), value.get("comparator", "")
        low = -WITHOUT_END if "<" in comparator else number
        high = WITHOUT_END if ">" in comparator else number
        yield Quantity(param, low, high, *_unit(value))


def _range(param: str, low: dict[str, Any], high: dict[str, Any]) -> Iterator[Row]:
    """A Range: what is not said of it is open."""
    if "value" in low or "value" in high:
        least = Decimal(str(low["value"])) if "value" in low else -WITHOUT_END
        most = Decimal(str(high["value"])) if "value" in high else WITHOUT_END
        yield Quantity(param, least, most, *_unit(low or high))


def _unit(quantity: dict[str, Any]) -> tuple[str, str, str]:
    system, code, unit = (key(quantity.get(n, "")) for n in ("system", "code", "unit"))
    return system, code, unit


def _versions(found: Found) -> list[str]:
    """A URI; a canonical with a version is found without it as well."""
    if not isinstance(found.value, str):
        return []
    url, bar, _ = found.value.partition("|")
    return [found.value, url] if bar and found.type == "canonical" else [found.value]


def _forms(found: Found) -> Iterator[str]:
    for system, code in _codes(found):
        yield from (code, f"{system}|{code}", f"{system}|")


def _list(value: Any) -> list[Any]:
    return [v for v in value if v is not None] if isinstance(value, list) else [value] if value is not None else []

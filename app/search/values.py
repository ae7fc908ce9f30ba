"""The value of a criterion, from text to meaning, by the parameter's type and modifier. Pure.

https://hl7.org/fhir/R4/search.html#ptypes
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast
from zoneinfo import ZoneInfo

from app.fhir import dates
from app.resources import TYPES
from app.search import near
from app.search.hours import asked
from app.search.normal import DAYS, LONGEST_ASKED, contact, fold
from app.search.own import NEAR, OPEN_AT
from app.search.parameters import Parameter, ParamKind
from app.search.query import (
    CompositeValue,
    DateValue,
    MissingValue,
    OfTypeValue,
    QuantityValue,
    ReferenceValue,
    SetValue,
    TextValue,
    TokenValue,
    Value,
)
from app.search.references import target
from app.search.text import split, unescape
from app.search.value_sets import codes_of

BOOLEAN_SYSTEMS = frozenset(
    {"http://terminology.hl7.org/CodeSystem/special-values", "http://hl7.org/fhir/special-values"}
)
MAX_SEGMENTS = 100
"""Segments of a URI that `:above` compares, each by itself."""
_PREFIXED = re.compile(r"(eq|ne|gt|ge|lt|le|sa|eb|ap)?(.*)", re.DOTALL)
_NUMBER = re.compile(r"[+-]?(?:\d{1,18}(?:\.\d{0,12})?|\.\d{1,12})(?:[eE][+-]?\d{1,2})?")
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")


class NotUnderstood(ValueError):
    """A value that cannot be understood; the message says what is expected and holds nothing of the value."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What values are read with: the zone of dates without one, and the address of our absolute URLs."""

    zone: ZoneInfo
    base_url: str

    def value(self, parameter: Parameter, modifier: str | None, text: str) -> Value:
        """One of the values between commas. Raises NotUnderstood, or BadEscape."""
        if not text:
            raise NotUnderstood("has an empty value")
        if modifier == "missing":
            return MissingValue(_truth(text))
        match parameter.kind:
            case ParamKind.TOKEN:
                return self._token(parameter, modifier, text)
            case ParamKind.STRING:
                return _text(modifier, text)
            case ParamKind.URI:
                return _uri(modifier, unescape(text))
            case ParamKind.REFERENCE:
                return _token_of(text) if modifier == "identifier" else self._reference(parameter, modifier, text)
            case ParamKind.DATE:
                return self._date(parameter, unescape(text))
            case ParamKind.QUANTITY | ParamKind.NUMBER:
                return _quantity(text, unit=parameter.kind is ParamKind.QUANTITY)
            case ParamKind.COMPOSITE:
                return self._composite(parameter, text)

    def _composite(self, parameter: Parameter, text: str) -> CompositeValue:
        parts = split(text, "$")
        if len(parts) != len(parameter.components) or not all(parts):
            raise NotUnderstood("takes as many values between $ as it has components")
        kind = parameter.paired
        if kind is None:
            return CompositeValue(_token_of(parts[0]), _token_of(parts[1]), ParamKind.TOKEN)
        paths = tuple(p for own in parameter.components[1].paths for p in own)
        second = replace(parameter, kind=kind, paths=paths, components=(), targets=frozenset(TYPES))
        return CompositeValue(_token_of(parts[0]), cast(Any, self.value(second, None, parts[1])), kind)

    def _token(self, parameter: Parameter, modifier: str | None, text: str) -> Value:
        if parameter.code == OPEN_AT:
            text = self._open_at(text)
        if parameter.code == NEAR:
            return self._near(unescape(text))
        in_set = modifier in ("in", "not-in")
        return self._set(parameter, unescape(text)) if in_set else _token(parameter, modifier, text)

    def _open_at(self, text: str) -> str:
        try:
            return asked(text, self.zone, datetime.now(UTC))
        except ValueError:
            raise NotUnderstood("takes now, a date and time such as 2026-09-30T08:00:00Z, or mon-0930") from None

    def _near(self, text: str) -> SetValue:
        try:
            return SetValue(((None, near.asked(text)),))
        except ValueError as e:
            raise NotUnderstood(str(e)) from None

    def _set(self, parameter: Parameter, text: str) -> SetValue:
        """The codes of a value set that is known here, by its URL, or by its id where it is one of ours."""
        found = codes_of(text.removeprefix(f"{self.base_url}/"))
        if found is None:
            raise NotUnderstood("takes the URL of a value set that is known here")
        members = ((None if s in parameter.systems else s, tuple(sorted(codes))) for s, codes in found.items())
        return SetValue(tuple(members))

    def _date(self, parameter: Parameter, text: str) -> DateValue:
        found = _PREFIXED.fullmatch(text)
        prefix, date = (found[1] or "eq", found[2]) if found else ("eq", text)
        try:
            interval = dates.interval(date, DAYS if parameter.types == {"date"} else self.zone)
        except ValueError:
            raise NotUnderstood("takes a date such as 2024, 2024-09, 2024-09-30 or 2024-09-30T08:00:00Z") from None
        return DateValue(prefix, interval.lower, interval.upper)

    def _reference(self, parameter: Parameter, modifier: str | None, text: str) -> ReferenceValue:
        text = unescape(text)
        if _ID.fullmatch(text):
            return ReferenceValue(modifier, text, None)
        to = target(text, self.base_url)
        if "/_history/" in text:
            raise NotUnderstood("takes references without a version")
        if modifier is not None and to.type != modifier:
            raise NotUnderstood("takes references to the type that its modifier names")
        if ":" in text and to.id is None:
            return ReferenceValue(None, None, text)
        if to.type not in parameter.targets:
            raise NotUnderstood("takes an id, Type/id of a type that it can refer to, or a URL")
        return ReferenceValue(to.type, text.rsplit("/", 1)[1], None)


def _text(modifier: str | None, text: str) -> TextValue:
    text = unescape(text)
    folded = fold(text)
    if not folded:
        raise NotUnderstood("takes a text with a character to search for")
    if len(folded) > LONGEST_ASKED and modifier != "exact":
        raise NotUnderstood(f"takes a text of at most {LONGEST_ASKED} characters, or a longer one by :exact")
    return TextValue(text)


def _uri(modifier: str | None, text: str) -> TextValue:
    if modifier == "above" and text.count("/") > MAX_SEGMENTS:
        raise NotUnderstood(f"takes a URI of at most {MAX_SEGMENTS} segments")
    return TextValue(text)


def _truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise NotUnderstood("takes true or false")
    return text == "true"


def _token(parameter: Parameter, modifier: str | None, text: str) -> Value:
    if modifier == "text":
        return _text(modifier, text)
    if modifier == "of-type":
        parts = [unescape(p) for p in split(text, "|")]
        if len(parts) != 3 or not all(parts):
            raise NotUnderstood("takes system|code|value with of-type")
        return OfTypeValue(*parts)
    if parameter.code == "_id":
        if not _ID.fullmatch(text):
            raise NotUnderstood("takes ids")
        return TokenValue(None, text)
    return _implied(parameter, _token_of(text))


def _token_of(text: str) -> TokenValue:
    """`code`, `system|code`, `|code` or `system|`."""
    parts = [unescape(p) for p in split(text, "|")]
    if len(parts) > 2 or not any(parts):
        raise NotUnderstood("takes code, system|code, |code or system|")
    if len(parts) == 1:
        return TokenValue(None, parts[0])
    return TokenValue(parts[0], parts[1] or None)


def _implied(parameter: Parameter, value: TokenValue) -> TokenValue:
    """The value without a system that its element implies; contacts in the form in which they are kept."""
    system, code = value.system, value.code
    if parameter.types == {"boolean"}:
        if code not in ("true", "false"):
            raise NotUnderstood("takes true or false")
        system = None if system in BOOLEAN_SYSTEMS else system
    if system in parameter.systems:
        system = None
    if parameter.types == {"ContactPoint"} and code is not None:
        code = contact(code)
    return TokenValue(system, code)


def _quantity(text: str, *, unit: bool) -> QuantityValue:
    """`[prefix]number`; of what has units also `number|system|code` or `number||code`."""
    if not unit and "|" in text:
        raise NotUnderstood("takes a number")
    number, *stated = split(text, "|")
    found = _PREFIXED.fullmatch(number)
    if found is None or not _NUMBER.fullmatch(found[2]) or len(stated) not in (0, 2):
        raise NotUnderstood("takes a number, number|system|code or number||code")
    system, code = (unescape(u) or None for u in stated) if stated else (None, None)
    return QuantityValue(found[1] or "eq", Decimal(found[2]), system, code)

"""What a value of each FHIR primitive type must look like in JSON. Pure.

https://hl7.org/fhir/R4/datatypes.html#primitive
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from app.fhir.validation.narrative import fault as _xhtml

Check = Callable[[Any], str | None]
"""Returns what is wrong with a value, without the value, or None."""

MAX_STRING = 1024 * 1024
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_PLAIN_SPACE = frozenset(" \t\r\n")
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/=\s]|=\s*[^=\s]")

_YEAR = r"(?!0000)[0-9]{4}"
_DATE = rf"{_YEAR}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?"
_DAY = rf"{_YEAR}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?"
_INSTANT = rf"{_DAY}T{_CLOCK}(Z|[+-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00))"


def _boolean(value: Any) -> str | None:
    return None if type(value) is bool else "must be true or false"


def _string(value: Any) -> str | None:
    if type(value) is not str:
        return "must be a string"
    if not value:
        return "must not be empty"
    if len(value) > MAX_STRING:
        return f"must not be longer than {MAX_STRING} characters"
    if not value.isprintable() and _CONTROL.search(value):
        return "must not hold control characters"
    if value.isspace() and not _PLAIN_SPACE.intersection(value):
        return "must hold a character that is no exotic white space"
    return None


def _like(pattern: str, text: str) -> Check:
    """The check of a type whose values match `pattern` as a whole."""
    matches = re.compile(pattern).fullmatch

    def check(value: Any) -> str | None:
        if type(value) is not str:
            return "must be a string"
        return None if matches(value) else text

    return check


def _of_calendar(pattern: str, text: str) -> Check:
    """The same for a type that starts with a date, which must be a day of the calendar."""
    matches = re.compile(pattern).fullmatch

    def check(value: Any) -> str | None:
        if type(value) is not str:
            return "must be a string"
        if not matches(value):
            return text
        if value[8:10] > "28":
            try:
                date(int(value[:4]), int(value[5:7]), int(value[8:10]))
            except ValueError:
                return "must be a day of the calendar"
        return None

    return check


def _within(lowest: int, highest: int) -> Check:
    """The check of an integer type."""

    def check(value: Any) -> str | None:
        if type(value) is not int:
            return "must be an integer"
        return None if lowest <= value <= highest else f"must be from {lowest} to {highest}"

    return check


def _decimal(value: Any) -> str | None:
    return None if type(value) in (Decimal, int, float) else "must be a number"


def _base64(value: Any) -> str | None:
    if type(value) is not str:
        return "must be a string"
    packed = "".join(value.split())
    if not packed or _NOT_BASE64.search(value) or len(packed) % 4 or packed.endswith("==="):
        return "must be base64"
    return None


_uri = _like(r"\S+", "must be a URI, without white space")

CHECKS: dict[str, Check] = {
    "base64Binary": _base64,
    "boolean": _boolean,
    "canonical": _uri,
    "code": _like(r"\S+( \S+)*", "must be a code: no white space but single spaces inside"),
    "date": _of_calendar(_DATE, "must be a date: YYYY, YYYY-MM or YYYY-MM-DD"),
    "dateTime": _of_calendar(rf"{_DATE}|{_INSTANT}", "must be a date, or a date and time with seconds and a time zone"),
    "decimal": _decimal,
    "id": _like(r"[A-Za-z0-9\-.]{1,64}", "must be 1 to 64 letters, digits, '-' and '.'"),
    "language": _like(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*", "must be a language's tag (BCP 47), as en or en-US"),
    "instant": _of_calendar(_INSTANT, "must be a date and time with seconds and a time zone"),
    "integer": _within(-(2**31), 2**31 - 1),
    "markdown": _string,
    "oid": _like(r"urn:oid:[0-2](\.(0|[1-9][0-9]*))+", "must be an OID: urn:oid:1.2.3"),
    "positiveInt": _within(1, 2**31 - 1),
    "string": _string,
    "time": _like(_CLOCK, "must be a time: hh:mm:ss"),
    "unsignedInt": _within(0, 2**31 - 1),
    "uri": _uri,
    "url": _uri,
    "uuid": _like(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "must be a UUID: urn:uuid:..."),
    "xhtml": _xhtml,
}
"""The check of each primitive type, by its name. `language` is a code that has to be a tag of BCP 47."""

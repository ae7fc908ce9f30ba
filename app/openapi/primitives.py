"""The JSON Schema of each FHIR primitive type: what app/fhir/validation/primitives.py lets through, and no more.

https://hl7.org/fhir/R4/datatypes.html#primitive. Patterns are written so that ECMA 262, Python and Rust read them
alike; those of dates hold the calendar, so that what fits the schema is a day that there is.
"""

from __future__ import annotations

from typing import Any

from app.fhir.validation.primitives import MAX_STRING

Schema = dict[str, Any]

_YEAR = "([0-9]([0-9]([0-9][1-9]|[1-9]0)|[1-9]00)|[1-9]000)"
_LEAP_YEAR = "([0-9]{2}(0[48]|[2468][048]|[13579][26])|(0[48]|[2468][048]|[13579][26])00)"
_MONTH = "(0[1-9]|1[0-2])"
_LONG = "(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])"
_SHORT = "(0[469]|11)-(0[1-9]|[12][0-9]|30)"
_FEBRUARY = "02-(0[1-9]|1[0-9]|2[0-8])"
_DAY = f"({_YEAR}-({_LONG}|{_SHORT}|{_FEBRUARY})|{_LEAP_YEAR}-02-29)"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?"
_OFFSET = "(Z|[+-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
DATE = f"({_YEAR}(-{_MONTH})?|{_DAY})"
INSTANT = f"{_DAY}T{_CLOCK}{_OFFSET}"
MOMENT = rf"({DATE}|{_DAY}T([01][0-9]|2[0-3]):[0-5][0-9](:([0-5][0-9]|60)(\.[0-9]+)?)?{_OFFSET}?)"
"""The date of a search parameter, which may leave out seconds and offset."""
ID = r"[A-Za-z0-9\-.]{1,64}"
_SPACE = r"[^\S\u000B\u000C\u001C-\u001F]"
_SOLID = r"[^\s\u0000-\u001F]"
"""White space, and what is not, without the control characters that no string in FHIR's JSON may hold."""
_URI = f"{_SOLID}+"
_DIGIT = rf"[A-Za-z0-9+/]{_SPACE}*"
_PADDING = f"={_SPACE}*"
_BASE64 = rf"{_SPACE}*(({_DIGIT}){{4}})*(({_DIGIT}){{4}}|({_DIGIT}){{3}}{_PADDING}|({_DIGIT}){{2}}({_PADDING}){{2}})"
_CONTROL = r"\u0000-\u0008\u000B\u000C\u000E-\u001F"
_EXOTIC = r"\u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000"
_OF_STRINGS = f"[^{_CONTROL}]*[^{_CONTROL}{_EXOTIC}][^{_CONTROL}]*"
"""One character at least is no white space, or plain white space."""
_LARGEST = 2**31 - 1


def _like(pattern: str, description: str, **more: Any) -> Schema:
    return {"type": "string", "description": description, "pattern": f"^{pattern}$", **more}


def _text(description: str) -> Schema:
    return _like(_OF_STRINGS, description, minLength=1, maxLength=MAX_STRING)


def _integer(lowest: int, description: str) -> Schema:
    return {"type": "integer", "description": description, "minimum": lowest, "maximum": _LARGEST}


PRIMITIVES: dict[str, Schema] = {
    "base64Binary": _like(_BASE64, "Bytes, in base64.", contentEncoding="base64"),
    "boolean": {"type": "boolean"},
    "canonical": _like(_URI, "The URI of a resource by its canonical url, with its version behind a `|` if need be."),
    "code": _like(f"{_SOLID}+( {_SOLID}+)*", "A code: no white space but single spaces inside."),
    "date": _like(DATE, "A year, a month or a day."),
    "dateTime": _like(f"({DATE}|{INSTANT})", "A year, a month, a day, or a moment with seconds and an offset."),
    "decimal": {"type": "number", "description": "Its digits are kept as they are sent."},
    "id": _like(ID, "1 to 64 letters, digits, hyphens and dots."),
    "instant": _like(INSTANT, "A moment with seconds and an offset."),
    "integer": _integer(-_LARGEST - 1, "A whole number of 32 bits."),
    "language": _like("[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*", "A language's tag by BCP 47."),
    "markdown": _text("A text, that may be in Markdown."),
    "oid": _like(r"urn:oid:[0-2](\.(0|[1-9][0-9]*))+", "An OID as a URI."),
    "positiveInt": _integer(1, "A whole number from 1."),
    "string": _text("A text without control characters."),
    "time": _like(_CLOCK, "A time of day."),
    "unsignedInt": _integer(0, "A whole number from 0."),
    "uri": _like(_URI, "A URI."),
    "url": _like(_URI, "A URL."),
    "uuid": _like("urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "A UUID as a URI."),
    "xhtml": _like(
        r"[ \t\r\n]*<div[^\u0000-\u0008\u000B\u000C\u000E-\u001F]*",
        "A `<div>` of XHTML with basic formatting only (txt-1).",
    ),
}
"""By the type's name. All but `boolean` are components, so that each stands in the document once."""


def component(name: str) -> str:
    """The name of a primitive type's component: `FhirDateTime`, so that it hides no type of a client's language."""
    return f"Fhir{name[0].upper()}{name[1:]}"


def reference(name: str) -> Schema:
    """A schema that stands for a primitive type."""
    return dict(PRIMITIVES[name]) if name == "boolean" else {"$ref": f"#/components/schemas/{component(name)}"}

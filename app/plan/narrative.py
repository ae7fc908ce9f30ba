"""Tables of XHTML for the sections of a plan. Pure. https://hl7.org/fhir/R4/narrative.html"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

Json = dict[str, Any]
Row = tuple[str, ...]


def text(rows: Iterable[Row], headings: Row, empty: str) -> Json:
    """A narrative with a table of the rows, or with the words for none."""
    cells = [_row(row, "td") for row in rows]
    table = f'<table border="1"><tr>{_row(headings, "th")}</tr>' + "".join(f"<tr>{c}</tr>" for c in cells) + "</table>"
    inner = table if cells else f"<p>{escape(empty)}</p>"
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{inner}</div>'}


def _row(row: Row, cell: str) -> str:
    return "".join(f"<{cell}>{escape(_clean(value), quote=False)}</{cell}>" for value in row)


def _clean(value: str) -> str:
    """Without the control characters that XML cannot hold."""
    return "".join(c for c in value if c in "\t\n\r" or c >= " ")


def words(concept: Any) -> str:
    """What a CodeableConcept, a Coding or a list of them says."""
    if isinstance(concept, list):
        return ", ".join(w for w in map(words, concept) if w)
    if not isinstance(concept, dict):
        return ""
    if concept.get("text"):
        return str(concept["text"])
    codings = concept.get("coding", [concept])
    return next((str(c.get("display") or c.get("code")) for c in codings if c.get("display") or c.get("code")), "")


def person(reference: Any, names: dict[str, str]) -> str:
    """Who a Reference leads to: by the resources at hand, or by its own words."""
    if not isinstance(reference, dict):
        return ""
    return names.get(str(reference.get("reference")), str(reference.get("display", "")))


def day(value: Any) -> str:
    """The day of a date, a moment or the start and end of a period."""
    if isinstance(value, dict):
        return " to ".join(str(value[k])[:10] for k in ("start", "end") if k in value)
    return str(value)[:10] if value else ""


def measured(observation: Json) -> str:
    """The value of an Observation in words."""
    for key, value in observation.items():
        if key == "valueQuantity":
            return " ".join(str(value[k]) for k in ("value", "unit") if k in value)
        if key.startswith("value"):
            return words(value) if isinstance(value, dict) else str(value)
    return ""

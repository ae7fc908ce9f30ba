"""A statement about a contested record: it stands in the record's `meta`, and so leaves with it wherever it goes.

34 CFR 99.21(c): it is kept with the contested part of the record, and disclosed whenever that part is. An update that
does not hold it keeps it.
"""

from __future__ import annotations

from typing import Any

from app.db.rows import Stored
from app.errors import HallpassError, Issue, Kind
from app.fhir.json import parse
from app.resources.paths import values

URL = "https://hallpass.example/fhir/StructureDefinition/contested-statement"
LONGEST = 4000
Json = dict[str, Any]


def added(content: Json, text: str, author: str | None, at: str) -> Json:
    """A resource with one more statement. Raises UNPROCESSABLE for an empty or too long one."""
    if not text.strip() or len(text) > LONGEST:
        raise HallpassError(
            Kind.UNPROCESSABLE,
            Issue(f"A statement has a text of {LONGEST} characters at most.", "Parameters.parameter", "value"),
        )
    note = {"time": at, "text": text, **({"authorString": author} if author else {})}
    return _with(content, [*_extensions(content), {"url": URL, "valueAnnotation": note}])


def withdrawn(content: Json) -> Json:
    """A resource without its statements."""
    return _with(content, [e for e in _extensions(content) if e.get("url") != URL])


def kept(old: Stored, content: Json) -> Json:
    """What is to be stored in the place of a version: with each statement that stands in it."""
    if URL.encode() not in old.body:
        return content
    new = _extensions(content)
    lost = [e for e in _extensions(parse(old.body)) if e.get("url") == URL and e not in new]
    return _with(content, [*lost, *new]) if lost else content


def _extensions(content: Json) -> list[Json]:
    return list(values(content, "meta.extension"))


def _with(content: Json, extensions: list[Json]) -> Json:
    meta = {k: v for k, v in content.get("meta", {}).items() if k != "extension"}
    return {**content, "meta": {**meta, **({"extension": extensions} if extensions else {})}}

"""The parameters of requests: search parameters, result controls, headers, and those in paths.

https://hl7.org/fhir/R4/search.html and https://hl7.org/fhir/R4/http.html#Http-Headers
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from app.api.operations.disclosures import BASES
from app.capability.catalog import TYPES as DEFINITIONS
from app.capability.interactions import LEDGER_PARAMETERS
from app.capability.searching import SEARCHED
from app.openapi import ledger
from app.openapi.primitives import ID
from app.openapi.values import moment, value
from app.resources import REGISTRY, TYPES, ResourceType, Visibility
from app.search.clause import parameters_of
from app.search.controls import MAX_SORT_KEYS, SUMMARIES, TOTALS
from app.search.parameters import COMMON, PARAMETERS, Parameter
from app.search.parse import MAX_INCLUDES

Json = dict[str, Any]
LARGEST_COUNT = 999_999_999
_TAG = r"((W/)?\"[A-Za-z0-9\-.]{1,64}\"|[A-Za-z0-9\-.]{1,64})"
_TAGS = rf"^\s*({_TAG}(\s*,\s*{_TAG})*|\*)\s*$"
FORMATS = (
    *("json", "application/fhir+json", "application/json", "text/json", "application/json+fhir"),
    *("xml", "application/fhir+xml", "application/xml", "text/xml", "application/xml+fhir"),
)


def ref(name: str) -> Json:
    """A parameter that stands for a component."""
    return {"$ref": f"#/components/parameters/{name}"}


def _query(name: str, description: str, schema: Json) -> Json:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _header(name: str, description: str, schema: Json) -> Json:
    return {"name": name, "in": "header", "description": description, "schema": schema}


def _path(name: str, description: str, schema: Json) -> Json:
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def _codes(names: Iterable[str]) -> Json:
    return {"type": "string", "enum": list(names)}


def _list(names: Iterable[str]) -> Json:
    return {"type": "string", "pattern": f"^({'|'.join(names)})(,({'|'.join(names)}))*$"}


def _included(name: str, what: str) -> Json:
    text = f"`*`, `Type:*`, `Type:parameter` or `Type:parameter:Target`. Adds {what}; with `:iterate` as well what the"
    text += f" added ones lead to. At most {MAX_INCLUDES}."
    one = {"type": "string", "pattern": r"^(\*|[A-Z][A-Za-z]+:(\*|[a-z-]+(:[A-Z][A-Za-z]+)?))$"}
    return _query(name, text, {"type": "array", "items": one})


_HELD = tuple(t.name for t in REGISTRY if t.visibility is Visibility.COMPARTMENT)
_ID = {"type": "string", "pattern": f"^{ID}$"}
_PAGE = {"type": "integer", "minimum": 1, "maximum": LARGEST_COUNT}
_DAY = {"type": "string", "format": "date", "pattern": r"^\d{4}-\d{2}-\d{2}$"}
_TYPES = ", separated by commas"
_ETAGS = {"type": "string", "pattern": _TAGS}
TABLES = ("csv", "text/csv", "html", "text/html")

SHARED: dict[str, Json] = {
    "id": _path("id", "The resource's id, which the server gave.", _ID),
    "type": _path("type", "A resource type.", _codes(TYPES)),
    "definitionType": _path("type", "A type of definitions.", _codes(DEFINITIONS)),
    "compartmentType": _path("type", "A resource type of the compartment, or `*`.", _codes((*_HELD, "*"))),
    "vid": _path("vid", "The version's number.", _ID),
    "format": _query("_format", "JSON, or XML; this overrules `Accept`.", _codes(FORMATS)),
    "pretty": _query("_pretty", "Indent the JSON.", _codes(("true", "false"))),
    "summary": _query("_summary", "A part of each resource, marked SUBSETTED.", _codes(SUMMARIES)),
    "part": _query("_summary", "A part of it, marked SUBSETTED.", _codes(s for s in SUMMARIES if s != "count")),
    "total": _query("_total", "How the total is counted; also spelled `_totalMethod`.", _codes(TOTALS)),
    "count": _query(
        "_count",
        "Matches on a page, held to the server's bound; 0: the total only.",
        {"type": "integer", "minimum": 0, "maximum": LARGEST_COUNT},
    ),
    "pageCount": _query("_count", "Entries on a page, held to the server's bound.", _PAGE),
    "sort": _query(
        "_sort",
        f"Up to {MAX_SORT_KEYS} search parameters of the type, each with `-` for descending order; else the newest come"
        " first.",
        {"type": "string", "pattern": "^-?[a-z_A-Z-]+(,-?[a-z_A-Z-]+)*$"},
    ),
    "elements": _query(
        "_elements",
        "Elements at the root of the type; a part of each resource, marked SUBSETTED.",
        {"type": "string", "pattern": r"^[A-Za-z]+(\[x\])?(,[A-Za-z]+(\[x\])?)*$"},
    ),
    "include": _included("_include", "what the matches refer to"),
    "revinclude": _included("_revinclude", "what refers to the matches"),
    "types": _query("_type", f"Resource types{_TYPES}.", _list(TYPES)),
    "since": _query("_since", "Versions stored at or after this moment.", moment()),
    "at": _query("_at", "Versions that were current at some time in this date or moment.", moment()),
    "changedSince": _query("_since", "Resources changed at or after this moment.", moment()),
    "outputFormat": _query("_outputFormat", "NDJSON is the only format.", {"type": "string"}),
    "exportSince": _query("_since", "What was written, or became visible, at or after this moment.", moment()),
    "exportUntil": _query("_until", "What was written before this moment.", moment()),
    "exportTypes": _query("_type", f"Resource types{_TYPES}.", _list(TYPES)),
    "typeFilter": _query(
        "_typeFilter", "`[type]?[search parameters]`, several between commas: alternatives.", {"type": "string"}
    ),
    "exportElements": _query("_elements", "Elements, of each type or as `Type.element`.", {"type": "string"}),
    "organizeOutputBy": _query("organizeOutputBy", "Each student's records together.", _codes(("Patient",))),
    "associatedData": _query(
        "includeAssociatedData",
        "The Provenance about what comes: the latest about each record, or all.",
        _codes(("LatestProvenanceResources", "RelevantProvenanceResources")),
    ),
    "exportFile": _path("name", "The file's name.", {"type": "string", "pattern": r"^[A-Za-z]+(-[0-9]+)?\.ndjson$"}),
    "submissionFile": _path("name", "The file's name.", {"type": "string", "pattern": r"^[A-Za-z0-9]+\.ndjson$"}),
    "start": _query("start", "From this date.", moment()),
    "end": _query("end", "To this date, its whole day.", moment()),
    "reviewed": _query("reviewed", "Only those that are reviewed, or are not.", {"type": "boolean"}),
    "firstDay": _query("start", "The first day, such as 2026-09-01.", _DAY),
    "lastDay": _query("end", "The last day, such as 2026-12-31.", _DAY),
    "month": _query("month", "A month, such as 2026-09.", {"type": "string", "pattern": r"^20\d\d-(0[1-9]|1[0-2])$"})
    | {"required": True},
    "student": _query("patient", "Only this student's: an id, or Patient/id.", ledger.OWN_ID),
    "basis": _query("basis", "Disclosures on this basis.", _codes(sorted(BASES))),
    "recipient": _query("recipient", "Disclosures to this organization: an id, or Organization/id.", ledger.OWN_ID),
    "consent": _query("consent", "Disclosures under this release: an id, or Consent/id.", ledger.OWN_ID),
    "audience": _query("audience", "parent: without care that the minor controls.", _codes(("parent",))),
    "formatOfDisclosures": _query("_format", "JSON, or a table, or a page to print.", _codes((*FORMATS, *TABLES))),
    **{f"AuditEvent.{n}": _query(n, f"{text}.", ledger.SCHEMAS[n]) for n, (_, text) in LEDGER_PARAMETERS.items()},
    "AuditEvent._sort": _query("_sort", "By time.", _codes(("-date", "date"))),
    "AuditEvent._total": _query("_total", "Whether all are counted.", _codes(("none", "estimate", "accurate"))),
    "AuditEvent.id": _path("id", "The event's id.", {"type": "string", "pattern": "^[A-Za-z0-9.-]{1,64}$"}),
    "modeOfType": _query("mode", "Whether a create would be accepted.", _codes(("create", "profile"))),
    "modeOfInstance": _query(
        "mode", "Whether an update or a delete would be accepted.", _codes(("update", "delete", "profile"))
    ),
    "profile": _query("profile", "The canonical URL of a profile to judge by.", {"type": "string"}),
    **{
        f"Definition.{n}": _query(n, f"The definition's {n.strip('_')}; several between commas.", {"type": "string"})
        for n in SEARCHED
    },
    "Definition._count": _query(
        "_count", "As many definitions at the most.", {"type": "string", "pattern": "^[0-9]{1,9}$"}
    ),
    "Definition._summary": _query("_summary", "A part of each definition, or their number.", _codes(SUMMARIES)),
    "If-Match": _header("If-Match", "The version that is to be changed, as its ETag; another is a 412.", _ETAGS),
    "If-None-Match": _header("If-None-Match", "The versions that the caller has, as ETags: then 304.", _ETAGS),
    "If-Modified-Since": _header(
        "If-Modified-Since", "304 unless it changed since; not heeded beside If-None-Match.", {"type": "string"}
    ),
    "If-None-Exist": _header(
        "If-None-Exist", "A search: where it finds one of the caller's own, nothing is created.", {"type": "string"}
    ),
    "Idempotency-Key": _header(
        "Idempotency-Key",
        "A string of the client's choice, 1 to 255 ASCII characters, quoted or a token. A request that is"
        " sent again with it is done once, and answered as before.",
        {"type": "string"},
    ),
    "Prefer": _header(
        "Prefer",
        "`return=minimal`, `return=representation` or `return=OperationOutcome`; `handling=lenient` leaves out search"
        " parameters that are not known, and says so. What is not of these kinds is not heeded.",
        {"type": "string"},
    ),
}
"""The components that are not of one type."""

ALWAYS = [ref("format"), ref("pretty")]


def search_components() -> dict[str, Json]:
    """A component for each search parameter that all types share."""
    return {f"Any.{c}": _search(parameters_of(tuple(TYPES))[c]) for c in sorted(COMMON)}


def common() -> list[Json]:
    """The search parameters that all types share."""
    return [ref(f"Any.{c}") for c in sorted(COMMON)]


def condition(declared: ResourceType) -> list[Json]:
    """The search parameters by which a condition usually names its resource; it may be any search of the type."""
    return [ref("Any._id"), *(_search(PARAMETERS[declared.name][c]) for c in _conditions(declared))]


def _conditions(declared: ResourceType) -> list[str]:
    return [c for c in ("identifier", "patient") if c in PARAMETERS[declared.name]]


def search(declared: ResourceType | None) -> list[Json]:
    """What a search takes in its query, beside a condition. Its page token is not here: it comes in links."""
    shared = [ref(n) for n in ("sort", "count", "total", "summary", "elements")]
    if declared is None:
        return [*common(), *shared, ref("types"), *ALWAYS, ref("Prefer")]
    kept = PARAMETERS[declared.name].keys() - COMMON - set(_conditions(declared))
    own = [_search(PARAMETERS[declared.name][c]) for c in sorted(kept)]
    others = [p for p in common() if p != ref("Any._id")]
    return [*others, *own, *shared, ref("include"), ref("revinclude")]


def form(components: dict[str, Json]) -> Json:
    """The schema of a search by form: what every search takes. A form takes all that the search of its type takes."""
    names = [p["$ref"].rpartition("/")[2] for p in (*common(), ref("count"), ref("total"), *ALWAYS)]
    properties = {p["name"]: p["schema"] for p in (components[n] for n in names)}
    text = "The parameters of the search as a form; those of the type's own search are taken as well."
    return {"type": "object", "description": text, "properties": properties}


def _search(parameter: Parameter) -> Json:
    text = _described(parameter)
    said = {"description": text} if text else {}
    return {"name": parameter.code, "in": "query", **said, "schema": value(parameter)}


def _described(parameter: Parameter) -> str:
    """What it looks at, where its name does not say so."""
    text = " ".join(parameter.description.split()).rstrip(".").removeprefix("Search by ").removeprefix("The ")
    said = set(re.findall("[a-z]+", parameter.code)) | {"the", "a", "of", "by", "is", "this"}
    return "" if set(re.findall("[a-z]+", text.casefold())) <= said else f"{text[0].upper()}{text[1:]}"

"""The parameters of requests: search parameters, result controls, headers, and those in paths.

https://hl7.org/fhir/R4/search.html and https://hl7.org/fhir/R4/http.html#Http-Headers
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.conformance.searching import SEARCHED
from app.fhir.interactions import LEDGER_PARAMETERS
from app.fhir.plan import Model, plan
from app.openapi import ledger
from app.openapi.primitives import ID
from app.openapi.values import moment, value
from app.resources import REGISTRY, TYPES, ResourceType
from app.rest.disclosures import BASES
from app.search.clause import parameters_of
from app.search.controls import MAX_SORT_KEYS, SUMMARIES, TOTALS
from app.search.elements import elements
from app.search.parameters import COMMON, PARAMETERS, Parameter, ParamKind
from app.search.parse import MAX_INCLUDES

Json = dict[str, Any]
LARGEST_COUNT = 999_999_999
_TAG = r"((W/)?\"[A-Za-z0-9\-.]{1,64}\"|[A-Za-z0-9\-.]{1,64})"
_TAGS = rf"^\s*({_TAG}(\s*,\s*{_TAG})*|\*)\s*$"
FORMATS = ("json", "application/fhir+json", "application/json", "text/json", "application/json+fhir")
COMPARED = frozenset({ParamKind.DATE, ParamKind.QUANTITY})


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


_ID = {"type": "string", "pattern": f"^{ID}$"}
_PAGE = {"type": "integer", "minimum": 1, "maximum": LARGEST_COUNT}
_TYPES = ", separated by commas"
_ETAGS = {"type": "string", "pattern": _TAGS}
TABLES = ("csv", "text/csv", "html", "text/html")

SHARED: dict[str, Json] = {
    "id": _path("id", "The resource's id, which the server gave.", _ID),
    "vid": _path("vid", "The version's number.", _ID),
    "format": _query("_format", "JSON is the only format; this overrules `Accept`.", _codes(FORMATS)),
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
    "types": _query("_type", f"Resource types{_TYPES}.", _list(TYPES)),
    "since": _query("_since", "Versions stored at or after this moment.", moment()),
    "at": _query("_at", "Versions that were current at some time in this date or moment.", moment()),
    "changedSince": _query("_since", "Resources changed at or after this moment.", moment()),
    "start": _query("start", "From this date.", moment()),
    "end": _query("end", "To this date, its whole day.", moment()),
    "basis": _query("basis", "Disclosures on this basis.", _codes(sorted(BASES))),
    "recipient": _query("recipient", "Disclosures to this organization: an id, or Organization/id.", ledger.OWN_ID),
    "consent": _query("consent", "Disclosures under this release: an id, or Consent/id.", ledger.OWN_ID),
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
    "If-Match": _header("If-Match", "The version that is to be changed, as its ETag; another is a 412.", _ETAGS),
    "If-None-Match": _header("If-None-Match", "The versions that the caller has, as ETags: then 304.", _ETAGS),
    "If-Modified-Since": _header(
        "If-Modified-Since", "304 unless it changed since; not heeded beside If-None-Match.", {"type": "string"}
    ),
    "If-None-Exist": _header(
        "If-None-Exist", "A search: where it finds one of the caller's own, nothing is created.", {"type": "string"}
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
    """A component for each search parameter of each type, and for the controls whose values hang on the type."""
    found: dict[str, Json] = {}
    for code in sorted(COMMON):
        found[f"Any.{code}"] = _search(parameters_of(tuple(TYPES))[code])
    for declared in REGISTRY:
        name = declared.name
        for parameter in PARAMETERS[name].values():
            if parameter.code not in COMMON:
                found[f"{name}.{parameter.code}"] = _search(parameter)
        found[f"{name}._sort"] = _sort((name,))
        found[f"{name}._elements"] = _elements((name,))
        found[f"{name}._include"] = _includes("_include", _leading_from(name), "what the matches refer to")
        found[f"{name}._revinclude"] = _includes("_revinclude", _leading_to(name), "what refers to the matches")
    found["Any._sort"] = _sort(tuple(TYPES))
    found["Any._elements"] = _elements(tuple(TYPES))
    return found


def criteria(declared: ResourceType | None) -> list[Json]:
    """The search parameters of a type, or those that all types share."""
    if declared is None:
        return [ref(f"Any.{c}") for c in sorted(COMMON)]
    codes = sorted(PARAMETERS[declared.name])
    return [ref(f"{'Any' if c in COMMON else declared.name}.{c}") for c in codes]


def search(declared: ResourceType | None) -> list[Json]:
    """All that a search takes in its query. Its page token is not here: it comes in links, for links."""
    own = declared.name if declared else "Any"
    controls = [ref(f"{own}._sort"), ref("count"), ref("total"), ref("summary"), ref(f"{own}._elements")]
    if declared is not None:
        controls += [ref(f"{own}._include"), ref(f"{own}._revinclude")]
    else:
        controls.append(ref("types"))
    return [*criteria(declared), *controls, *ALWAYS]


def form(declared: ResourceType | None, components: dict[str, Json]) -> Json:
    """The same as the schema of a form."""
    names = [p["$ref"].rpartition("/")[2] for p in search(declared)]
    found = [components[n] for n in names]
    return {"type": "object", "properties": {p["name"]: _of_form(p) for p in found}}


def _of_form(parameter: Json) -> Json:
    return {**parameter["schema"], "description": parameter["description"]}


def _search(parameter: Parameter) -> Json:
    return _query(parameter.code, _described(parameter), value(parameter))


def _described(parameter: Parameter) -> str:
    """What it searches, its type, and what may stand behind its name or before its value."""
    found = [f"{' '.join(parameter.description.split()).rstrip('.')}.", f"({parameter.kind.value})"]
    if parameter.kind is ParamKind.REFERENCE:
        served = [t.name for t in REGISTRY if t.name in parameter.targets]
        found.append(f"Leads to {', '.join(served) or 'no type of this server'}; chained by `{parameter.code}.`.")
    modifiers = [f"`:{m}`" for m in sorted(parameter.modifiers)]
    if parameter.kind is ParamKind.REFERENCE:
        modifiers.append("`:[type]`")
    if modifiers:
        found.append(f"Modifiers: {' '.join(modifiers)}.")
    if parameter.kind in COMPARED:
        found.append("Prefixes: eq ne gt ge lt le sa eb ap.")
    return " ".join(found)


def _sort(types: tuple[str, ...]) -> Json:
    known = parameters_of(types)
    codes = "|".join(sorted(c for c, p in known.items() if p.kind is not ParamKind.COMPOSITE))
    one = f"-?({codes})"
    text = f"Up to {MAX_SORT_KEYS} search parameters, each with `-` for descending order; else the newest come first."
    return _query("_sort", text, {"type": "string", "pattern": f"^{one}(,{one}){{0,{MAX_SORT_KEYS - 1}}}$"})


def _elements(types: tuple[str, ...]) -> Json:
    names: dict[str, None] = {}
    for name in types:
        model: Model = TYPES[name].model
        labels = [n for e in plan(model).elements.values() if not e.sibling for n in (e.label, e.name)]
        names.update(dict.fromkeys(n for n in labels if elements(model, n)))
    return _query("_elements", "Elements at the root; a part of each resource, marked SUBSETTED.", _list(sorted(names)))


def _includes(name: str, values: list[str], what: str) -> Json:
    text = f"Adds {what}; with `:iterate` as well what the added ones lead to. At most {MAX_INCLUDES}."
    return _query(name, text, {"type": "array", "items": _codes(values)})


def _leading_from(name: str) -> list[str]:
    """The values of `_include` that start at a type."""
    every = [p for p in PARAMETERS[name].values() if p.kind is ParamKind.REFERENCE]
    return ["*", f"{name}:*", *_spelled(name, every, tuple(TYPES))]


def _leading_to(name: str) -> list[str]:
    """The values of `_revinclude` that end at a type."""
    found = ["*"]
    for source in TYPES:
        every = [p for p in PARAMETERS[source].values() if p.kind is ParamKind.REFERENCE and name in p.targets]
        found += [*([f"{source}:*"] if every else []), *_spelled(source, every, (name,))]
    return found


def _spelled(source: str, parameters: list[Parameter], ends: tuple[str, ...]) -> list[str]:
    """`Source:parameter` and `Source:parameter:Target` of each."""
    return [
        text
        for p in sorted(parameters, key=lambda p: p.code)
        for text in (f"{source}:{p.code}", *(f"{source}:{p.code}:{t}" for t in ends if t in p.targets))
    ]

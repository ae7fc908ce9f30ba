"""docs/reference.md: interactions, operations and search parameters, side by side with the CapabilityStatement.

https://hl7.org/fhir/R4/capabilitystatement.html — written from the tables that the server serves by.
"""

from __future__ import annotations

from collections.abc import Iterable

from app.capability.catalog import TYPES
from app.capability.interactions import (
    IN_COMPARTMENT,
    LEDGER_PARAMETERS,
    OF_EXPORTS,
    OF_LEDGER,
    OF_SYSTEM,
    OF_TYPES,
    Interaction,
)
from app.capability.operation import SYSTEM, operations
from app.capability.searching import SEARCHED
from app.capability.statement import COMPARTMENT
from app.resources import REGISTRY, Visibility
from app.search.clause import MAX_DEPTH, MAX_JOINS, MAX_VALUES
from app.search.controls import MAX_SORT_KEYS, SUMMARIES, TOTALS
from app.search.parameters import COMMON, PARAMETERS, UNSERVED, Parameter, ParamKind
from app.search.parse import INCLUDES, MAX_CRITERIA, MAX_INCLUDES
from app.search.value_sets import known

HEAD = """# What can be asked
Written by `hallpass export-reference` from the code that serves; do not edit it. The last column says where the same
stands in the CapabilityStatement (`GET /fhir/metadata`). Requests are relative to `/fhir`.
"""
CONTROLS = (
    ("_sort", f"up to {MAX_SORT_KEYS} parameters, `-` for descending order; without it the newest come first"),
    ("_count", "matches on a page; 0: the total only"),
    ("_total", ", ".join(TOTALS)),
    ("_summary", ", ".join(SUMMARIES)),
    ("_elements", "elements at the root of the type"),
    ("_include, _revinclude", ", ".join(sorted(INCLUDES)) + f"; at most {MAX_INCLUDES}"),
    ("_has", "nested as deep as chains"),
    ("_type", "at the root and in a compartment"),
    ("_format, _pretty", "JSON, or XML; `Accept` says it as well"),
)
COMPARED = frozenset({ParamKind.DATE, ParamKind.QUANTITY})
SHARED = frozenset(c for c in COMMON if c.startswith("_"))
"""The parameters whose definition is one for all types."""


def reference() -> str:
    """The whole page."""
    parts = [HEAD, *_interactions(), *_operations(), *_search(), *_types(), *_unserved()]
    return "\n".join(parts)


def _interactions() -> Iterable[str]:
    yield "## Interactions\n"
    yield from _table(("request", "what it heeds", "CapabilityStatement"), map(_of_type, OF_TYPES))
    yield from _table(("request", "what it heeds", "CapabilityStatement"), map(_of_system, OF_SYSTEM))
    inside = ((_code(i.request), i.note, f"rest.compartment: `{COMPARTMENT}`") for i in IN_COMPARTMENT)
    yield from _table(("request", "what it heeds", "CapabilityStatement"), inside)
    of_ledger = ((_code(i.request), i.note, f"`AuditEvent`: {i.code}") for i in OF_LEDGER)
    yield from _table(("request", "what it heeds", "CapabilityStatement"), of_ledger)
    of_exports = ((_code(i.request), i.note, "after the first request") for i in OF_EXPORTS)
    yield from _table(("request of a bulk export or submission", "what it answers", ""), of_exports)
    yield "AuditEvents are searched by:\n"
    yield from _table(("parameter", "type", "what"), ((f"`{n}`", *about) for n, about in LEDGER_PARAMETERS.items()))
    yield (
        "HEAD is GET without a body. OPTIONS answers the methods of a path in Allow, at the root the"
        " CapabilityStatement. A slash at the end of a path changes nothing. Bodies may be packed by gzip.\n"
    )
    kinds = ", ".join(TYPES)
    by = ", ".join(f"`{n}`" for n in SEARCHED)
    ours = "[profiles.md](profiles.md) shows ours"
    yield f"Definitions ({kinds}) are read by id and found by {by}, without a token; {ours}.\n"
    held = ", ".join(t.name for t in REGISTRY if t.visibility is Visibility.COMPARTMENT)
    yield f"A student's compartment holds {held}. A Group names several students and lies in none.\n"


def _of_type(interaction: Interaction) -> tuple[str, ...]:
    return _code(interaction.request), interaction.note, f"rest.resource.interaction: `{interaction.code}`"


def _of_system(interaction: Interaction) -> tuple[str, ...]:
    return _code(interaction.request), interaction.note, f"rest.interaction: `{interaction.code}`"


def _operations() -> Iterable[str]:
    yield "## Operations\n"
    rows = (
        (
            f"`${o.name}`",
            "the service" if o.type == SYSTEM else o.type or "every type",
            "<br>".join(map(_code, o.requests)),
            o.note,
            f"rest.{'' if o.type == SYSTEM else 'resource.'}operation: `{o.definition}`",
        )
        for o in operations()
    )
    yield from _table(("operation", "type", "request", "what it does", "CapabilityStatement"), rows)


def _search() -> Iterable[str]:
    yield "## Search\n"
    yield (
        f"Commas are OR, repetitions are AND. A search may have {MAX_CRITERIA} criteria, {MAX_VALUES} values, chains of"
        f" {MAX_DEPTH} references and {MAX_JOINS} references in all. What is not understood is a 400 that names it, or"
        " with `Prefer: handling=lenient` an OperationOutcome in the answer. Strings are compared without case, accents"
        " and punctuation, Latin letters as plain ones; a name is found by the beginning of each of its words.\n"
    )
    yield from _table(("control", "takes"), ((f"`{n}`", text) for n, text in CONTROLS))
    yield (
        "`:in` and `:not-in` take the URL of one of these value sets, with its version or without. `codes` counts those"
        " of each code system that it draws from:\n"
    )
    yield from _table(("value set", "version", "codes"), map(_value_set, sorted(known())))
    yield "### Every type\n"
    first = PARAMETERS[REGISTRY[0].name]
    yield from _parameters(first[c] for c in sorted(SHARED))


def _value_set(url: str) -> tuple[str, ...]:
    version, codes = known()[url]
    return _code(url), version, ", ".join(str(len(c)) if c else f"all of `{s}`" for s, c in codes.items())


def _types() -> Iterable[str]:
    for declared in REGISTRY:
        own = PARAMETERS[declared.name]
        yield f"### {declared.name}\n"
        yield from _parameters(own[c] for c in sorted(own.keys() - SHARED))


def _parameters(found: Iterable[Parameter]) -> Iterable[str]:
    rows = ((f"`{p.code}`", p.kind.value, _modifiers(p), _targets(p), _definition(p)) for p in found)
    head = ("parameter", "type", "modifiers and prefixes", "leads to", "CapabilityStatement: searchParam.definition")
    yield from _table(head, rows)


def _modifiers(parameter: Parameter) -> str:
    found = [f"`:{m}`" for m in sorted(parameter.modifiers)]
    if parameter.kind is ParamKind.REFERENCE:
        found.append("`:[type]`")
    if parameter.kind in COMPARED:
        found.append("eq ne gt ge lt le sa eb ap")
    return " ".join(found)


def _targets(parameter: Parameter) -> str:
    served = [t.name for t in REGISTRY if t.name in parameter.targets]
    return ", ".join(served)


def _definition(parameter: Parameter) -> str:
    return f"`{parameter.url}`" if parameter.url else "none"


def _unserved() -> Iterable[str]:
    yield "## Not served\n"
    yield "Refused like any unknown parameter.\n"
    yield from _table(("parameter", "why"), ((f"`{n}`", why) for n, why in UNSERVED.items()))


def _code(request: str) -> str:
    return f"`{request.strip()}`"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterable[str]:
    lines = [head, ("---",) * len(head), *rows]
    yield "\n".join(f"| {' | '.join(row)} |" for row in lines) + "\n"

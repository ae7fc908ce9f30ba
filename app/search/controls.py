"""The parameters that say how results come: order, page, included resources, parts of resources. Pure.

https://hl7.org/fhir/R4/search.html#return
"""

from __future__ import annotations

import re

from app.resources import TYPES
from app.search.clause import parameters_of
from app.search.elements import elements
from app.search.parameters import PARAMETERS, ParamKind
from app.search.query import Include, SortKey
from app.search.refusal import invalid, too_costly

ONCE = frozenset({"_sort", "_count", "_total", "_summary", "_elements", "_type"})
"""Parameters that are given once at most."""
MAX_SORT_KEYS = 5
TOTALS = ("none", "estimate", "accurate")
SUMMARIES = ("true", "text", "data", "count", "false")


def count(key: str, text: str) -> int:
    """`_count`: matches on a page, not yet held to the server's bound."""
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise invalid(key, "takes a whole number, 0 for the total only")
    return int(text)


def one_of(key: str, text: str, allowed: tuple[str, ...]) -> str:
    """A code out of a few."""
    if text not in allowed:
        raise invalid(key, f"takes one of {', '.join(allowed)}")
    return text


def types(key: str, text: str) -> tuple[str, ...]:
    """`_type`: the types to search, without repetitions."""
    names = tuple(dict.fromkeys(text.split(",")))
    if any(n not in TYPES for n in names):
        raise invalid(key, "takes resource types of this server")
    return names


def sort(key: str, text: str, searched: tuple[str, ...]) -> tuple[SortKey, ...]:
    """`_sort`: parameters, the first the most significant, `-` for the greatest first."""
    known = parameters_of(searched)
    names = text.split(",")
    codes = [n.removeprefix("-") for n in names]
    if any(c not in known or known[c].kind is ParamKind.COMPOSITE for c in codes) or len(set(codes)) < len(codes):
        raise invalid(key, "takes different search parameters of the type, each with - for descending order")
    if len(names) > MAX_SORT_KEYS:
        raise too_costly(f"it may be sorted by {MAX_SORT_KEYS} parameters")
    return tuple(SortKey(c, known[c].kind, n.startswith("-")) for c, n in zip(codes, names, strict=True))


def json_keys(key: str, text: str, searched: tuple[str, ...]) -> tuple[str, ...]:
    """`_elements`: root elements, as the JSON keys that they have in any of the types searched.

    `resourceType` is none, but is always there: clients that name it get what they mean.
    """
    found: dict[str, None] = {}
    for name in text.split(","):
        if name == "resourceType":
            continue
        keys = [e.key for t in searched for e in elements(TYPES[t].model, name)]
        if not keys:
            raise invalid(key, "takes names of elements at the root of the type")
        found.update(dict.fromkeys(keys))
    return tuple(found)


def includes(key: str, text: str, searched: tuple[str, ...]) -> tuple[Include, ...]:
    """`_include` and `_revinclude`: `Source:parameter`, `Source:parameter:Target`, `Source:*` or `*`."""
    name, _, modifier = key.partition(":")
    reverse, iterate = name == "_revinclude", bool(modifier)
    if text == "*":
        sources = tuple(TYPES) if reverse or iterate else searched
        return tuple(Include(reverse, s, None, None, iterate) for s in sources)
    parts = text.split(":")
    source, code, target = [*parts, ""] if len(parts) == 2 else parts if len(parts) == 3 else ("", "", "")
    if source not in TYPES or (len(parts) == 3 and not target) or not _leads(source, code, target):
        raise invalid(key, "takes Source:parameter, Source:parameter:Target, Source:* or *, of this server's types")
    if not iterate and not _starts(reverse, source, code, target, searched):
        raise invalid(key, "does not start at the type that is searched; with :iterate it may")
    return (Include(reverse, source, None if code == "*" else code, target or None, iterate),)


def _leads(source: str, code: str, target: str) -> bool:
    """Whether the parameters are references of the source that may lead to the target; all of them may be none."""
    if target and target not in TYPES:
        return False
    return (code, target) == ("*", "") or any(
        target in ("", *PARAMETERS[source][c].targets) for c in references(source, code)
    )


def _starts(reverse: bool, source: str, code: str, target: str, searched: tuple[str, ...]) -> bool:
    """Whether an include can apply to the matches themselves."""
    if not reverse:
        return source in searched
    ends = {t for c in references(source, code) for t in PARAMETERS[source][c].targets}
    return any(t in ends and target in ("", t) for t in searched)


def references(source: str, code: str) -> list[str]:
    """The reference parameters of a type that `code` names; all of them for `*`."""
    every = (p.code for p in PARAMETERS[source].values() if p.kind is ParamKind.REFERENCE)
    return [c for c in every if code in ("*", c)]

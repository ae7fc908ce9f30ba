"""A query string -> Search. Nothing that is not understood is dropped in silence. Pure.

https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from app.errors import HallpassError, Kind
from app.resources import TYPES
from app.search import controls
from app.search.clause import Budget, ClauseReader
from app.search.query import Clause, Include, Search, SortKey
from app.search.refusal import invalid, too_costly, unknown
from app.search.values import Reading

MAX_PAIRS = 200
"""Parameters of one search, repetitions counted."""
MAX_CRITERIA = 50
"""Criteria of one search: planning a statement takes longer than in proportion to them."""
MAX_INCLUDES = 50
"""Includes of one search, `*` counted as its parts."""
INCLUDES = frozenset(
    f"{name}{modifier}" for name in ("_include", "_revinclude") for modifier in ("", ":iterate", ":recurse")
)
SPELLINGS = {"_totalMethod": "_total"}
COUNTED = ("_totalMethod", "count")
"""How fhirpy asks for an accurate total."""


def parse(
    type_name: str | None,
    pairs: Sequence[tuple[str, str]],
    *,
    zone: ZoneInfo,
    base_url: str,
    default_count: int,
    max_count: int,
    lenient: bool = False,
) -> Search:
    """The search on one type, or on all (None) at the root of the server, from decoded pairs in their order.

    `zone` is that of dates without one, `base_url` the address before `/Patient/...` of absolute URLs of ours.
    `_format` and `_pretty` are the caller's. Raises HallpassError: UNKNOWN_PARAM for a parameter or modifier that
    is not served, INVALID for a value, TOO_COSTLY over a bound; with `lenient` the first two are named in `ignored`
    instead.
    """
    if len(pairs) > MAX_PAIRS:
        raise too_costly(f"it may have {MAX_PAIRS} parameters")
    draft = _Draft(type_name, Reading(zone, base_url), default_count)
    # What the other parameters mean depends on the types.
    for key, text in sorted(pairs, key=lambda p: p[0] != "_type"):
        try:
            draft.add(key, text)
        except HallpassError as e:
            if not lenient or e.kind is Kind.TOO_COSTLY:
                raise
            draft.ignored.append(key)
    return draft.search(max_count)


@dataclass(slots=True)
class _Draft:
    type_name: str | None
    reading: Reading
    count: int
    types: tuple[str, ...] = ()
    criteria: list[Clause] = field(default_factory=list)
    sort: tuple[SortKey, ...] = ()
    includes: list[Include] = field(default_factory=list)
    total: str | None = None
    summary: str | None = None
    elements: tuple[str, ...] = ()
    cursor: str | None = None
    ignored: list[str] = field(default_factory=list)
    pairs: list[tuple[str, str]] = field(default_factory=list)
    budget: Budget = field(default_factory=Budget)

    def __post_init__(self) -> None:
        self.types = tuple(TYPES) if self.type_name is None else (self.type_name,)

    def add(self, key: str, text: str) -> None:
        """Take in one parameter. Raises HallpassError that names it, and then leaves no trace of it."""
        if not text.isprintable() and any(c == "\x00" or "\ud800" <= c <= "\udfff" for c in text):
            raise invalid(key, "holds a character that no text can hold")
        if key in INCLUDES:
            self._include(key, text)
        elif key.partition(":")[0] in ("_include", "_revinclude"):
            raise unknown(key, "has a modifier that is not served")
        elif not self._control(key, text):
            if len(self.criteria) == MAX_CRITERIA:
                raise too_costly(f"it may have {MAX_CRITERIA} criteria")
            self.criteria.append(ClauseReader(self.reading, self.budget, key, text).read(self.types))
        if key != "_cursor":
            self.pairs.append((key, text))

    def _include(self, key: str, text: str) -> None:
        found = controls.includes(key, text, self.types)
        if len(self.includes) + len(found) > MAX_INCLUDES:
            raise too_costly(f"it may have {MAX_INCLUDES} includes")
        self.includes.extend(i for i in found if i not in self.includes)

    def _control(self, key: str, text: str) -> bool:
        """Whether the parameter says how results come; if so it is taken in."""
        once = SPELLINGS.get(key, key)
        if any(SPELLINGS.get(k, k) == once for k, _ in self.pairs) and once in controls.ONCE:
            raise invalid(key, "is given more than once")
        match once:
            case "_sort":
                self.sort = controls.sort(key, text, self.types)
            case "_count":
                self.count = controls.count(key, text)
            case "_total":
                self.total = controls.one_of(key, "accurate" if (key, text) == COUNTED else text, controls.TOTALS)
            case "_summary":
                self.summary = controls.one_of(key, text, controls.SUMMARIES)
            case "_elements":
                self.elements = controls.json_keys(key, text, self.types)
            case "_type" if self.type_name is None:
                self.types = controls.types(key, text)
            case "_cursor":
                if not text or self.cursor is not None:
                    raise invalid(key, "is one token of a page")
                self.cursor = text
            case _:
                return False
        return True

    def search(self, max_count: int) -> Search:
        return Search(
            types=self.types,
            criteria=tuple(self.criteria),
            sort=self.sort,
            includes=tuple(self.includes),
            count=0 if self.summary == "count" else min(self.count, max_count),
            total=self.total,
            summary=self.summary,
            elements=self.elements,
            cursor=self.cursor,
            ignored=tuple(self.ignored),
            pairs=tuple(self.pairs),
        )

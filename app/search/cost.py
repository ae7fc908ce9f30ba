"""How much a search asks of the database, by its form alone: what it may cost besides hangs on what there is. Pure."""

from __future__ import annotations

from app.search.query import Chain, Clause, Has, Search

COSTLY = 6
"""From this weight on a search is costly: a chain of three references, or two kinds of `*`."""


def is_costly(search: Search) -> bool:
    """Whether a search is so large that a client runs one such at a time: it takes long to plan already."""
    return weight(search) >= COSTLY


def weight(search: Search) -> int:
    """The parts of the statement that a search becomes, roughly."""
    included = sum(1 + 2 * (i.parameter is None) + 2 * i.iterate for i in search.includes)
    return included + sum(map(_weight, search.criteria)) + len(search.sort) // 2


def _weight(clause: Clause) -> int:
    match clause:
        case Chain():
            return 1 + sum(1 + _weight(branch.clause) for branch in clause.branches)
        case Has():
            return 2 + _weight(clause.clause)
        case _:
            return 0

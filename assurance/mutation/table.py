"""What mutants came to: a table by module, and the change of each that survives unexplained."""

from __future__ import annotations

from collections import Counter, defaultdict

from assurance.mutation.equal import explained
from assurance.mutation.mutants import Mutant
from assurance.mutation.notes import Notes

REFUSED, KILLED, LATE, EXPLAINED = "refused by mypy", "killed", "late", "explained"
SURVIVED, UNSETTLED = "survived", "not precomputed"
KINDS = (REFUSED, KILLED, LATE, EXPLAINED, SURVIVED, UNSETTLED)


def tell(mutants: list[Mutant], notes: Notes) -> int:
    """Print it; 1 where a mutant survived, or has not been run by all the tests that reach it, and 0 elsewhere."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    alive = []
    for mutant in mutants:
        kind = _kind(mutant, notes)
        for module in (mutant.module, "all"):
            counts[module][kind] += 1
        if kind in (SURVIVED, UNSETTLED):
            alive.append((kind, mutant))
    for kind, mutant in alive:
        print(f"\n{kind}: {mutant.where} ({mutant.name})\n{mutant.change}")
    print(f"\n{'':12}", *(f"{kind:>16}" for kind in KINDS))
    for module in [*sorted(counts.keys() - {"all"}), "all"]:
        print(f"{module:12}", *(f"{counts[module][kind]:16}" for kind in KINDS))
    return 1 if alive else 0


def _kind(mutant: Mutant, notes: Notes) -> str:
    if mutant.refused:
        return REFUSED
    if killed := notes.killed.get(mutant.key):
        return LATE if killed[1] == "late" else KILLED
    if explained(mutant):
        return EXPLAINED
    return UNSETTLED if notes.unasked(mutant) else SURVIVED

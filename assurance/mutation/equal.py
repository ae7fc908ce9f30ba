"""The mutants that are the same program, and why: equal.txt, by function and change, for mutmut's numbers shift."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from assurance.mutation.mutants import Mutant

FILE = Path(__file__).with_name("equal.txt")


def explained(mutant: Mutant) -> str | None:
    """Why nothing can tell the mutant from the program, where that is known."""
    return reasons().get((mutant.where, mutant.change))


@cache
def reasons() -> dict[tuple[str, str], str]:
    """The reason by function and change.

    An entry of the file is a line `function: reason`, and below it the change; entries are parted by an empty line.
    """
    found = {}
    for entry in FILE.read_text().strip().split("\n\n"):
        head, _, change = entry.partition("\n")
        where, _, reason = head.partition(": ")
        found[where, change] = reason
    return found

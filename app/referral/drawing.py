"""Draws the table of a referral's life, for docs/referral.md. https://mermaid.js.org/syntax/stateDiagram.html"""

from __future__ import annotations

from collections.abc import Mapping

from app.referral import codes as c
from app.referral.returns import STATUS_REASONS as RETURN_REASONS
from app.referral.returns import TABLE as RETURN
from app.referral.table import TABLES, Need, Party, Transition, final

DRAWN: dict[str, tuple[Transition, ...]] = {**TABLES, "Return": RETURN}
"""By heading."""


def diagram(type_name: str) -> str:
    """A state diagram: an arrow for each pair of states, with who may take it."""
    table = DRAWN[type_name]
    lines = ["stateDiagram-v2"]
    ways: dict[tuple[str | None, str], set[str]] = {}
    for row in table:
        ways.setdefault((row.before, row.after), set()).update(_who(row))
    for (before, after), by in ways.items():
        lines.append(f"    {_node(before)} --> {_node(after)}: {', '.join(sorted(by))}")
    lines += [f"    {_node(state)} --> [*]" for state in sorted(final(table))]
    return "\n".join(lines)


def transitions(type_name: str) -> str:
    """A Markdown table of every transition, with what it needs."""
    rows = [
        f"| {row.before or '(new)'} | {row.after} | {', '.join(sorted(row.by))} | {'; '.join(sorted(row.needs))} |"
        for row in DRAWN[type_name]
    ]
    return "\n".join(["| from | to | by | needs |", "|---|---|---|---|", *rows])


def reasons() -> str:
    """A Markdown table of the coded reasons of a referral's Task."""
    return _meanings(c.STATUS_REASONS)


def reasons_of_returns() -> str:
    """A Markdown table of the coded reasons of a request to return or destroy."""
    return _meanings(RETURN_REASONS)


def _meanings(codes: Mapping[str, str]) -> str:
    return "\n".join(["| code | meaning |", "|---|---|", *(f"| `{k}` | {v} |" for k, v in codes.items())])


def _who(row: Transition) -> set[str]:
    return {f"{p} (release ended)" if p is Party.REQUESTER and Need.RELEASE_ENDED in row.needs else p for p in row.by}


def _node(state: str | None) -> str:
    return "[*]" if state is None else state.replace("-", "_")

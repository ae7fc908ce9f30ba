"""Every decision case of cases/*.yaml, asked of decide() alone: without a server, and so within a moment."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import pytest

from app.consent.evaluate import Basis, Permit, decide
from tests.consent.language import Case, Expectation, every_case
from tests.consent.pure_cases import OnPaper, stage


@pytest.mark.parametrize("case", every_case())
async def test_decide_says_what_each_case_says(case: Case) -> None:
    """Of what is read from its Consents, its people and its records."""
    on = stage(case.written)
    await on.set_up(case)
    wrong = list(_wrong(on, case.then, case.written))
    for step in case.later:
        on.written = step.at or case.written
        for name, delta in step.change.items():
            await on.change(name, delta)
        wrong += _wrong(on, step.then, on.written)
    assert wrong == []


def _wrong(on: OnPaper, lines: tuple[Expectation, ...], at: str) -> Iterable[str]:
    for line in lines:
        requester = on.network.requester(line.who, line.purposes, line.at or datetime.fromisoformat(at))
        decision = decide(on.policies(), requester, on.attributes(line.what))
        if isinstance(decision, Permit) != line.sees:
            yield f"{line.line}: {decision}"
        elif isinstance(decision, Permit) and line.basis and _basis(on, decision) != line.basis:
            yield f"{line.line}: by {_basis(on, decision)}"


def _basis(on: OnPaper, permit: Permit) -> str:
    """Custody, directory, party, or the name of the release that is cited in its version."""
    if permit.basis is not Basis.RELEASE:
        return str(permit.basis.value)
    ((name, held),) = [(n, h) for n, h in on.held.items() if h.id == permit.consent]
    return name if held.version == permit.version else f"another version of {name}"

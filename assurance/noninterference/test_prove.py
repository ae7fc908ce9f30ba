"""Non-interference: what the caller is answered depends on nothing that it may not see.

Invariant 2 of the design. `make prove EXAMPLES=n` runs more of the same.
"""

from __future__ import annotations

from assurance.noninterference.prover import Prover

SEQUENCES = 200


async def test_no_sequence_of_requests_tells_two_worlds_apart_that_differ_in_hidden_things(prover: Prover) -> None:
    """Every route, search parameter and modifier is asked, and then random sequences with others' writes between."""
    prover.shrinking = True
    report = await prover.run(SEQUENCES)
    assert report.found is None, str(report.found)
    assert report.missing == [], "drawn again and again, and never understood"
    assert report.sequences == SEQUENCES


async def test_the_run_was_worth_something(prover: Prover) -> None:
    """The caller was answered with records, refused, and not found; and others wrote both hidden and visible things."""
    answers, others = prover.report.answers, prover.report.others
    assert answers["with entries"] > SEQUENCES
    for answer in ("GET 200", "GET 404", "POST 201", "PUT 200", "PUT 404", "DELETE 204", "POST 422"):
        assert answers[answer] > 0, answer
    assert others["hidden 2xx"] > SEQUENCES
    assert others["visible 2xx"] > SEQUENCES / 3
    assert others["diverged"] * 50 < SEQUENCES

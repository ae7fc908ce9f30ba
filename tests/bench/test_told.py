"""Statements as they are shown, and the cores that a measurement is given."""

from __future__ import annotations

import pytest

from bench.processes import Run, cores, told
from bench.statements import LONGEST, short


def test_a_statement_is_shown_on_one_line_without_what_it_selects() -> None:
    query = (
        "SELECT a.id, a.compartment, a.version, a.type, a.custodian,\n  a.body -- all\n"
        "FROM hallpass.resource a\nWHERE x || y"
    )
    assert short(query) == "SELECT … FROM resource a WHERE x ¦¦ y"


def test_a_few_columns_are_shown() -> None:
    assert short("SELECT count(*) FROM hallpass.access") == "SELECT count(*) FROM access"


def test_a_long_statement_is_cut_off() -> None:
    assert len(short("UPDATE " + "x" * 500)) == LONGEST


@pytest.mark.parametrize(
    ("count", "api", "others"),
    [(1, [0, 0], [0]), (2, [0, 1], [1]), (3, [0, 1], [2]), (4, [0, 1], [2, 3])],
)
def test_the_database_has_the_cores_that_two_processes_leave_free(
    count: int, api: list[int], others: list[int]
) -> None:
    assert cores(count) == (api, others)


def test_where_no_core_is_free_it_says_what_could_be_seen_at_the_most() -> None:
    run = Run(1000, 0.4, 0.3, 0.1)
    assert "a ratio of 1.00 at the most" in told(run, run, [0, 1], [1])
    assert "at the most" not in told(run, run, [0, 1], [2, 3])

"""What a start and a command say when something is wrong is listed in one page, and each message says what to do."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import URL

from app.db.faults import ADVICE, told
from tests.running import fresh_environment, hallpass

ROOT = Path(__file__).resolve().parents[1]
PAGE = " ".join((ROOT / "docs" / "guides" / "messages.md").read_text().split())
RAISED = frozenset(
    {"UnsafeSettings", "BadAddress", "WrongSchema", "NoDatabase", "CannotListen", "Unsettled", "WrongKey"}
)
"""What `app/console.py` turns into one line."""
SHORTEST = 12


def texts(node: ast.AST) -> Iterator[str]:
    """The constant parts of a message."""
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def messages() -> dict[str, list[str]]:
    """Every constant part of the messages that are raised, by the place."""
    found = {}
    for path in sorted((ROOT / "app").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            call = node.exc if isinstance(node, ast.Raise) else None
            if isinstance(call, ast.Call) and getattr(call.func, "id", getattr(call.func, "attr", "")) in RAISED:
                parts = [" ".join(t.split()) for a in call.args for t in texts(a)]
                found[f"{path.relative_to(ROOT)}:{node.lineno}"] = [
                    p.strip(" :;,.") for p in parts if len(p) > SHORTEST
                ]
    return found


@pytest.mark.parametrize("place", messages())
def test_each_message_is_in_the_page(place: str) -> None:
    plain = PAGE.replace("`", "")
    assert [part for part in messages()[place] if part.replace("`", "") not in plain] == []


@pytest.mark.parametrize("state", ADVICE)
def test_what_postgresql_says_is_passed_on_with_what_to_do_and_the_page_lists_it(state: str) -> None:
    error = asyncpg.PostgresError.new({"C": state.ljust(5, "0"), "M": "what it says", "S": "FATAL", "V": "FATAL"})
    said = told(error, "db.example.org:5432, database exchange")
    assert said == (
        "the database cannot be used (db.example.org:5432, database exchange): PostgreSQL says: what it says. "
        f"{ADVICE[state]}"
    )
    assert ADVICE[state] in PAGE


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("DATABASE_URL", "postgresql://owner:secret@127.0.0.1:1/exchange", "Start PostgreSQL there, or correct"),
        ("DATABASE_URL", "postgresql://owner:secret@absent.invalid/exchange", "the host's name is not known."),
        ("DATABASE_URL", "mysql://owner:secret@127.0.0.1/exchange", "it must begin with postgresql://"),
        ("DATABASE_URL", "postgresql://h/exchange?password=secret&sslrootcert=/absent", "names a file that cannot be"),
        ("DATABASE_URL", "postgresql://owner:secret@h/exchange?connect_timeout=x", "is not a whole number of seconds"),
        ("DATABASE_URL", "postgresql://owner:secret@h/exchange?unheard=1", "is not supported; remove it."),
        ("HALLPASS_UNHEARD_OF", "1", "unknown setting"),
        ("HALLPASS_KEY", "secret", "HALLPASS_KEY"),
    ],
)  # fmt: skip
def test_a_fault_that_is_drawn_is_said_in_one_line_that_the_page_has(
    tmp_path: Path, name: str, value: str, said: str
) -> None:
    found = hallpass("doctor", environment={**fresh_environment(tmp_path), name: value})
    assert (found.exit_code, found.stderr.count("\n"), "secret" in found.stderr) == (2, 1, False), found.output
    assert said in found.stderr
    assert said in PAGE


def test_a_missing_database_is_said_with_how_to_make_it(server: URL, tmp_path: Path) -> None:
    url = server.set(database="hallpass_test_unmade").render_as_string(hide_password=False)
    found = hallpass("doctor", environment={**fresh_environment(tmp_path), "DATABASE_URL": url})
    assert re.search(r"there is no such database \(.*hallpass_test_unmade\)", found.stderr)
    assert "hallpass migrate --create" in found.stderr


def test_each_fault_of_the_drill_names_the_test_that_draws_it() -> None:
    rows = [line for line in (ROOT / "docs" / "guides" / "faults.md").read_text().splitlines() if line.startswith("| ")]
    named = {
        row.split("|")[1].strip(): re.findall(r"(?:tests|assurance)/[\w/.]+", row.split("|")[-2]) for row in rows[1:]
    }
    assert [fault for fault, tests in named.items() if not tests] == []
    assert [t for tests in named.values() for t in tests if not (ROOT / t).exists()] == []

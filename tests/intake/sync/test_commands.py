"""`hallpass sync` and `hallpass inbox`: what they keep, and what they refuse before anything is kept."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from app.auth.jose import generate
from app.cli import app
from app.db.engine import Database

SERVICE = "https://sis.example/ims/oneroster/v1p1"


@pytest.fixture
def hallpass(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a command on the test's database; answers its status and what it printed."""
    monkeypatch.setenv("DATABASE_URL", db.owner.render_as_string(hide_password=False))
    monkeypatch.setenv("HALLPASS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("HALLPASS_SYNC_HOSTS", '["sis.example"]')
    (tmp_path / "key.json").write_bytes(orjson.dumps(generate()))
    (tmp_path / "sis.toml").write_text("[bearer]\ntoken = 'hush'\n")

    def run(*command: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, [c.replace("@", f"{tmp_path}/") for c in command])
        return result.exit_code, re.sub(r"\s+", " ", result.output)

    return run


ADD = ("--client", "district", "--key", "@key.json", "--credentials", "@sis.toml")


def test_a_source_is_added_listed_and_removed(hallpass: Any) -> None:
    status, said = hallpass("sync", "add", "cedar", "oneroster", SERVICE, *ADD)
    assert (status, "cedar is fetched at 15 2 * * * UTC" in said) == (0, True)
    assert hallpass("sync", "add", "cedar", "oneroster", SERVICE, *ADD)[0] == 2
    status, said = hallpass("sync", "list")
    assert (status, said.strip()) == (0, f"cedar oneroster {SERVICE} district 15 2 * * * never run")
    assert hallpass("sync", "remove", "cedar") == (0, "cedar is forgotten ")
    assert hallpass("sync", "remove", "cedar")[0] == 2


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("add", "x", "oneroster", "https://other.example/v1p1", *ADD), "HALLPASS_SYNC_HOSTS"),
        (("add", "x", "oneroster", "http://sis.example/v1p1", *ADD), "is not https"),
        (("add", "x", "csv", SERVICE, *ADD), "oneroster or edfi"),
        (("add", "x", "edfi", SERVICE, *ADD, "--at", "nightly"), "five fields of cron"),
        (("run", "x"), "There is no source x"),
    ],
)
def test_what_is_unfit_is_refused(hallpass: Any, capfd: pytest.CaptureFixture[str], command: Any, said: str) -> None:
    status, printed = hallpass("sync", *command)
    assert status == 2
    assert said in printed + capfd.readouterr().err


def test_a_source_that_cannot_run_says_why_in_the_list(hallpass: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert hallpass("sync", "add", "cedar", "oneroster", SERVICE, *ADD)[0] == 0
    monkeypatch.setenv("HALLPASS_SYNC_HOSTS", "[]")
    assert hallpass("sync", "run", "cedar")[0] == 2
    assert "could not run: The host of" in hallpass("sync", "list")[1]


def test_an_inbox_is_added_by_its_directory(hallpass: Any, tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    status, said = hallpass("inbox", "@drop", "--client", "district", "--key", "@key.json")
    assert (status, "drop: the worker looks into" in said) == (0, True)
    assert (tmp_path / "drop" / "refused").is_dir()
    assert hallpass("inbox", "@none", "--client", "district", "--key", "@key.json")[0] == 2

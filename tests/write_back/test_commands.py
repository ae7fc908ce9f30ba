"""`hallpass sync write-back`: what it keeps, and what it refuses before anything is kept."""

from __future__ import annotations

from typing import Any

import pytest

from tests.intake.sync.test_commands import ADD, hallpass  # noqa: F401 - a fixture

ODS = "https://sis.example/ods"


def test_a_write_back_is_added_listed_and_removed(hallpass: Any) -> None:  # noqa: F811
    status, said = hallpass("sync", "write-back", "ods", ODS, *ADD, "--district", "255901")
    assert (status, "ods is written to at */15 * * * * UTC" in said) == (0, True)
    assert hallpass("sync", "list")[1].strip() == f"ods write-back {ODS} district */15 * * * * never run"
    assert "hush" not in hallpass("sync", "list")[1]
    assert hallpass("sync", "remove", "ods") == (0, "ods is forgotten ")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("https://other.example/ods", *ADD, "--district", "255901"), "HALLPASS_SYNC_HOSTS"),
        (("http://sis.example/ods", *ADD, "--district", "255901"), "is not https"),
        ((ODS, *ADD, "--district", "cedar"), "LocalEducationAgencyId"),
        ((ODS, *ADD, "--district", "255901", "--at", "nightly"), "five fields of cron"),
    ],
)
def test_what_is_unfit_is_refused(
    hallpass: Any,  # noqa: F811
    capfd: pytest.CaptureFixture[str],
    command: Any,
    said: str,
) -> None:
    status, printed = hallpass("sync", "write-back", "ods", *command)
    assert status == 2
    assert said in " ".join((printed + capfd.readouterr().err).split())
    assert hallpass("sync", "list")[1].strip() == ""

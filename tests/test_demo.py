"""`hallpass demo` tells the whole story, leaves nothing behind, and stops with an error where the server differs."""

from __future__ import annotations

import io
import os
import subprocess
import tempfile
from pathlib import Path

import httpx
import psutil
import pytest
from rich.console import Console

from app.demo.members import AGREEMENTS, CLINIC
from app.demo.stage import fresh_stage
from app.demo.story import AS_TOLD, OTHERWISE, tell
from app.demo.telling import Telling
from app.intake.edfi.generate import generate
from tests.running import BIN


@pytest.fixture(scope="module")
def roster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Ed-Fi folder of a made-up district."""
    folder = tmp_path_factory.mktemp("roster")
    generate(folder, 15)
    return folder


def test_the_story_is_told_to_its_end_and_nothing_of_it_is_left(roster: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="hallpass-test-") as folder:
        told = subprocess.run(
            [BIN / "hallpass", "demo", "--roster", roster],
            env={**os.environ, "TMPDIR": folder, "HALLPASS_REQUIRE_AGREEMENT": "false"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert told.returncode == AS_TOLD, told.stdout + told.stderr
        assert list(Path(folder).glob("hallpass-demo-*")) == []
    steps = [line.partition(".")[0] for line in told.stdout.splitlines() if line[:1].isdigit()]
    assert steps == [str(n) for n in range(1, 18)]
    assert told.stdout.rstrip().endswith("All of it is as it should be.")
    assert [p for p in psutil.process_iter(["cmdline"]) if folder in " ".join(p.info["cmdline"] or ())] == []
    address = next(line for line in told.stdout.splitlines() if "A fresh server is at" in line).split()[-1]
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{address}/health")


async def test_the_story_ends_with_an_error_at_the_first_thing_that_differs(roster: Path) -> None:
    spoken = Console(file=io.StringIO(), width=200)
    without = tuple(pair for pair in AGREEMENTS if CLINIC not in pair)
    async with fresh_stage(os.environ.get("DATABASE_URL")) as stage:
        assert await tell(stage, roster, Telling(spoken), agreements=without) == OTHERWISE
    assert isinstance(spoken.file, io.StringIO)
    text = spoken.file.getvalue()
    assert text.rstrip().splitlines()[-1].startswith("  - The clinic finds the one referral with its student.")
    assert "6. The clinic accepts" not in text

"""Clients from npm that people use, unmodified, against a server process. What each does is in clients/*.mjs."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conformance.demo import Demo
from tests.conformance.fetched import node_modules

SCRIPTS = sorted((Path(__file__).parent / "clients").glob("*.mjs"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda s: s.stem)
def test_a_client_works(demo: Demo, script: Path, tmp_path: Path) -> None:
    """Node finds the libraries above the script, so the script goes below them."""
    folder = node_modules() / f"run-{os.getpid()}-{script.stem}"
    folder.mkdir()
    try:
        shutil.copy(script, folder)
        ran = subprocess.run(
            ["node", folder / script.name],
            env=demo.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    finally:
        shutil.rmtree(folder)
    assert ran.stdout.strip() == "done", ran.stdout + ran.stderr

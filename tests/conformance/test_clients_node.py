"""Programs from npm that people use, unmodified: clients of a server process, and a reader of the FHIR package.

What each does is in clients/*.mjs.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from app.capability import package
from app.capability.catalog import ours
from app.terminology import definition
from tests.conformance.demo import Demo
from tests.conformance.fetched import node_modules

CLIENTS = Path(__file__).parent / "clients"
PACKAGE = "package"
SCRIPTS = sorted(p.stem for p in CLIENTS.glob("*.mjs") if p.stem != PACKAGE)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_client_works(demo: Demo, script: str) -> None:
    require_done(script, demo.environment)


def test_a_reader_of_packages_finds_each_definition_under_its_url(tmp_path: Path) -> None:
    definitions = [{k: d[k] for k in ("resourceType", "id", "url")} for d in ours()]
    told = {"TGZ": str(package.write(tmp_path)), "NAME": definition.PACKAGE, "VERSION": definition.VERSION}
    require_done(PACKAGE, {**os.environ, **told, "DEFINITIONS": json.dumps(definitions)})


def require_done(script: str, environment: dict[str, str]) -> None:
    """Run a script to its end. Node finds the libraries above the script, so the script goes below them."""
    folder = node_modules() / f"run-{os.getpid()}-{script}"
    folder.mkdir()
    try:
        shutil.copy(CLIENTS / f"{script}.mjs", folder)
        ran = subprocess.run(
            ["node", folder / f"{script}.mjs"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    finally:
        shutil.rmtree(folder)
    assert ran.stdout.strip() == "done", ran.stdout + ran.stderr

"""A copy of the project with files added: what a contributor's change comes to, without changing the project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from sqlalchemy import URL

ROOT = Path(__file__).parents[2]
PLANTED = Path(__file__).parent / "planted"
_LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "node_modules", "*.egg-info", "bench", "planted")


def added(name: str, folder: Path) -> list[str]:
    """Copy the project to a folder, with the files planted under a name; which of them are the product's."""
    shutil.copytree(ROOT, folder, ignore=_LEFT_OUT)
    shutil.copytree(PLANTED / name, folder, dirs_exist_ok=True)
    files = [p.relative_to(PLANTED / name) for p in (PLANTED / name).rglob("*") if p.is_file()]
    return sorted(str(f) for f in files if f.parts[0] not in ("tests", "docs") and "__pycache__" not in f.parts)


def passes(folder: Path, server: URL, *tests: str) -> None:
    """Run tests in the copy, against the same PostgreSQL; fail with what they print."""
    environment = {**os.environ, "DATABASE_URL": server.render_as_string(hide_password=False), "PYTHONPATH": "."}
    environment.pop("DATABASE_TEMPLATE", None)
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]

"""The import contract: what goes round the access service is found before it runs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLANTED = {
    "app/api/planted.py": "from app.exchange import release\nfrom app.db import read\n",
    "app/db/planted.py": "from app.api import http\n",
    "app/search/planted.py": "import sqlalchemy\n",
    "app/intake/planted.py": "import jose\n",
}


def test_an_import_that_goes_round_the_access_service_breaks_the_contract_and_without_it_all_are_kept(
    tmp_path: Path,
) -> None:
    shutil.copytree(ROOT / "app", tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    assert "BROKEN" not in contracts(tmp_path)
    for name, text in PLANTED.items():
        (tmp_path / name).write_text(f'"""Planted."""\n\n{text}')
    told = contracts(tmp_path)
    for contract in (
        "Imports run one way",
        "One door: only the access service reads and writes the store",
        "Only the access service releases",
        "Pure cores know no database and no framework",
        "All JOSE goes through one module",
    ):
        assert f"{contract} BROKEN" in told


def contracts(root: Path) -> str:
    """What import-linter says about the tree at `root`."""
    program = (
        "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports_command; lint_imports_command()"
    )
    command = [sys.executable, "-c", program, "--no-cache"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=False)
    assert "Analyzed" in done.stdout, done.stdout + done.stderr
    return " ".join(done.stdout.split())

"""Programs of others that are too heavy for the development set: fetched once, by their own means, into the cache."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "hallpass"
SMART_FETCH = "smart-fetch==1.0.3"
FETCHING_SECONDS = 600


def node_modules() -> Path:
    """A folder with the npm clients of clients/package.json; the test is skipped where they cannot be had."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("there is no Node.js on this machine")
    wanted = (HERE / "clients" / "package.json").read_bytes()
    place = CACHE / f"npm-{sha256(wanted).hexdigest()[:12]}"
    fresh = _fresh(place)
    if fresh is not None:
        (fresh / "package.json").write_bytes(wanted)
        _fetch(["npm", "install", "--no-audit", "--no-fund", "--omit=optional", "--prefix", str(fresh)], fresh, place)
    return place


def smart_fetch() -> tuple[list[str], dict[str, str]]:
    """The command of smart-fetch with its environment; the test is skipped where it cannot be had."""
    place = CACHE / SMART_FETCH.replace("==", "-")
    fresh = _fresh(place)
    if fresh is not None:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(fresh)]
        _fetch([*pip, SMART_FETCH], fresh, place)
    code = "from smart_fetch.cli.main import main_cli; main_cli()"
    return [sys.executable, "-c", code], {**os.environ, "PYTHONPATH": str(place)}


def _fresh(place: Path) -> Path | None:
    """A folder to fetch into, or None where it has been fetched."""
    if place.is_dir():
        return None
    fresh = place.with_name(f"{place.name}.{os.getpid()}")
    fresh.mkdir(parents=True)
    return fresh


def _fetch(command: list[str], fresh: Path, place: Path) -> None:
    """Run it; what is there afterwards takes its place as a whole."""
    ran = subprocess.run(command, capture_output=True, text=True, timeout=FETCHING_SECONDS, check=False)
    if ran.returncode != 0:
        shutil.rmtree(fresh, ignore_errors=True)
        pytest.skip(f"{command[0]} cannot fetch {place.name}: is there a registry?")
    if not place.is_dir():
        fresh.rename(place)

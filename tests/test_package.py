"""The installed package brings all that the server needs: the schema and the migrations too."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_a_wheel_holds_every_file_of_the_schema_and_every_migration(tmp_path: Path) -> None:
    copied = tmp_path / "source"
    copied.mkdir()
    for name in ("pyproject.toml", "README.md", "app", "migrations", "schema"):
        (copied / name).symlink_to(ROOT / name)
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "--quiet",
        "-w",
        tmp_path,
        copied,
    ]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    needed = [*ROOT.glob("schema/**/*.sql"), *ROOT.glob("migrations/**/*.py"), *ROOT.glob("app/**/*.json")]
    assert needed
    assert [str(path) for path in needed if str(path.relative_to(ROOT)) not in held] == []

"""Copies of migrations/ and schema/, for a test to change."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from app.db.migrate import HERE, Source


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """A copy of migrations/ and schema/."""
    shutil.copytree(HERE.migrations, tmp_path / "migrations", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(HERE.schema, tmp_path / "schema", ignore=shutil.ignore_patterns("__pycache__"))
    return Source(migrations=tmp_path / "migrations", schema=tmp_path / "schema")


def edit(source: Source, name: str, before: str, after: str) -> None:
    """Replace a text in a file of the copied schema/."""
    path = source.schema / name
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))

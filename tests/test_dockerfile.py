"""The image is made of what is there: nothing here can build it, so its text is held to the repository."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINES = (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
COPIED = [source for line in LINES if (m := re.match(r"COPY (?!--from)(.+) \S+$", line)) for source in m[1].split()]


@pytest.mark.parametrize("source", COPIED)
def test_what_the_image_copies_is_there_and_not_ignored(source: str) -> None:
    assert (ROOT / source).exists()
    assert f"!{source}" in (ROOT / ".dockerignore").read_text().splitlines()


def test_everything_that_the_package_is_made_of_is_copied() -> None:
    assert set(COPIED) == {"app", "migrations", "schema", "pyproject.toml", "README.md", "requirements.txt"}


def test_the_image_runs_as_somebody_other_than_root() -> None:
    users = [line.split()[1] for line in LINES if line.startswith("USER ")]
    assert users[-1:] == ["hallpass"]


def test_the_dependencies_are_installed_by_their_hashes_alone() -> None:
    installs = [line for line in LINES if "pip install" in line]
    assert any("--require-hashes" in line and "requirements.txt" in line for line in installs)
    assert all("--no-deps" in line for line in installs)


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_each_requirement_is_pinned_with_hashes_and_names_no_index(name: str) -> None:
    text = (ROOT / name).read_text().replace("\\\n", " ")
    requirements = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    assert requirements
    assert [r for r in requirements if not re.match(r"[A-Za-z0-9._-]+==\S+\s.*--hash=sha256:[0-9a-f]{64}", r)] == []
    assert "://" not in text

"""The image is made of what is there: nothing here can build it, so its text is held to the repository."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from app.cli import COMMANDS
from app.settings import Settings, variable

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


COMPOSE = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
OURS = {name: s for name, s in COMPOSE["services"].items() if "build" in s}


def test_the_compose_file_names_only_settings_and_commands_that_there_are() -> None:
    known = {variable(name) for name in Settings.model_fields}
    assert {name for service in OURS.values() for name in service["environment"]} <= known
    assert {service["command"][0] for service in OURS.values()} <= set(COMMANDS)


def test_every_process_of_ours_runs_without_rights_and_writes_into_its_volumes_alone() -> None:
    for service in OURS.values():
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    used = {volume.split(":")[0] for s in COMPOSE["services"].values() for volume in s.get("volumes", ())}
    assert used == set(COMPOSE["volumes"])


def test_only_the_proxy_is_reached_from_outside_and_no_secret_is_in_the_file() -> None:
    assert [name for name, service in COMPOSE["services"].items() if "ports" in service] == ["proxy"]
    secrets = [service["environment"][n] for service in OURS.values() for n in ("HALLPASS_KEY", "DATABASE_URL")]
    assert all("${" in secret for secret in secrets)

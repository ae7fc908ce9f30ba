"""The README is true: its commands run, print what it shows, and its table of settings is the program's."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.office.roles import ROLES
from app.settings import Settings, default_of
from tests.office.people import hidden
from tests.running import Running, serving

README = (Path(__file__).parents[1] / "README.md").read_text()
STEPS = re.findall(r"```bash run\n(.*?)```\n```text\n(.*?)```", README, re.DOTALL)
MARK = "=== end of step ==="


@pytest.fixture(scope="module")
def demo() -> Iterator[Running]:
    """`hallpass serve --demo`, ready."""
    with serving("--demo", until="Stop with Ctrl-C") as found:
        yield found


def test_the_line_that_the_server_gives_to_try_works_as_it_stands(demo: Running) -> None:
    said = (demo.folder / "log").read_text()
    line = said.partition("Ask as the clinic:")[2].partition("Stop with")[0]
    assert '"total": 1,' in shell(demo, line)


def test_each_role_has_a_link_that_signs_one_person_in_to_the_office(demo: Running) -> None:
    said = (demo.folder / "log").read_text()
    links = re.findall(r"\S+/office/enter/\S+", said)
    found = set()
    for link in links:
        with httpx.Client(follow_redirects=True) as browser:
            browser.post(link, data=hidden(browser.get(link))).raise_for_status()
            page = browser.get(f"{demo.url}/office").text
            found |= {r.title for r in ROLES.values() if f", {r.title}" in page}
    assert found == {r.title for r in ROLES.values()}
    assert len(links) == len(ROLES)


def test_every_command_of_the_walk_prints_what_the_readme_shows(demo: Running) -> None:
    script = f'\necho "{MARK}"\n'.join(command for command, _ in STEPS)
    printed = shell(demo, script.replace("http://127.0.0.1:8000", demo.url)).split(MARK)
    assert len(printed) == len(STEPS) > 5
    for output, (_, shown) in zip(printed, STEPS, strict=True):
        for line in shown.splitlines():
            assert all(part in output for part in line.split(" ... ")), f"not printed: {line}\n{output}"


def test_every_command_marked_to_run_is_followed_by_what_it_shows() -> None:
    assert len(STEPS) == README.count("```bash run\n")


def test_the_table_of_settings_is_that_of_the_program() -> None:
    assert settings_table() in README, f"README.md needs this table:\n\n{settings_table()}"


def test_every_path_that_the_readme_links_to_is_there() -> None:
    root = Path(__file__).parents[1]
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    assert [link for link in links if not (root / link).exists()] == []


def shell(demo: Running, script: str) -> str:
    """What a script prints that runs beside the server."""
    if not shutil.which("curl"):
        pytest.skip("curl is not on this machine")
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=demo.folder,
        env=demo.environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr + ran.stdout
    return ran.stdout


def settings_table() -> str:
    """The settings as a table: variable, default, what it does."""
    rows = []
    for name, field in Settings.model_fields.items():
        variable = str(field.validation_alias or f"HALLPASS_{name.upper()}")
        value = default_of(name)
        default = "" if value in (None, ()) else f"`{value}`"
        rows.append(f"| `{variable}` | {default} | {field.description} |")
    return "\n".join(["| variable | default | |", "|---|---|---|", *rows])

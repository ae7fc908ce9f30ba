"""The guides are true: each is run as it stands, and prints what it shows."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Running, serving

FOLDER = Path(__file__).parents[2] / "docs" / "guides"
STEP = re.compile(r"```(bash|python) run\n(.*?)```\n\n?```text\n(.*?)```", re.DOTALL)
MARK = "=== end of step ==="
OF_DEMO = ("README", "roster", "referrals", "portal", "bulk", "office", "disclosures", "releases")
"""The guides that use the made-up network, in an order in which each finds what it needs."""
OF_OPERATOR = ("network", "leaving", "expunging")
"""The guides that begin in an empty folder."""
TOLD = ("operations", "partners", "reports", "families", "faults", "messages", "signing", "write-back", "failover")
"""The guides without a step that is run."""
ELSEWHERE = ("adding", "backup")
"""Those that tests/contributing and tests/witness run."""


@pytest.fixture(scope="module")
def demo() -> Iterator[Running]:
    """`hallpass serve --demo`, ready: one for all, as somebody would read them in a row."""
    with serving("--demo", until="Stop with Ctrl-C", HALLPASS_WORKER="true") as found:
        yield found


@pytest.mark.parametrize("name", OF_DEMO)
def test_a_guide_prints_what_it_shows(demo: Running, name: str) -> None:
    follow(demo, name)


@pytest.mark.parametrize("name", OF_OPERATOR)
def test_an_operators_guide_prints_what_it_shows(name: str) -> None:
    with serving(HALLPASS_WORKER="true") as fresh:
        follow(fresh, name)


def test_every_guide_is_run_and_listed() -> None:
    names = {p.stem for p in FOLDER.glob("*.md")}
    assert names == {*OF_DEMO, *OF_OPERATOR, *TOLD, *ELSEWHERE}
    listed = set(re.findall(r"\]\(([\w-]+)\.md\)", (FOLDER / "README.md").read_text()))
    assert listed == names - {"README"}


@pytest.mark.parametrize("name", [*OF_DEMO, *OF_OPERATOR])
def test_every_step_is_followed_by_what_it_prints(name: str) -> None:
    text = (FOLDER / f"{name}.md").read_text()
    assert len(STEP.findall(text)) == len(re.findall(r"^```\w+ run$", text, re.MULTILINE)) > 0
    links = [link for link in re.findall(r"\]\(([^)#:]+)\)", text) if not (FOLDER / link).exists()]
    assert links == []


@pytest.mark.parametrize("name", ["roster", "referrals", "portal", "releases", "disclosures", "network"])
def test_a_guide_is_in_curl_and_in_python(name: str) -> None:
    kinds = {kind for kind, _, _ in STEP.findall((FOLDER / f"{name}.md").read_text())}
    assert kinds == {"bash", "python"}


def follow(server: Running, name: str) -> None:
    """Run a guide's steps one after the other in one shell, and compare what each prints."""
    if not shutil.which("curl"):
        pytest.skip("curl is not on this machine")
    steps = STEP.findall((FOLDER / f"{name}.md").read_text())
    script = f'\necho "{MARK}"\n'.join(_command(kind, code) for kind, code, _ in steps)
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script.replace("http://127.0.0.1:8000", server.url)],
        cwd=server.folder,
        env=server.environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    for output, (_, _, shown) in zip(ran.stdout.split(MARK), steps, strict=True):
        for line in shown.splitlines():
            assert all(part in output for part in line.split(" ... ")), f"not printed: {line}\n{output}"


def _command(kind: str, code: str) -> str:
    return code if kind == "bash" else f"python - <<'PYTHON'\n{code}PYTHON\n"

"""The list of what the image is made of (CycloneDX) has each requirement, with its version and hashes."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_the_bill_of_materials_names_each_requirement_with_its_version_and_hashes(tmp_path: Path) -> None:
    pytest.importorskip("cyclonedx_py")
    recipe = re.search(r"^sbom:.*\n\t(.*)$", (ROOT / "Makefile").read_text(), flags=re.M)
    assert recipe is not None
    command = recipe[1].lstrip("@").replace("$(BIN)", str(ROOT / ".venv" / "bin"))
    file = tmp_path / "sbom.json"
    ran = command.replace("hallpass.cdx.json", str(file)).split()
    subprocess.run(ran, cwd=ROOT, capture_output=True, timeout=120, check=True)
    listed = {c["name"].lower(): c for c in json.loads(file.read_text())["components"]}
    pinned = dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s\\]+)", (ROOT / "requirements.txt").read_text(), flags=re.M))
    assert {name.lower(): version for name, version in pinned.items()} == {n: c["version"] for n, c in listed.items()}
    assert all(c["externalReferences"][0]["hashes"] for c in listed.values())

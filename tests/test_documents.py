"""The documents are true: what they name is there, and what is there is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
PACKAGES = sorted(f"app/{path.parent.name}" for path in (ROOT / "app").glob("*/__init__.py"))
MODULES = sorted(f"app/{path.name}" for path in (ROOT / "app").glob("*.py") if path.name != "__init__.py")
FOLDERS = ("schema", "migrations", "tools", "tests", "assurance", "bench", "docs", "openapi")
DOCUMENTS = sorted(
    str(path.relative_to(ROOT)) for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/*/*.md"))
)


@pytest.mark.parametrize("package", PACKAGES)
def test_the_readmes_map_and_the_walk_through_the_tree_name_every_package(package: str) -> None:
    assert f"\n{package}/ " in README
    assert f"| `{package}` |" in ARCHITECTURE


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_readmes_map_names_every_folder(folder: str) -> None:
    assert f"{folder}/ " in README


@pytest.mark.parametrize("module", MODULES)
def test_the_walk_through_the_tree_names_every_module_beside_the_packages(module: str) -> None:
    assert f"`{module}`" in ARCHITECTURE


def test_a_read_is_followed_in_at_most_eight_files_that_are_there() -> None:
    walk = ARCHITECTURE.partition("## One read")[2].partition("What this leaves out")[0]
    steps = re.findall(r"^\d+\. `([^`]+)`", walk, flags=re.M)
    assert 0 < len(steps) <= 8
    assert [step for step in steps if not (ROOT / step).is_file()] == []


def test_every_path_that_the_architecture_names_is_there() -> None:
    paths = re.findall(r"`((?:app|schema|docs|tests|assurance|migrations)/[\w/.]*)`", ARCHITECTURE)
    rows = re.findall(r"^\| `(app/\w+)` \|.*\| ([^|]+) \|$", ARCHITECTURE, flags=re.M)
    paths += [f"{package}/{name}" for package, names in rows for name in re.findall(r"`([\w.]+)`", names)]
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_that_a_document_links_to_is_there(document: str) -> None:
    links = re.findall(r"\]\((?!https?:|mailto:)([^)#\s]+)[^)]*\)", (ROOT / document).read_text())
    assert [link for link in links if not (ROOT / document).parent.joinpath(link).exists()] == []


def test_every_target_that_a_document_names_is_in_the_makefile_and_has_a_line_in_help() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = {t for d in DOCUMENTS for t in re.findall(r"`make ([a-z-]+)", (ROOT / d).read_text())}
    assert [t for t in sorted(named) if not re.search(rf"^{t}:.*## ", makefile, flags=re.M)] == []


def test_each_decision_has_a_number_of_its_own_and_is_in_the_index() -> None:
    index = (ROOT / "docs" / "decisions" / "README.md").read_text()
    pages = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("0*.md"))
    assert re.findall(r"^\d+\. \[.*\]\((.*)\)$", index, flags=re.M) == pages
    assert len({page[:4] for page in pages}) == len(pages)

"""`hallpass export-...`: what the server serves about itself, as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from app.conformance import package
from app.conformance.page import page
from app.console import plainly
from app.fhir.reference import reference
from app.openapi.document import document
from app.openapi.serve import as_yaml
from app.settings import load


def export_openapi(
    folder: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("openapi"),
) -> None:
    """Write the OpenAPI document that the server serves, as JSON and as YAML."""
    with plainly():
        base_url = load().base_url
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "hallpass.json").write_text(json.dumps(document(base_url), indent=1, ensure_ascii=False) + "\n")
        (folder / "hallpass.yaml").write_bytes(as_yaml(base_url))
        for name in ("hallpass.json", "hallpass.yaml"):
            typer.echo(folder / name)


def export_reference(
    folder: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("docs"),
) -> None:
    """Write docs/reference.md and docs/profiles.md: what can be asked of the server, and what it carries."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("reference.md", reference()), ("profiles.md", page())):
        (folder / name).write_text(text)
        typer.echo(folder / name)


def export_package(
    folder: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("dist"),
) -> None:
    """Write the profiles, codes and examples as a FHIR package, which validators and other servers load."""
    typer.echo(package.write(folder))

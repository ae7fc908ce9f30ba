"""`hallpass export-...`: what the server serves about itself, as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from app.capability import package
from app.capability.gravity import gravity
from app.capability.page import page
from app.capability.reference import reference
from app.console import plainly
from app.openapi.document import document
from app.settings import load


def export_openapi(
    folder: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("openapi"),
) -> None:
    """Write the OpenAPI document that the server serves, as JSON: one line for each path and component."""
    with plainly():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "hallpass.json").write_text(lines(document(load().base_url)) + "\n", encoding="utf-8")
        typer.echo(folder / "hallpass.json")


def lines(value: Any, depth: int = 3) -> str:
    """JSON with a line for each member of the outermost objects, so that a difference can be read."""
    if depth == 0 or not isinstance(value, dict) or not value:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    members = (f"{json.dumps(k)}:{lines(v, depth - 1)}" for k, v in value.items())
    return "{\n" + ",\n".join(members) + "\n}"


def export_reference(
    folder: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("docs"),
) -> None:
    """Write reference.md, profiles.md and gravity.md: what can be asked of the server, and what it carries."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("reference.md", reference()), ("profiles.md", page()), ("gravity.md", gravity())):
        (folder / name).write_text(text)
        typer.echo(folder / name)


def export_package(
    folder: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("dist"),
) -> None:
    """Write the profiles, codes and examples as a FHIR package, which validators and other servers load."""
    typer.echo(package.write(folder))

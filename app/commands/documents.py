"""`hallpass export-openapi`: the document that the server serves, as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from app.commands.common import plainly
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

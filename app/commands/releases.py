"""`hallpass release`: from a signed form to a Consent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from app.consent.draft import draft as draft_of
from app.console import plainly
from app.errors import HallpassError, Kind

release = typer.Typer(help="Releases of information.", no_args_is_help=True)


@release.callback()
def _release() -> None:
    """Releases of information."""


@release.command()
def draft(form: Annotated[Path, typer.Argument(help="The fields of a signed form, as YAML or JSON.")]) -> None:
    """Print the Consent that a form makes, and explain each gap. Without a gap it is active, and can be filed."""
    with plainly():
        found = draft_of(_fields(form))
        typer.echo(json.dumps(found.consent, indent=2, ensure_ascii=False))
        for gap in found.gaps:
            typer.echo(f"{gap.field}: {gap.text}", err=True)
        if found.gaps:
            raise typer.Exit(1)


def _fields(form: Path) -> dict[str, Any]:
    """The fields in a file. Raises INVALID for what is no list of fields."""
    try:
        found = yaml.safe_load(form.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as e:
        raise HallpassError(Kind.INVALID, f"The form cannot be read: {e}") from None
    if not isinstance(found, dict):
        raise HallpassError(Kind.INVALID, "The form is a list of fields: `field: value`, one a line.")
    return {str(k): v for k, v in found.items()}

"""`hallpass settings`: the environment variables that the program reads."""

from __future__ import annotations

import typer

from app.settings import Settings, variable


def settings() -> None:
    """List the settings, each with its default and what it does."""
    for name, field in Settings.model_fields.items():
        default = "none" if field.default in (None, ()) else field.default
        typer.echo(f"{variable(name)}  [{default}]\n    {field.description}")

"""`hallpass settings`: the environment variables that the program reads."""

from __future__ import annotations

import typer

from app.settings import Settings, default_of, variable


def settings() -> None:
    """List the settings, each with its default and what it does."""
    for name, field in Settings.model_fields.items():
        value = default_of(name)
        default = "none" if value in (None, ()) else value
        typer.echo(f"{variable(name)}  [{default}]\n    {field.description}")

"""`hallpass serve` and `hallpass demo`: the server, and the story that is told against one."""

from __future__ import annotations

import signal
from functools import partial
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console

from app.console import plainly
from app.demo import people, seed, story
from app.demo.api import Unexpected
from app.demo.banner import banner
from app.errors import HallpassError
from app.server import serve as run_server
from app.settings import Settings, load


def serve(
    demo: Annotated[bool, typer.Option("--demo", help="Fill a fresh database with made-up data.")] = False,
) -> None:
    """Start the API. Its settings are environment variables; `hallpass settings` lists them."""
    with plainly():
        chosen = load()
        if demo:
            seed.require_fresh()
        run_server(chosen, partial(_ready, chosen, demo))


def _ready(chosen: Settings, demo: bool) -> None:
    """Say where the server is; with `demo`, after the data is there. Without it, the server stops again."""
    try:
        typer.echo(_made_up(chosen) if demo else f"Hallpass serves {chosen.fhir_base}")
    except (HallpassError, Unexpected, httpx.HTTPError) as e:
        typer.echo(f"hallpass: the made-up data could not be stored: {e}", err=True)
        signal.raise_signal(signal.SIGTERM)


def _made_up(chosen: Settings) -> str:
    members = seed.seed(chosen)
    return banner(chosen, members, people.links(members))


def demo(
    roster: Annotated[
        Path | None,
        typer.Option(help="A folder of Ed-Fi files; otherwise the sample in ../shared/data, or a made-up one."),
    ] = None,
    picture: Annotated[Path | None, typer.Option(help="A file for the picture at its end: .svg or .png.")] = None,
) -> None:
    """Tell the story of one referral against a fresh server of its own. Exit status 1: something differs from it."""
    with plainly():
        raise typer.Exit(story.run(roster, Console(), picture))

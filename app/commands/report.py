"""`hallpass report`: what came of referrals, as a table and a picture. docs/guides/reports.md"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import httpx
import orjson
import typer
from rich.console import Console
from rich.table import Table

from app.errors import HallpassError, Kind
from app.intake.token import Tokens, private_key
from app.report.community import MEASURES, Published, read, together
from app.report.figures import DIMENSIONS
from app.report.table import by, draw, rows
from app.settings import DEFAULT_URL
from app.terminal import plainly

report = typer.Typer(help="Reports, over the API.", no_args_is_help=True)
SCOPE = "system/Organization.rs system/ServiceRequest.rs system/Task.rs system/Encounter.rs"


@report.callback()
def _report() -> None:
    """Reports, over the API."""


@report.command()
def referrals(
    client_id: Annotated[str, typer.Option("--client", help="The client's id.")],
    key: Annotated[Path, typer.Option(help="The file with the client's private key, a JWK.")],
    url: Annotated[str, typer.Option(envvar="HALLPASS_BASE_URL", help="The server's address.")] = DEFAULT_URL,
    org: Annotated[str | None, typer.Option(help="The organization's id; by default the client's own.")] = None,
    start: Annotated[str | None, typer.Option(help="The first day; by default a year before the last.")] = None,
    end: Annotated[str | None, typer.Option(help="The last day; by default today.")] = None,
    dimension: Annotated[str, typer.Option("--by", help=f"One of {', '.join(DIMENSIONS)}.")] = "category",
    picture: Annotated[Path | None, typer.Option(help="A file for a picture: .svg, .png or .pdf.")] = None,
) -> None:
    """Print what came of the referrals that an organization made or received, and draw it."""
    with plainly():
        if dimension not in DIMENSIONS:
            raise HallpassError(Kind.INVALID, f"--by is one of {', '.join(DIMENSIONS)}.")
        days = {k: v for k, v in (("start", start), ("end", end)) if v}
        found, names = asyncio.run(_fetch(client_id, key, url.rstrip("/"), org, days))
        show(Console(), found, names, dimension)
        if picture:
            draw(found, names, picture)
            typer.echo(f"Drawn to {picture}.")


def show(console: Console, found: dict[str, Any], names: dict[str, str], dimension: str) -> None:
    """Print the report, and what reached a service by one dimension."""
    period = found["period"]
    reporter = found["reporter"]["reference"]
    table = Table("", "", "of all", title=f"{names.get(reporter, reporter)}, {period['start']} to {period['end']}")
    for row in rows(found):
        table.add_row(*row)
    console.print(table)
    parts = Table(dimension, "made", "reached a service")
    for value, reached, made in by(found, "reached", dimension):
        parts.add_row(names.get(value, value), str(made), str(reached))
    console.print(parts)


@report.command()
def community(
    month: Annotated[str, typer.Option(help="The month, such as 2026-09.")],
    client_id: Annotated[str, typer.Option("--client", help="The client's id.")],
    key: Annotated[Path, typer.Option(help="The file with the client's private key, a JWK.")],
    url: Annotated[str, typer.Option(envvar="HALLPASS_BASE_URL", help="The server's address.")] = DEFAULT_URL,
    out: Annotated[Path | None, typer.Option(help="A file to publish: the MeasureReport.")] = None,
) -> None:
    """Print the counts of the client's organization that may be published, and write them to a file."""
    with plainly():
        path = f"$community-report?{urlencode({'month': month})}"
        found = asyncio.run(_community(client_id, key, url.rstrip("/"), path))
        show_community(Console(), read(found), month)
        if out:
            out.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2))


@report.command()
def county(
    files: Annotated[list[Path], typer.Argument(help="What districts have published: files of `report community`.")],
) -> None:
    """Print the sum of what districts have published for one month."""
    with plainly():
        try:
            found = [orjson.loads(f.read_bytes()) for f in files]
            tables = [read(f) for f in found]
        except (OSError, ValueError, KeyError, TypeError) as e:
            raise HallpassError(Kind.INVALID, "A file is no community report.") from e
        months = {f["period"]["start"][:7] for f in found}
        reporters = [f["reporter"]["reference"] for f in found]
        if len(months) != 1 or len(set(reporters)) != len(reporters):
            raise HallpassError(Kind.INVALID, "The files are of one month, and each of another district.")
        show_community(Console(), together(tables), f"{months.pop()}, {len(found)} districts")


def show_community(console: Console, found: Published, title: str) -> None:
    """Print a table of counts; what is not told is a dash."""
    table = Table("category", "area", *MEASURES, title=title)
    for place, counts in found.items():
        table.add_row(*place, *(str(counts.get(name, "–")) for name in MEASURES))
    console.print(table)


async def _community(client_id: str, key: Path, url: str, path: str) -> dict[str, Any]:
    async with httpx.AsyncClient(timeout=60) as http:
        tokens = Tokens(http, f"{url}/auth/token", client_id, private_key(key), scope=f"{SCOPE} system/Patient.rs")
        try:
            token = await tokens.get()
            headers = {"Authorization": f"Bearer {token.value}"}
            return _sound(await http.get(f"{url}/fhir/Organization/{token.organization}/{path}", headers=headers))
        except (httpx.RequestError, httpx.HTTPStatusError, httpx.InvalidURL) as e:
            raise HallpassError(Kind.UNAVAILABLE, f"{url} cannot be reached, or is busy.") from e


async def _fetch(
    client_id: str, key: Path, url: str, org: str | None, days: dict[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The report, and the names of the organizations in it."""
    async with httpx.AsyncClient(timeout=60) as http:
        tokens = Tokens(http, f"{url}/auth/token", client_id, private_key(key), scope=SCOPE)
        try:
            token = await tokens.get()
            own = org or token.organization
            headers = {"Authorization": f"Bearer {token.value}"}
            asked = f"{url}/fhir/Organization/{own}/$referral-report?{urlencode(days)}"
            found = _sound(await http.get(asked, headers=headers))
            ids = sorted(_organizations(found) | {str(own)})
            page = await http.get(f"{url}/fhir/Organization?_id={','.join(ids)}&_count=200", headers=headers)
        except (httpx.RequestError, httpx.HTTPStatusError, httpx.InvalidURL) as e:
            raise HallpassError(Kind.UNAVAILABLE, f"{url} cannot be reached, or is busy.") from e
    listed = [e["resource"] for e in _sound(page).get("entry", [])]
    return found, {f"Organization/{o['id']}": o.get("name", o["id"]) for o in listed}


def _organizations(found: dict[str, Any]) -> set[str]:
    """The ids of the organizations that a report has as values."""
    texts = {x["value"]["text"] for g in found["group"] for s in g.get("stratifier", []) for x in s["stratum"]}
    return {t.removeprefix("Organization/") for t in texts if t.startswith("Organization/")}


def _sound(response: httpx.Response) -> dict[str, Any]:
    body: dict[str, Any] = response.json()
    if not response.is_success:
        issues = body.get("issue", [])
        text = "; ".join(i.get("details", {}).get("text", "") for i in issues) or f"HTTP {response.status_code}"
        raise HallpassError(Kind.UNAVAILABLE, text)
    return body

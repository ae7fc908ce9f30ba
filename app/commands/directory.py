"""`hallpass directory`: services in by HSDS, and out. docs/guides/partners.md"""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import httpx
import orjson
import typer

from app.errors import HallpassError, Kind
from app.intake.hsds.command import SCOPE, Directory
from app.intake.hsds.package import services
from app.intake.token import Tokens, private_key
from app.settings import DEFAULT_URL
from app.terminal import plainly

directory = typer.Typer(help="The directory of services, by HSDS 3.0.", no_args_is_help=True)

Client = Annotated[str, typer.Option("--client", help="The client's id.")]
Key = Annotated[Path, typer.Option(help="The file with the client's private key, a JWK.")]
Url = Annotated[str, typer.Option(envvar="HALLPASS_BASE_URL", help="The server's address.")]


@directory.command("import")
def bring(
    source: Annotated[Path, typer.Argument(help="JSON services as the HSDS API gives them, or a folder of CSV files.")],
    client_id: Client,
    key: Key,
    url: Url = DEFAULT_URL,
) -> None:
    """File a directory's services. What others have filed stays theirs. Again, only what changed."""
    with plainly():
        found = services(source)

        async def work(exchange: Directory) -> Counter[str]:
            await exchange.bring(found)
            return exchange.report

        for text, count in sorted(asyncio.run(_with(client_id, key, url, work)).items()):
            typer.echo(f"{count:>7}  {text}")


@directory.command("export")
def write(
    file: Annotated[Path, typer.Argument(help="A file to write: a page of services, as the HSDS API has it.")],
    client_id: Client,
    key: Key,
    url: Url = DEFAULT_URL,
) -> None:
    """Write every service of the directory as HSDS 3.0."""
    with plainly():
        found = asyncio.run(_with(client_id, key, url, lambda exchange: exchange.services()))
        size = len(found)
        page = {"total_items": size, "total_pages": 1, "page_number": 1, "size": size, "first_page": True}
        page |= {"last_page": True, "empty": not found, "contents": found}
        file.write_bytes(orjson.dumps(page, option=orjson.OPT_INDENT_2))
        typer.echo(f"{size} services")


async def _with(client_id: str, key: Path, url: str, work: Any) -> Any:
    base = url.rstrip("/")
    async with httpx.AsyncClient(timeout=60) as http:
        tokens = Tokens(http, f"{base}/auth/token", client_id, private_key(key), scope=SCOPE)
        try:
            return await work(Directory(http, base, tokens))
        except (httpx.RequestError, httpx.HTTPStatusError, httpx.InvalidURL) as e:
            raise HallpassError(Kind.UNAVAILABLE, f"{base} cannot be reached, or is busy.") from e

"""`hallpass token`: an access token to call the API with by hand, got as any SMART backend service gets its own.
https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import httpx
import typer

from app.errors import HallpassError, Kind
from app.intake.token import Tokens, private_key
from app.settings import DEFAULT_URL
from app.terminal import plainly

EVERYTHING = "system/*.cruds"


def token(
    client_id: Annotated[str, typer.Option("--client", help="The client's id.")],
    key: Annotated[Path, typer.Option(help="The file with the client's private key, a JWK.")],
    scope: Annotated[
        str, typer.Option(help="What to ask for; what is granted is within the client's own.")
    ] = EVERYTHING,
    url: Annotated[str, typer.Option(envvar="HALLPASS_BASE_URL", help="The server's address.")] = DEFAULT_URL,
) -> None:
    """Print an access token for a client."""
    with plainly():
        typer.echo(asyncio.run(_token(client_id, key, scope, url.rstrip("/"))))


async def _token(client_id: str, key: Path, scope: str, url: str) -> str:
    async with httpx.AsyncClient(timeout=30) as http:
        tokens = Tokens(http, f"{url}/auth/token", client_id, private_key(key), scope=scope)
        try:
            return (await tokens.get()).value
        except httpx.HTTPStatusError as e:
            raise HallpassError(Kind.UNAVAILABLE, f"{url} is busy: HTTP {e.response.status_code}.") from e
        except (httpx.RequestError, httpx.InvalidURL) as e:
            raise HallpassError(Kind.UNAVAILABLE, f"{url} cannot be reached.") from e

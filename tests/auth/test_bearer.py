"""The bearer token of a request. https://datatracker.ietf.org/doc/html/rfc6750"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse

from app.auth.bearer import bearer
from app.auth.jose import read, sign
from app.caller import Caller
from app.errors import HallpassError
from tests.auth.support import BASE, World

SAID = "The access token does not hold: it has expired, was revoked, or is not one of this server's."


@asynccontextmanager
async def protected(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an app with one route that asks who calls."""
    app = FastAPI()
    app.state.auth = world.auth

    @app.api_route("/who", methods=["GET", "POST"])
    async def who(caller: Annotated[Caller, Depends(bearer)]) -> dict[str, Any]:
        return {"client": caller.client}

    @app.exception_handler(HallpassError)
    async def answer(_request: Request, error: HallpassError) -> JSONResponse:
        return JSONResponse([i.text for i in error.issues], error.status, error.headers)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE) as http:
        yield http


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_the_caller_is_the_client_of_the_token(world: World, scheme: str) -> None:
    client = await world.register()
    async with protected(world) as http:
        response = await http.get("/who", headers={"Authorization": f"{scheme} {await world.token(client)}"})
    assert (response.status_code, response.json()) == (200, {"client": client.id})


async def test_without_a_token_the_challenge_names_no_error(world: World) -> None:
    async with protected(world) as http:
        response = await http.get("/who")
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="hallpass"'


async def test_a_token_in_the_query_or_the_body_is_none(world: World) -> None:
    token = await world.token(await world.register())
    async with protected(world) as http:
        for response in (
            await http.get("/who", params={"access_token": token}),
            await http.post("/who", data={"access_token": token}),
            await http.get("/who", headers={"Cookie": f"access_token={token}"}),
        ):
            assert response.status_code == 401
            assert response.headers["WWW-Authenticate"] == 'Bearer realm="hallpass"'
            assert "/fhir/.well-known/smart-configuration" in response.text


async def test_all_failures_of_a_token_give_one_answer(world: World) -> None:
    client, disabled = await world.register(), await world.register()
    token, of_disabled = await world.token(client), await world.token(disabled)
    await world.disable(disabled)
    revoked = await world.token(client)
    await world.auth.tokens.revoke(await world.auth.tokens.read(revoked))
    claims = read(token)[1]
    key = await world.auth.keys.current()
    headers: list[list[tuple[str, str]]] = [
        [("Authorization", value)]
        for value in (
            "Bearer",
            "Bearer ",
            "Bearer x",
            "Bearer x.y.z",
            f"Basic {token}",
            token,
            f"Bearer {token} {token}",
            f"Bearer {token[:-4]}AAAA",
            f"Bearer {of_disabled}",
            f"Bearer {revoked}",
            f"Bearer {sign({**claims, 'exp': world.clock.now}, key, typ='at+jwt')}",
            f"Bearer {sign({**claims, 'aud': BASE}, key, typ='at+jwt')}",
            f"Bearer {world.assertion(client)}",
        )
    ]
    headers.append([("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}")])
    async with protected(world) as http:
        answers = [await http.get("/who", headers=h) for h in headers]
    assert {(a.status_code, a.text, a.headers["WWW-Authenticate"]) for a in answers} == {
        (
            401,
            f'["{SAID}"]',
            f'Bearer realm="hallpass", error="invalid_token", error_description="{SAID}"',
        )
    }

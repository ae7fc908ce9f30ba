"""Tokens of a backend service. https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from app.auth.jose import generate, public
from app.errors import HallpassError, Kind
from app.intake.token import SCOPE, Tokens, private_key
from app.scopes import allows, parse_scope
from tests.intake.stand_in import StandIn


async def tokens_of(stand_in: StandIn, http: httpx.AsyncClient, client_id: str = "district") -> Tokens:
    return Tokens(http, f"{stand_in.base_url}/auth/token", client_id, stand_in.key)


async def test_a_token_is_kept_until_it_is_old(stand_in: StandIn) -> None:
    """Many askers share one token request, and the caller's organization comes with it."""
    async with httpx.AsyncClient() as http:
        tokens = await tokens_of(stand_in, http)
        found = await asyncio.gather(*(tokens.get() for _ in range(20)))
    assert len(stand_in.tokens) == 1
    assert {t.organization for t in found} == {"d1"}


async def test_a_token_is_renewed_before_it_expires(stand_in: StandIn) -> None:
    """A token of one second is renewed at half its life, with a new assertion."""
    stand_in.token_seconds = 1
    async with httpx.AsyncClient() as http:
        tokens = await tokens_of(stand_in, http)
        first = await tokens.get()
        assert (await tokens.get()) is first
        await asyncio.sleep(0.6)
        assert (await tokens.get()).value != first.value
    assert len(set(stand_in.tokens)) == 2


async def test_a_token_without_a_life_is_used_once(stand_in: StandIn) -> None:
    """expires_in is optional (RFC 6749 5.1): without it nothing is assumed."""
    stand_in.token_seconds = 0
    async with httpx.AsyncClient() as http:
        tokens = await tokens_of(stand_in, http)
        assert (await tokens.get()).value != (await tokens.get()).value


async def test_only_the_refused_token_is_replaced(stand_in: StandIn) -> None:
    """A token that was refused is not given again; one that came after it is."""
    async with httpx.AsyncClient() as http:
        tokens = await tokens_of(stand_in, http)
        old = await tokens.get()
        new = await tokens.get(refused=old)
        assert new is not old
        assert await tokens.get(refused=old) is new


async def test_a_client_that_is_not_known_is_told_so(stand_in: StandIn) -> None:
    """The error of the token endpoint is passed on as LOGIN."""
    async with httpx.AsyncClient() as http:
        tokens = await tokens_of(stand_in, http, client_id="other")
        with pytest.raises(HallpassError, match="invalid_client") as refused:
            await tokens.get()
    assert refused.value.kind is Kind.LOGIN


@pytest.mark.parametrize("how", [(200, {}, b"hello"), (200, {}, b"{}"), (404, {}, b"<html/>"), (200, {}, b"[1]")])
async def test_what_is_no_token_endpoint_gives_no_token(stand_in: StandIn, how: Any) -> None:
    """An answer without an access token is LOGIN, whatever its form."""
    stand_in.token_trouble.append(how)
    async with httpx.AsyncClient() as http:
        with pytest.raises(HallpassError, match="gave no token"):
            await (await tokens_of(stand_in, http)).get()


def test_the_scopes_write_and_do_not_delete() -> None:
    """An import may create, read, update and search what it sends, in scopes that the exchange understands."""
    scopes = [parse_scope(text) for text in SCOPE.split()]
    for type_name in ("Organization", "Patient", "RelatedPerson"):
        assert all(allows(scopes, type_name, letter) for letter in "crus")
        assert not allows(scopes, type_name, "d")


def test_a_private_key_is_read_from_its_file(tmp_path: Path) -> None:
    """A JWK as the exchange's own tool makes it."""
    key = generate()
    (tmp_path / "key.json").write_bytes(orjson.dumps(key))
    assert private_key(tmp_path / "key.json") == key


@pytest.mark.parametrize(
    "content", [None, b"", b"[]", b"{}", b"PEM", orjson.dumps(public(generate())), b'{"d":"x","kid":"k","kty":"OKP"}']
)
def test_what_is_no_private_key_is_refused(tmp_path: Path, content: bytes | None) -> None:
    """No file, no JSON, a public key, half a key: each is told apart from a failed login, and not shown."""
    path = tmp_path / "key.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(HallpassError, match=r"key\.json"):
        private_key(path)

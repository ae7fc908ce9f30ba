"""Access tokens: verified once, remembered until they end, revoked for all. https://datatracker.ietf.org/doc/html/rfc9068"""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import event, text

from app.auth import tokens as module
from app.auth.clients import Client
from app.auth.jose import BadToken, generate, read, sign
from app.caller import Caller
from app.scopes import Granted, grant
from tests.auth.support import BASE, EC_KEY, NOW, SETTINGS, World, claims_of, forged

SECONDS = SETTINGS.token_seconds


def granted(client: Client, asked: str = "system/*.read") -> Granted:
    return grant(asked, client.held)


async def minted(world: World, client: Client, asked: str = "system/*.read") -> str:
    return await world.auth.tokens.issue_token(client, granted(client, asked), frozenset({"TREAT"}))


async def refused(world: World, token: str) -> None:
    with pytest.raises(BadToken):
        await world.auth.tokens.caller(token)


async def test_a_token_makes_the_caller_that_it_was_made_for(world: World) -> None:
    client = await world.register(emergency=True)
    caller = await world.auth.tokens.caller(await minted(world, client, "system/*.read hallpass/emergency"))
    scopes = granted(client, "system/*.read hallpass/emergency").scopes
    assert caller == Caller(client.id, client.organization, scopes, frozenset({"TREAT"}), caller.token)
    assert re.fullmatch(r"[A-Za-z0-9_-]{24}", caller.token)


async def test_a_token_says_who_made_it_for_whom_and_until_when(world: World) -> None:
    client = await world.register()
    header, claims = read(await minted(world, client))
    assert (header.typ, header.alg) == ("at+jwt", "ES384")
    assert claims == {
        "iss": BASE,
        "aud": BASE + "/fhir",
        "sub": client.id,
        "client_id": client.id,
        "jti": claims["jti"],
        "iat": NOW,
        "exp": NOW + SECONDS,
        "scope": "system/*.read",
        "org": str(client.organization),
        "purposes": ["TREAT"],
    }


async def test_a_token_is_good_in_another_process(world: World) -> None:
    token = await minted(world, await world.register())
    assert await World(world.db, world.owner).auth.tokens.caller(token) == await world.auth.tokens.caller(token)


async def test_a_token_ends_when_it_says_also_one_that_is_remembered(world: World) -> None:
    token = await minted(world, await world.register())
    world.clock.now += SECONDS - 1
    await world.auth.tokens.caller(token)
    world.clock.now += 1
    await refused(world, token)
    await refused(World(world.db, world.owner, world.clock), token)


async def test_a_remembered_token_costs_no_query_and_no_signature(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await minted(world, await world.register())
    caller = await world.auth.tokens.caller(token)
    statements: list[str] = []
    monkeypatch.setattr(module, "verify", None)

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(world.db.engine.sync_engine, "before_cursor_execute", note)
    try:
        assert await world.auth.tokens.caller(token) is caller
    finally:
        event.remove(world.db.engine.sync_engine, "before_cursor_execute", note)
    assert statements == []


async def test_the_memory_is_bounded_and_forgets_what_was_not_used_for_longest(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 2)
    client = await world.register()
    tokens = [await minted(world, client) for _ in range(3)]
    callers = [await world.auth.tokens.caller(t) for t in (tokens[0], tokens[1], tokens[0], tokens[2])]
    assert await world.auth.tokens.caller(tokens[0]) is callers[0]
    assert await world.auth.tokens.caller(tokens[1]) is not callers[1]


async def test_a_token_of_another_key_or_type_or_server_is_refused(world: World) -> None:
    client = await world.register()
    token = await minted(world, client)
    claims, ours = read(token)[1], await world.auth.keys.current()
    for strange in (
        sign(claims, {**generate(), "kid": ours["kid"]}, typ="at+jwt"),
        sign(claims, EC_KEY, typ="at+jwt"),
        sign(claims, ours, typ="JWT"),
        sign({**claims, "iss": "https://other.example"}, ours, typ="at+jwt"),
        sign({**claims, "aud": "https://other.example/fhir"}, ours, typ="at+jwt"),
        sign(claims_of(client.id), ours, typ="at+jwt"),
        forged(token, alg="HS384"),
        forged(token, alg="none"),
        token + "A",
        token[:-8],
        "",
        "x",
        "ü",
    ):
        await refused(world, strange)


async def test_an_assertion_is_no_access_token_even_of_a_client_with_the_servers_own_key(world: World) -> None:
    client = await world.register()
    await refused(world, world.assertion(client, key=await world.auth.keys.current()))


@pytest.mark.parametrize(
    "changes",
    [
        {"org": "x"},
        {"org": None},
        {"scope": ""},
        {"scope": "openid"},
        {"scope": None},
        {"purposes": None},
        {"exp": "x"},
        {"exp": None},
        {"jti": None},
    ],
)
async def test_claims_that_are_not_ours_are_refused(world: World, changes: dict[str, Any]) -> None:
    claims = {**read(await minted(world, await world.register()))[1], **changes}
    kept = {name: value for name, value in claims.items() if value is not None}
    await refused(world, sign(kept, await world.auth.keys.current(), typ="at+jwt"))


async def test_a_revoked_token_is_refused_here_and_in_a_process_that_has_not_seen_it(world: World) -> None:
    client = await world.register()
    token, other = await minted(world, client), await minted(world, client)
    for good in (token, other):
        await world.auth.tokens.caller(good)
    await world.auth.tokens.revoke(await world.auth.tokens.read(token))
    await refused(world, token)
    await refused(World(world.db, world.owner), token)
    await world.auth.tokens.caller(other)


async def test_a_process_that_remembers_a_token_learns_of_its_end_from_the_database(world: World) -> None:
    client, elsewhere = await world.register(), World(world.db, world.owner)
    token = await minted(world, client)
    caller = await elsewhere.auth.tokens.caller(token)
    assert await elsewhere.auth.tokens.stands(caller)
    await world.auth.tokens.revoke(await world.auth.tokens.read(token))
    assert not await elsewhere.auth.tokens.stands(caller)
    assert not await _entered(elsewhere, caller)


async def test_to_revoke_twice_changes_nothing(world: World) -> None:
    token = await minted(world, await world.register())
    found = await world.auth.tokens.read(token)
    await world.auth.tokens.revoke(found)
    await world.auth.tokens.revoke(found)
    await refused(world, token)


async def test_the_token_of_a_disabled_client_does_not_stand(world: World) -> None:
    client = await world.register()
    token = await minted(world, client)
    caller = await world.auth.tokens.caller(token)
    assert await _entered(world, caller)
    await world.disable(client)
    assert not await world.auth.tokens.stands(caller)
    assert not await _entered(world, caller)
    await refused(World(world.db, world.owner), token)


async def test_a_token_lives_for_as_long_as_the_setting_says(world: World) -> None:
    settings = SETTINGS.model_copy(update={"token_seconds": 60})
    short = World(world.db, world.owner, settings=settings)
    token = await minted(short, await world.register())
    short.clock.now += 60
    await refused(short, token)


async def _entered(world: World, caller: Caller) -> bool:
    """What the check at the start of each request of the exchange says."""
    statement = text("SELECT standing FROM hallpass.set_caller(:client, :token, :org, '{TREAT}', false, true)")
    values = {"client": caller.client, "token": caller.token, "org": caller.organization}
    async with world.db.begin() as connection:
        return bool(await connection.scalar(statement, values))

"""Client assertions: each check of SMART, and that what fails cannot be told apart.
https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from jose import jws
from sqlalchemy import text

from app.auth.assertions import MAX_AHEAD, MAX_JTI, SKEW
from app.auth.jose import generate, public, to_pem
from app.auth.oauth import OAuthCode, OAuthError
from app.jobs.kinds.forget_tokens import forget
from tests.auth.jwks_server import serve
from tests.auth.support import (
    BASE,
    EC_KEY,
    NOW,
    RSA_KEY,
    SETTINGS,
    TOKEN_URL,
    World,
    b64,
    claims_of,
    forged,
    jwks,
    rsa_key,
    segment,
)

UNKNOWN = "No registered client signed the assertion. Check iss, sub and the signing key."


async def refusal(world: World, token: str) -> str:
    with pytest.raises(OAuthError) as caught:
        await world.auth.assertions.check(token)
    assert caught.value.code is OAuthCode.INVALID_CLIENT
    assert caught.value.status == 400
    return caught.value.description


@pytest.mark.parametrize("key", [EC_KEY, RSA_KEY])
async def test_a_good_assertion_is_accepted_in_both_algorithms(world: World, key: dict[str, Any]) -> None:
    client = await world.register(jwks=jwks(EC_KEY, RSA_KEY))
    found = await world.auth.assertions.check(world.assertion(client, key=key))
    assert found.client == client


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": NOW + MAX_AHEAD},
        {"exp": NOW + MAX_AHEAD + SKEW},
        {"exp": NOW + 0.5},
        {"exp": NOW - SKEW + 1},
        {"iat": NOW, "nbf": NOW},
        {"iat": NOW + SKEW, "nbf": NOW + SKEW},
        {"aud": [TOKEN_URL]},
        {"jti": "x" * MAX_JTI},
        {"jti": "é"},
        {"more": {"deep": [1, None]}},
    ],
)
async def test_an_assertion_at_the_bounds_is_accepted(world: World, changes: dict[str, Any]) -> None:
    client = await world.register()
    assert (await world.auth.assertions.check(world.assertion(client, **changes))).client == client


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"iss": "other"}, "iss"),
        ({"sub": "other"}, "iss"),
        ({"iss": None}, "iss"),
        ({"sub": None}, "iss"),
        ({"iss": 5, "sub": 5}, "iss"),
        ({"iss": "", "sub": ""}, "iss"),
        ({"iss": "a\x00", "sub": "a\x00"}, "iss"),
        ({"aud": None}, "aud"),
        ({"aud": BASE}, "aud"),
        ({"aud": BASE + "/fhir"}, "aud"),
        ({"aud": TOKEN_URL + "/"}, "aud"),
        ({"aud": TOKEN_URL.upper()}, "aud"),
        ({"aud": []}, "aud"),
        ({"aud": [TOKEN_URL, "https://other.example/token"]}, "aud"),
        ({"aud": {"url": TOKEN_URL}}, "aud"),
        ({"exp": None}, "exp"),
        ({"exp": str(int(NOW) + 60)}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": NOW - SKEW}, "exp"),
        ({"exp": NOW - 3600}, "exp"),
        ({"exp": NOW + MAX_AHEAD + SKEW + 1}, "exp"),
        ({"exp": NOW + 3600}, "exp"),
        ({"exp": 1e300}, "exp"),
        ({"exp": -1}, "exp"),
        ({"iat": NOW + SKEW + 1}, "iat"),
        ({"iat": "now"}, "iat"),
        ({"iat": False}, "iat"),
        ({"nbf": NOW + SKEW + 1}, "nbf"),
        ({"nbf": []}, "nbf"),
        ({"jti": None}, "jti"),
        ({"jti": ""}, "jti"),
        ({"jti": 7}, "jti"),
        ({"jti": "a\x00b"}, "jti"),
        ({"jti": "x" * (MAX_JTI + 1)}, "jti"),
    ],
)
async def test_a_claim_that_is_missing_or_wrong_is_refused_and_named(
    world: World, changes: dict[str, Any], word: str
) -> None:
    client = await world.register()
    assert word in await refusal(world, world.assertion(client, **changes))


@pytest.mark.parametrize("typ", ["", "jose", "at+jwt"])
async def test_the_type_is_jwt(world: World, typ: str) -> None:
    assert "typ" in await refusal(world, world.assertion(await world.register(), typ=typ))


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ({"kid": None}, "lacks kid"),
        ({"typ": None, "alg": None}, "lacks alg, typ"),
        ({"alg": "RS256"}, "use ES384 or RS384"),
        ({"alg": "none"}, "use ES384 or RS384"),
    ],
)
async def test_a_header_without_its_members_is_refused_and_says_which(
    world: World, header: dict[str, Any], says: str
) -> None:
    assert says in await refusal(world, forged(world.assertion(await world.register()), **header))


async def test_what_depends_on_the_registry_has_one_answer(world: World) -> None:
    """An unknown client, a disabled one, another's key and a spoilt signature cannot be told apart."""
    client, disabled = await world.register(), await world.register()
    await world.disable(disabled)
    head, claims, _ = world.assertion(client).split(".")
    refused = [
        world.assertion("nobody"),
        world.assertion(disabled),
        world.assertion(client, key={**generate(), "kid": EC_KEY["kid"]}),
        world.assertion(client, key=generate()),
        world.assertion(client, key=RSA_KEY),
        f"{head}.{claims}.{b64(bytes(96))}",
        f"{head}.{claims}.AAAA",
        forged(world.assertion(client), jku="https://keys.example/jwks"),
        forged(world.assertion(client), kid="other"),
    ]
    assert {await refusal(world, token) for token in refused} == {UNKNOWN}


async def test_an_assertion_for_one_client_does_not_do_for_another_with_the_same_key(world: World) -> None:
    one, two = await world.register(), await world.register()
    head, _, signature = world.assertion(one).split(".")
    assert await refusal(world, f"{head}.{segment(claims_of(two.id))}.{signature}") == UNKNOWN


async def test_alg_none_is_refused(world: World) -> None:
    client = await world.register()
    header = segment({"alg": "none", "kid": EC_KEY["kid"], "typ": "JWT"})
    for signature in ("", "AAAA"):
        await refusal(world, f"{header}.{segment(claims_of(client.id))}.{signature}")


async def test_an_hmac_with_the_registered_public_key_as_its_secret_is_refused(world: World) -> None:
    client = await world.register()
    shared = serialization.load_pem_private_key(to_pem(EC_KEY).encode(), password=None).public_key()
    secret = shared.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    for alg in ("HS256", "HS384", "ES384"):
        text = f"{segment({'alg': alg, 'kid': EC_KEY['kid'], 'typ': 'JWT'})}.{segment(claims_of(client.id))}"
        digest = hashlib.sha384 if alg == "HS384" else hashlib.sha256
        await refusal(world, f"{text}.{b64(hmac.new(secret, text.encode(), digest).digest())}")


async def test_a_key_of_another_type_with_the_right_kid_is_refused(world: World) -> None:
    client = await world.register(jwks={"keys": [{**public(RSA_KEY), "kid": EC_KEY["kid"]}]})
    token = world.assertion(client)
    assert await refusal(world, token) == UNKNOWN
    assert await refusal(world, forged(token, alg="RS384")) == UNKNOWN


async def test_two_keys_with_one_kid_and_of_one_type_are_no_key(world: World) -> None:
    async with serve(jwks(EC_KEY, {**generate(), "kid": EC_KEY["kid"]})) as server:
        world = _over_http(world)
        client = await world.register(jwks=None, jwks_uri=server.url)
        assert await refusal(world, world.assertion(client, aud=world.settings.base_url + "/auth/token")) == UNKNOWN


async def test_two_keys_with_one_kid_and_of_two_types_are_told_apart(world: World) -> None:
    other = {**rsa_key(), "kid": EC_KEY["kid"]}
    client = await world.register(jwks=jwks(EC_KEY, other))
    for key in (EC_KEY, other):
        assert (await world.auth.assertions.check(world.assertion(client, key=key))).client == client


async def test_a_client_with_a_jwks_url_is_verified_by_what_is_there(world: World) -> None:
    world = _over_http(world)
    audience = world.settings.base_url + "/auth/token"
    async with serve(jwks(EC_KEY), headers={"Cache-Control": "max-age=3600"}) as server:
        client = await world.register(jwks=None, jwks_uri=server.url)
        good = world.assertion(client, aud=audience)
        assert (await world.auth.assertions.check(good)).client == client
        strange = world.assertion(client, aud=audience, key={**generate(), "kid": EC_KEY["kid"]})
        assert await refusal(world, strange) == UNKNOWN
        server.status = 500
        assert await refusal(world, world.assertion(client, aud=audience, key=generate())) == UNKNOWN


async def test_a_jwks_url_that_cannot_be_had_is_refused_like_an_unknown_client(world: World) -> None:
    client = await world.register(jwks=None, jwks_uri="http://127.0.0.1:1/jwks")
    assert await refusal(world, world.assertion(client)) == UNKNOWN


async def test_a_jku_is_the_registered_url(world: World) -> None:
    world = _over_http(world)
    claims = {"aud": world.settings.base_url + "/auth/token"}
    async with serve(jwks(EC_KEY)) as server, serve(jwks(EC_KEY)) as elsewhere:
        client = await world.register(jwks=None, jwks_uri=server.url)
        for jku, accepted in ((server.url, True), (elsewhere.url, False), (server.url + "?", False), ("", False)):
            token = _with_jku(claims_of(client.id, **claims), jku)
            if accepted:
                assert (await world.auth.assertions.check(token)).client == client
            else:
                assert await refusal(world, token) == UNKNOWN
        assert elsewhere.requests == []


async def test_a_client_without_a_registered_url_sends_no_jku(world: World) -> None:
    client = await world.register()
    assert await refusal(world, _with_jku(claims_of(client.id), "https://keys.example/jwks")) == UNKNOWN


async def test_an_assertion_is_used_once(world: World) -> None:
    token = world.assertion(await world.register())
    await world.auth.assertions.check(token)
    assert (
        await refusal(world, token)
        == "The assertion was used before. Sign a new one, with a new jti, for each request."
    )


async def test_a_jti_is_used_once_by_a_client_whatever_else_the_assertion_says(world: World) -> None:
    client, other = await world.register(jwks=jwks(EC_KEY, RSA_KEY)), await world.register()
    await world.auth.assertions.check(world.assertion(client, jti="one"))
    assert "used before" in await refusal(world, world.assertion(client, jti="one", exp=NOW + 100, key=RSA_KEY))
    assert (await world.auth.assertions.check(world.assertion(other, jti="one"))).client == other


async def test_a_replay_is_refused_by_another_process_and_after_a_restart(world: World) -> None:
    token = world.assertion(await world.register())
    await world.auth.assertions.check(token)
    assert "used before" in await refusal(World(world.db, world.owner), token)


async def test_of_many_processes_one_accepts_an_assertion(world: World) -> None:
    token = world.assertion(await world.register())
    others = [World(world.db, world.owner) for _ in range(8)]
    results = await asyncio.gather(*(w.auth.assertions.check(token) for w in others), return_exceptions=True)
    assert sum(not isinstance(r, OAuthError) for r in results) == 1
    assert {r.description for r in results if isinstance(r, OAuthError)} == {
        "The assertion was used before. Sign a new one, with a new jti, for each request."
    }


async def test_a_replay_is_refused_for_as_long_as_the_assertion_is_in_time(world: World) -> None:
    token = world.assertion(await world.register(), exp=NOW + MAX_AHEAD)
    await world.auth.assertions.check(token)
    for _ in range(MAX_AHEAD + SKEW - 1):
        world.clock.now += 1
        async with world.db.begin() as connection:
            await forget(connection, datetime.fromtimestamp(world.clock.now, UTC))
    assert "used before" in await refusal(world, token)
    world.clock.now += 1
    assert "exp" in await refusal(world, token)


async def test_an_assertion_that_does_not_hold_uses_up_no_jti(world: World) -> None:
    client = await world.register()
    await refusal(world, world.assertion(client, jti="one", key={**generate(), "kid": EC_KEY["kid"]}))
    await world.auth.assertions.check(world.assertion(client, jti="one"))


async def test_a_refused_assertion_writes_nothing(world: World) -> None:
    async with world.db.begin() as connection:
        before = await connection.scalar(text("SELECT count(*) FROM hallpass.assertion"))
    await refusal(world, world.assertion("nobody"))
    async with world.db.begin() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM hallpass.assertion")) == before


def _over_http(world: World) -> World:
    settings = SETTINGS.model_copy(update={"base_url": "http://127.0.0.1:8000", "allow_http_jwks": True})
    return World(world.db, world.owner, settings=settings)


def _with_jku(claims: dict[str, Any], jku: str) -> str:
    """Signed with a jku in the header, which ours does not write."""
    return jws.sign(claims, EC_KEY, headers={"kid": EC_KEY["kid"], "jku": jku}, algorithm="ES384")

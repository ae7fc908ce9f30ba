"""The routes of the authorization server.
https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from app.auth.jose import generate, read, verify
from tests.auth.support import BASE, EC_KEY, NOW, SETTINGS, World, assertion_form, jwks

GRANT = {"grant_type": "client_credentials", "scope": "system/*.rs"}
B2B = "extensions"


def kept_by_no_cache(response: httpx.Response) -> bool:
    return (response.headers["Cache-Control"], response.headers["Pragma"]) == ("no-store", "no-cache")


async def asked(world: World, assertion: str, **form: str) -> httpx.Response:
    return await world.post("/auth/token", assertion_form(assertion, **{**GRANT, **form}))


async def bearer_post(world: World, path: str, by: str, token: str) -> httpx.Response:
    return await world.post(path, {"token": token}, Authorization=f"Bearer {by}")


async def active(world: World, by: str, token: str) -> bool:
    response = await bearer_post(world, "/auth/introspect", by, token)
    assert response.status_code == 200
    return bool(response.json()["active"])


async def test_a_good_assertion_gets_an_access_token(world: World) -> None:
    client = await world.register()
    response = await asked(world, world.assertion(client))
    body = response.json()
    assert response.status_code == 200
    assert kept_by_no_cache(response)
    assert response.headers["Content-Type"] == "application/json"
    assert body == {
        "access_token": body["access_token"],
        "token_type": "bearer",
        "expires_in": 300,
        "scope": "system/*.rs",
        "organization": str(client.organization),
    }
    assert (await world.auth.tokens.caller(body["access_token"])).client == client.id


@pytest.mark.parametrize(
    ("scope", "answer"),
    [
        ("system/*.read", "system/*.read"),
        ("system/Patient.read openid user/*.read system/Task.cruds", "system/Patient.read system/Task.rs"),
        ("hallpass/emergency system/Patient.r", "system/Patient.r"),
    ],
)
async def test_the_scope_of_the_answer_is_what_was_granted(world: World, scope: str, answer: str) -> None:
    response = await asked(world, world.assertion(await world.register()), scope=scope)
    assert response.json()["scope"] == answer


@pytest.mark.parametrize("scope", ["system/Task.cud", "openid", "patient/*.read", "system/*.rs?a=b", "nonsense", " "])
async def test_when_no_scope_can_be_had_the_error_is_invalid_scope(world: World, scope: str) -> None:
    response = await asked(world, world.assertion(await world.register()), scope=scope)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_scope")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "authorization_code"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "unsupported_grant_type"),
        ({"scope": ""}, "invalid_scope"),
        ({"client_assertion_type": ""}, "invalid_request"),
        ({"client_assertion_type": "not_an_assertion_type"}, "invalid_request"),
        ({"client_assertion": ""}, "invalid_request"),
        ({"client_assertion": "not_a_jwt"}, "invalid_client"),
        ({"client_id": "another"}, "invalid_client"),
        ({"purpose_of_use": "MARKETING"}, "invalid_request"),
        ({"purpose_of_use": "COC"}, "invalid_request"),
    ],
)
async def test_a_request_that_does_not_hold_has_its_oauth_error(
    world: World, changes: dict[str, str], error: str
) -> None:
    good = assertion_form(world.assertion(await world.register()), **GRANT)
    response = await world.post("/auth/token", {**good, **changes})
    assert response.status_code == 400
    assert set(response.json()) == {"error", "error_description"}
    assert response.json()["error"] == error
    assert kept_by_no_cache(response)


async def test_a_request_without_a_form_is_an_invalid_request(world: World) -> None:
    async with world.http() as http:
        response = await http.post("/auth/token", json=GRANT)
        assert (await http.get("/auth/token")).status_code == 405
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


async def test_the_parameters_of_the_url_are_not_read(world: World) -> None:
    form = assertion_form(world.assertion(await world.register()), **GRANT)
    async with world.http() as http:
        response = await http.post("/auth/token", params=form, data={"x": "y"})
    assert response.json()["error"] == "invalid_request"


async def test_a_client_that_tries_the_authorization_header_is_told_how(world: World) -> None:
    form = assertion_form(world.assertion(await world.register()), **GRANT)
    response = await world.post("/auth/token", form, Authorization="Basic YTpi")
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


async def test_an_unknown_client_and_a_bad_signature_get_the_same_answer(world: World) -> None:
    client, disabled = await world.register(), await world.register()
    await world.disable(disabled)
    tokens = (
        world.assertion("nobody"),
        world.assertion(disabled),
        world.assertion(client, key={**generate(), "kid": EC_KEY["kid"]}),
        world.assertion(client, key=generate()),
    )
    answers = [await asked(world, token) for token in tokens]
    assert (
        len(
            {
                (a.status_code, a.text, str(sorted(i for i in a.headers.items() if i[0] != "x-request-id")))
                for a in answers
            }
        )
        == 1
    )
    assert (answers[0].status_code, answers[0].json()["error"]) == (400, "invalid_client")


async def test_an_assertion_is_used_up_by_any_request_that_it_proved(world: World) -> None:
    assertion = world.assertion(await world.register())
    assert (await asked(world, assertion, scope="openid")).json()["error"] == "invalid_scope"
    assert (await asked(world, assertion)).json()["error"] == "invalid_client"


@pytest.mark.parametrize(
    ("form", "claims", "purposes"),
    [
        ({}, {}, {"TREAT", "COC"}),
        ({"purpose_of_use": "COC"}, {}, {"COC"}),
        ({"purpose_of_use": "COC BTG"}, {}, {"COC", "BTG"}),
        ({}, {B2B: {"hl7-b2b": {"purpose_of_use": ["urn:oid:2.16.840.1.113883.5.8#TREAT"]}}}, {"TREAT"}),
        ({}, {B2B: {"hl7-b2b": {"purpose_of_use": "BTG"}}}, {"BTG"}),
    ],
)
async def test_a_token_carries_the_purposes_asked_for_or_all_but_break_the_glass(
    world: World, form: dict[str, str], claims: dict[str, Any], purposes: set[str]
) -> None:
    client = await world.register(purposes=["TREAT", "COC", "BTG"], emergency=True)
    response = await asked(world, world.assertion(client, **claims), **form)
    assert (await world.auth.tokens.caller(response.json()["access_token"])).purposes == purposes


async def test_a_token_of_the_same_organization_is_described_to_its_clients(world: World) -> None:
    client = await world.register()
    colleague = await world.register(organization=client.organization, scopes=["system/Task.r"])
    token = await world.token(client, "system/*.read")
    for response in (
        await bearer_post(world, "/auth/introspect", token, token),
        await bearer_post(world, "/auth/introspect", await world.token(colleague), token),
        await world.post("/auth/introspect", assertion_form(world.assertion(colleague), token=token)),
    ):
        assert response.status_code == 200
        assert kept_by_no_cache(response)
        assert response.json() == {
            "active": True,
            "token_type": "bearer",
            "iss": BASE,
            "aud": BASE + "/fhir",
            "sub": client.id,
            "client_id": client.id,
            "jti": read(token)[1]["jti"],
            "iat": NOW,
            "exp": NOW + SETTINGS.token_seconds,
            "scope": "system/*.read",
        }


async def test_a_token_of_another_organization_is_as_inactive_as_one_that_never_was(world: World) -> None:
    mine, theirs = await world.token(await world.register()), await world.token(await world.register())
    answers = [await bearer_post(world, "/auth/introspect", mine, t) for t in (theirs, "x", theirs[:-4] + "AAAA")]
    assert {(a.status_code, a.text) for a in answers} == {(200, '{"active":false}')}


async def test_a_token_that_ended_elsewhere_is_inactive_though_remembered(world: World) -> None:
    client = await world.register()
    mine, other = await world.token(client), await world.token(client)
    elsewhere = World(world.db, world.owner)
    assert await active(elsewhere, mine, other)
    await bearer_post(world, "/auth/revoke", other, other)
    assert not await active(elsewhere, mine, other)


async def test_a_token_of_a_disabled_client_is_inactive_though_remembered(world: World) -> None:
    client = await world.register()
    colleague = await world.register(organization=client.organization)
    mine, token = await world.token(colleague), await world.token(client)
    assert await active(world, mine, token)
    await world.disable(client)
    assert not await active(world, mine, token)


@pytest.mark.parametrize("path", ["/auth/introspect", "/auth/revoke"])
async def test_nobody_asks_about_tokens_or_ends_them_without_proof_of_who_it_is(world: World, path: str) -> None:
    client = await world.register()
    token, ended = await world.token(client), await world.token(client)
    elsewhere = World(world.db, world.owner)
    await elsewhere.auth.tokens.caller(ended)
    await bearer_post(world, "/auth/revoke", ended, ended)
    bad = world.assertion(client, key={**generate(), "kid": EC_KEY["kid"]})
    for response, status, error in (
        (await world.post(path, {"token": token}), 401, "invalid_token"),
        (await world.post(path, {"token": token}, Authorization="Bearer x"), 401, "invalid_token"),
        (await bearer_post(elsewhere, path, ended, token), 401, "invalid_token"),
        (await world.post(path, assertion_form(bad, token=token)), 400, "invalid_client"),
        (await world.post(path, {"token": token, "client_assertion": bad}), 400, "invalid_request"),
    ):
        assert (response.status_code, response.json()["error"]) == (status, error)
        assert ("WWW-Authenticate" in response.headers) == (status == 401)
        assert kept_by_no_cache(response)
    assert await active(world, token, token)


@pytest.mark.parametrize("path", ["/auth/introspect", "/auth/revoke"])
async def test_one_known_way_to_authenticate_is_used_and_a_token_is_named(world: World, path: str) -> None:
    client = await world.register()
    token = await world.token(client)
    both = assertion_form(world.assertion(client), token=token)
    for response in (
        await world.post(path, both, Authorization=f"Bearer {token}"),
        await world.post(path, {"x": "y"}, Authorization=f"Bearer {token}"),
        await world.post(path, {"token": ""}, Authorization=f"Bearer {token}"),
        await world.post(path, {"token": token, "client_assertion_type": "x"}, Authorization=f"Bearer {token}"),
    ):
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


async def test_a_client_ends_its_own_token(world: World) -> None:
    client = await world.register()
    mine, other = await world.token(client), await world.token(client)
    response = await world.post("/auth/revoke", assertion_form(world.assertion(client), token=other))
    assert response.status_code == 200
    assert kept_by_no_cache(response)
    assert not await active(world, mine, other)
    assert (await bearer_post(world, "/auth/revoke", mine, mine)).status_code == 200
    assert (await bearer_post(world, "/auth/introspect", mine, mine)).status_code == 401


async def test_the_token_of_another_client_is_not_ended_and_the_answer_does_not_tell(world: World) -> None:
    client = await world.register()
    colleague = await world.register(organization=client.organization)
    stranger = await world.register()
    token, mine = await world.token(client), await world.token(colleague)
    theirs = await world.token(stranger)
    answers = [await bearer_post(world, "/auth/revoke", by, token) for by in (mine, theirs)]
    answers.append(await bearer_post(world, "/auth/revoke", mine, "x"))
    assert {(a.status_code, a.text) for a in answers} == {(200, "{}")}
    assert await active(world, mine, token)


async def test_the_published_keys_verify_an_access_token(world: World) -> None:
    token = await world.token(await world.register())
    async with world.http() as http:
        response = await http.get("/auth/jwks")
    header, claims = read(token)
    [key] = [k for k in response.json()["keys"] if k["kid"] == header.kid]
    assert verify(token, key) == claims
    assert all(set(k) == {"kty", "crv", "x", "y", "kid", "use", "alg"} for k in response.json()["keys"])
    assert response.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("path", ["/.well-known/smart-configuration", "/fhir/.well-known/smart-configuration"])
async def test_the_smart_configuration_says_what_the_server_can_do(world: World, path: str) -> None:
    async with world.http() as http:
        response = await http.get(path, headers={"Origin": "https://app.example"})
        body = response.json()
        urls = {name: value for name, value in body.items() if name.endswith(("_endpoint", "_uri"))}
        assert all(url.startswith(BASE + "/") for url in urls.values())
        assert {(await http.options(url)).status_code for url in urls.values()} == {405}
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert body["token_endpoint"] == BASE + "/auth/token"
    assert body["grant_types_supported"] == ["client_credentials"]
    assert body["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    assert body["token_endpoint_auth_signing_alg_values_supported"] == ["ES384", "RS384"]
    assert body["code_challenge_methods_supported"] == ["S256"]
    assert {"client-confidential-asymmetric", "permission-v1", "permission-v2"} == set(body["capabilities"])


async def test_every_scope_that_is_said_to_be_supported_can_be_had(world: World) -> None:
    client = await world.register(scopes=["system/*.cruds"], emergency=True)
    async with world.http() as http:
        supported = (await http.get("/.well-known/smart-configuration")).json()["scopes_supported"]
    response = await asked(world, world.assertion(client), scope=" ".join(supported))
    assert response.json()["scope"] == " ".join(supported)


async def test_a_client_changes_over_to_new_keys_without_a_gap(world: World) -> None:
    new = generate()
    client = await world.register(jwks=jwks(EC_KEY, new))
    for key in (EC_KEY, new):
        assert (await asked(world, world.assertion(client, key=key))).status_code == 200

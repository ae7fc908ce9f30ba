"""The registry of clients.
https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.exc import ProgrammingError

from app.auth import clients
from app.auth.jose import generate
from app.errors import HallpassError, Kind
from app.scopes import EMERGENCY, Scope
from tests.auth.support import EC_KEY, RSA_KEY, World, jwks

GOOD: dict[str, Any] = {
    "organization": uuid4(),
    "name": "Northside",
    "scopes": ["system/*.rs"],
    "purposes": ["TREAT"],
    "jwks": jwks(EC_KEY),
}
URL = "https://keys.example/jwks"


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"id": ""}, {"id"}),
        ({"id": "a b"}, {"id"}),
        ({"id": "a\n"}, {"id"}),
        ({"id": "x" * 129}, {"id"}),
        ({"name": " "}, {"name"}),
        ({"scopes": []}, {"scopes"}),
        ({"scopes": ["system/*.rs", "user/*.rs"]}, {"scopes"}),
        ({"scopes": ["system/Task.rs?status=accepted"]}, {"scopes"}),
        ({"scopes": ["hallpass/emergency"]}, {"scopes"}),
        ({"purposes": ["MARKETING"]}, {"purposes"}),
        ({"purposes": ["TREAT", "BTG"]}, {"purposes"}),
        ({"jwks": None}, {"jwks"}),
        ({"jwks_uri": URL}, {"jwks"}),
        ({"jwks": {"keys": []}}, {"jwks.keys"}),
        ({"jwks": {"keys": [EC_KEY]}}, {"jwks.keys[0]"}),
        ({"jwks": None, "jwks_uri": "http://keys.example/jwks"}, {"jwks_uri"}),
        ({"jwks": None, "jwks_uri": "https://user@keys.example/jwks"}, {"jwks_uri"}),
        ({"name": "", "scopes": ["openid"], "jwks": 1}, {"name", "scopes", "jwks"}),
    ],
)
def test_a_registration_with_faults_is_refused_with_an_issue_for_each(changes: dict[str, Any], where: set[str]) -> None:
    with pytest.raises(HallpassError) as caught:
        clients.registration(**{**GOOD, **changes})
    assert caught.value.kind is Kind.UNPROCESSABLE
    assert {i.expression for i in caught.value.issues} == where


def test_scopes_are_registered_in_v2() -> None:
    found = clients.registration(**{**GOOD, "scopes": ["system/*.read", "system/*.rs", "system/Task.write"]})
    assert found.scopes == ("system/*.rs", "system/Task.cud")
    assert found.held == {Scope("*", "rs"), Scope("Task", "cud")}


def test_only_a_client_registered_for_emergencies_holds_their_scope() -> None:
    assert EMERGENCY not in clients.registration(**GOOD).held
    assert EMERGENCY in clients.registration(**GOOD, emergency=True).held


def test_break_the_glass_is_registered_with_emergency() -> None:
    found = clients.registration(**{**GOOD, "purposes": ["BTG"], "emergency": True})
    assert found.purposes == {"BTG"}


@pytest.mark.parametrize("keys", [{"jwks": jwks(EC_KEY, RSA_KEY)}, {"jwks": None, "jwks_uri": URL}])
async def test_a_registered_client_is_had_back_as_it_was(world: World, keys: dict[str, Any]) -> None:
    made = await world.register(**{**keys, "emergency": True, "purposes": ["TREAT", "BTG"]})
    async with world.db.begin() as connection:
        assert await clients.get(connection, made.id) == made


@pytest.mark.parametrize("id", ["nobody", "", "a\x00b", "x" * 5000])
async def test_a_client_that_is_not_registered_is_none(world: World, id: str) -> None:
    async with world.db.begin() as connection:
        assert await clients.get(connection, id) is None


async def test_all_clients_are_listed_by_name(world: World) -> None:
    made = [await world.register(name=f"{letter}{uuid4()}") for letter in "cab"]
    async with world.db.begin() as connection:
        listed = [c for c in await clients.everyone(connection) if c in made]
    assert listed == [made[1], made[2], made[0]]


async def test_an_id_is_registered_once(world: World) -> None:
    made = await world.register()
    with pytest.raises(HallpassError) as caught:
        await world.register(id=made.id)
    assert caught.value.kind is Kind.CONFLICT


async def test_a_client_belongs_to_an_organization_that_is_known(world: World) -> None:
    with pytest.raises(HallpassError) as caught:
        await world.register(organization=uuid4())
    assert caught.value.kind is Kind.UNPROCESSABLE


async def test_the_keys_are_replaced_by_others_or_by_a_url_and_back(world: World) -> None:
    made = await world.register()
    new = jwks(EC_KEY, generate())
    for keys in ({"jwks_uri": URL}, {"jwks": new}):
        async with world.owner.begin() as connection:
            await clients.rotate_key(connection, made.id, **keys)
            found = await clients.get(connection, made.id)
        assert found is not None
        assert (found.jwks, found.jwks_uri) == (keys.get("jwks"), keys.get("jwks_uri"))


async def test_keys_that_cannot_be_used_do_not_replace_others(world: World) -> None:
    made = await world.register()
    async with world.owner.begin() as connection:
        with pytest.raises(HallpassError) as caught:
            await clients.rotate_key(connection, made.id, jwks={"keys": [EC_KEY]})
        assert caught.value.kind is Kind.UNPROCESSABLE
        assert await clients.get(connection, made.id) == made


async def test_a_client_is_disabled_once(world: World) -> None:
    made, at = await world.register(), datetime(2026, 1, 1, tzinfo=UTC)
    async with world.owner.begin() as connection:
        await clients.disable(connection, made.id, at)
        await clients.disable(connection, made.id, at + timedelta(days=1))
        found = await clients.get(connection, made.id)
    assert found is not None
    assert found.disabled == at


async def test_a_client_that_is_not_there_cannot_be_changed(world: World) -> None:
    async with world.owner.begin() as connection:
        for change in (
            clients.disable(connection, "nobody", datetime.now(UTC)),
            clients.rotate_key(connection, "nobody", jwks=jwks(EC_KEY)),
        ):
            with pytest.raises(HallpassError) as caught:
                await change
            assert caught.value.kind is Kind.NOT_FOUND


async def test_the_app_itself_cannot_write_the_registry(world: World) -> None:
    made = await world.register()
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with world.db.begin() as connection:
            await clients.disable(connection, made.id, datetime.now(UTC))

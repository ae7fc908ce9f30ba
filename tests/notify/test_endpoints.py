"""Notifications go where the operator allowed it, to public addresses, and nowhere else."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import URL

from app.auth.jose import generate
from app.notify.rest_hook import NotTaken, RestHook
from app.subscriptions.definition import Definition
from app.subscriptions.topics import TOPICS
from tests.databases import execute
from tests.notify.asking import subscription
from tests.notify.endpoint import listening
from tests.running import hallpass
from tests.scene import Scene

KEY = generate()


def definition(endpoint: str, **more: Any) -> Definition:
    found = {"filters": (), "channel": "rest-hook", "headers": (), "content": "empty", "end": None, **more}
    found = {"payload": "application/fhir+json", "heartbeat": None, "timeout": 2, "max_count": 1, **found}
    return Definition(topic=TOPICS[0], endpoint=endpoint, **found)


async def post(hook: RestHook, asked: Definition) -> None:
    async with hook.open(asked) as line:
        await line.send(b"{}", KEY)


async def refused(endpoint: str, addresses: list[str]) -> str:
    async def resolve(_host: str, _port: int) -> list[str]:
        return addresses

    with pytest.raises(NotTaken) as found:
        await post(RestHook(allow_http=False, resolve=resolve), definition(endpoint))
    return str(found.value)


@pytest.mark.parametrize(
    "addresses", [["10.0.0.7"], ["127.0.0.1"], ["169.254.169.254"], ["203.0.113.9", "192.168.1.1"], ["::1"], []]
)
async def test_a_host_with_an_address_that_is_not_public_is_not_called(addresses: list[str]) -> None:
    assert "public" in await refused("https://ehr.example.org/hook", addresses)


async def test_the_address_that_was_checked_is_the_one_that_is_called() -> None:
    asked: list[str] = []
    async with listening() as endpoint:

        async def resolve(host: str, _port: int) -> list[str]:
            asked.append(host)
            return ["127.0.0.1"]

        hook = RestHook(allow_http=True, resolve=resolve)
        await post(hook, definition(f"http://moves.example:{endpoint.port}/hook"))
    assert asked == ["moves.example"]
    assert endpoint.received[0].headers["host"] == f"moves.example:{endpoint.port}"


async def test_an_endpoint_that_drips_is_given_up_when_its_time_is_over() -> None:
    async with listening(delay=30) as endpoint:
        hook = RestHook(allow_http=True)
        with pytest.raises(NotTaken, match="in time"):
            await post(hook, definition(endpoint.url, timeout=1))


async def test_an_answer_without_end_is_given_up_at_its_bound() -> None:
    sent = 0

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n")
        with suppress(ConnectionError):
            while True:
                writer.write(b"X-More: %s\r\n" % (b"a" * 1000))
                await writer.drain()
                sent += 1000
                await asyncio.sleep(0)

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
        with pytest.raises(NotTaken, match="did not answer in HTTP"):
            await post(RestHook(allow_http=True), definition(url, timeout=30))
    assert sent < 10_000_000, "what the system holds of it, and no more"


@pytest.mark.parametrize(
    ("endpoint", "status"),
    [
        ("https://ehr.example.org/hooks", 201),
        ("https://ehr.example.org/hooks/a", 201),
        ("https://ehr.example.org/hooksandmore", 422),
        ("https://ehr.example.org", 422),
        ("https://ehr.example.org.evil.example/hooks", 422),
    ],
)
async def test_an_endpoint_is_taken_at_and_below_what_the_operator_allowed(
    scene: Scene, endpoint: str, status: int
) -> None:
    insert = f"INSERT INTO hallpass.endpoint VALUES ('{scene.clinic.organization}', 'https://ehr.example.org/hooks')"
    await execute(scene.world.db.owner, insert)
    assert (await scene.clinic.post("/Subscription", subscription(endpoint))).status_code == status
    assert (await scene.stranger.post("/Subscription", subscription(endpoint))).status_code == 422


async def test_a_topic_needs_a_scope_for_its_type(scene: Scene) -> None:
    scopes = "system/Subscription.cruds system/Patient.r"
    narrow = await scene.world.client_of(scene.clinic.organization, scopes=scopes, purposes=("TREAT",))
    response = await narrow.post("/Subscription", subscription("http://127.0.0.1:9/hook"))
    assert response.status_code == 403
    assert "system/ServiceRequest.r" in response.text


@pytest.mark.parametrize(("status", "code"), [("active", 422), ("error", 422), ("off", 201), ("requested", 201)])
async def test_active_and_error_are_the_exchanges_to_set(scene: Scene, status: str, code: int) -> None:
    response = await scene.clinic.post("/Subscription", subscription("http://127.0.0.1:9/hook", status=status))
    assert response.status_code == code


def test_the_operator_allows_forbids_and_lists_endpoints(database: URL) -> None:
    environment = {"DATABASE_URL": database.set(drivername="postgresql").render_as_string(hide_password=False)}
    own = hallpass("org", "add", "Elm Clinic", environment=environment).output.split()[-1]
    prefix = "https://ehr.example.org/hooks"
    assert hallpass("endpoint", "allow", own, prefix, environment=environment).exit_code == 0
    assert f"{own}  {prefix}" in hallpass("endpoint", "list", environment=environment).output
    assert hallpass("endpoint", "allow", own, "http://ehr.example.org", environment=environment).exit_code == 2
    assert hallpass("endpoint", "forbid", own, prefix, environment=environment).exit_code == 0
    assert f"{own}  {prefix}" not in hallpass("endpoint", "list", environment=environment).output

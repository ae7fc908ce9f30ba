"""A mail says that there is something, and where: nothing about a student is in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from app.settings import Settings
from tests.databases import execute
from tests.notify.asking import subscription, telling, until
from tests.scene import FAMILY, Scene


@dataclass
class Post:
    """A mail server on loopback: what it took, and its port."""

    mails: list[str] = field(default_factory=list)
    port: int = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak as much of SMTP as a mail needs. https://www.rfc-editor.org/rfc/rfc5321"""
        writer.write(b"220 post\r\n")
        while line := (await reader.readline()).decode().strip():
            if line.upper().startswith("DATA"):
                writer.write(b"354 go on\r\n")
                self.mails.append((await reader.readuntil(b"\r\n.\r\n")).decode())
            writer.write(b"221 bye\r\n" if line.upper() == "QUIT" else b"250 ok\r\n")
            await writer.drain()
            if line.upper() == "QUIT":
                break
        writer.close()


@asynccontextmanager
async def posting() -> AsyncIterator[Post]:
    post = Post()
    server = await asyncio.start_server(post.answer, "127.0.0.1", 0)
    post.port = server.sockets[0].getsockname()[1]
    try:
        yield post
    finally:
        server.close()


@pytest.mark.parametrize("content", ["id-only", "empty"])
async def test_a_mail_tells_of_events_and_where_to_read_them(scene: Scene, content: str) -> None:
    address = "mailto:referrals@clinic.example"
    insert = f"INSERT INTO hallpass.endpoint VALUES ('{scene.clinic.organization}', '{address}')"
    await execute(scene.world.db.owner, insert)
    async with posting() as post:
        smtp = {"smtp_url": f"smtp://127.0.0.1:{post.port}", "mail_from": "hallpass@exchange.example"}
        chosen = Settings(**{**scene.world.settings.model_dump(), **smtp})
        async with telling(scene.world, chosen):
            created = await scene.clinic.create(subscription(address, content=content, channel="email"))

            async def is_active() -> bool:
                found = await scene.clinic.get(f"/Subscription/{created['id']}")
                return bool(found.json()["status"] == "active")

            await until(lambda: len(post.mails) == 1)
            await until(is_active)
            await asyncio.sleep(0.5)
            await scene.release("ServiceRequest")
            await until(lambda: len(post.mails) == 2)
    mail = post.mails[1].replace("=\r\n", "").replace("=3D", "=")
    assert "To: referrals@clinic.example" in mail
    assert f"/Subscription/{created['id']}/$events?eventsSinceNumber=1" in mail
    assert (scene.records["ServiceRequest"]["id"] in mail) is (content == "id-only")
    assert FAMILY not in mail
    assert scene.student["id"] not in mail


async def test_a_mail_to_an_address_that_the_operator_did_not_allow_is_refused(scene: Scene) -> None:
    asked = subscription("mailto:anybody@elsewhere.example", channel="email")
    response = await scene.clinic.post("/Subscription", asked)
    assert response.status_code == 422
    assert response.json()["issue"][0]["expression"] == ["Subscription.channel.endpoint"]


async def test_without_a_mail_server_the_subscription_is_in_error_and_says_why(scene: Scene) -> None:
    address = "mailto:nurse@clinic.example"
    insert = f"INSERT INTO hallpass.endpoint VALUES ('{scene.clinic.organization}', '{address}')"
    await execute(scene.world.db.owner, insert)
    async with telling(scene.world):
        created = await scene.clinic.create(subscription(address, channel="email"))

        async def in_error() -> bool:
            found = (await scene.clinic.get(f"/Subscription/{created['id']}")).json()
            return bool(found["status"] == "error" and "HALLPASS_SMTP_URL" in found["error"])

        await until(in_error)

"""People of a member's staff with a browser each: cookies, links and forms, and no script."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape
from uuid import uuid4

import httpx
from sqlalchemy.ext.asyncio import create_async_engine

from app.office import staff as registry
from app.office.staff import Staff
from tests.world import BASE, Member, World

NAME = "Ada Okafor"


@dataclass
class Person:
    """Somebody of the staff, and their browser."""

    staff: Staff
    link: str
    http: httpx.AsyncClient

    async def sign_in(self) -> httpx.Response:
        """Open the link, and press its button."""
        page = await self.http.get(self.link)
        assert page.status_code == 200, page.text
        return await self.http.post(self.link, data=hidden(page))

    async def get(self, path: str) -> httpx.Response:
        """Open a page."""
        return await self.http.get(f"{BASE}{path}")

    async def send(self, page: httpx.Response, to: str, **fields: str) -> httpx.Response:
        """Fill in the form of a page that goes to a path, and send it."""
        return await self.http.post(f"{BASE}{to}", data={**hidden(page, to), **fields})


def hidden(page: httpx.Response, action: str = "") -> dict[str, str]:
    """The hidden fields of a page's form."""
    forms = re.findall(r"<form[^>]*action=\"([^\"]*)\"[^>]*>(.*?)</form>", page.text, re.S)
    inside = [body for path, body in forms if path == action or not action]
    assert inside, f"no form goes to {action}: {page.text}"
    return {k: unescape(v) for k, v in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', inside[0])}


def browser(world: World, **options: object) -> httpx.AsyncClient:
    """A browser: it keeps cookies and follows redirects."""
    return httpx.AsyncClient(transport=world.http._transport, follow_redirects=True, timeout=30, **options)  # type: ignore[arg-type]


async def hire(
    world: World, member: Member, role: str, name: str = NAME, caseload: Sequence[str] | None = None
) -> Person:
    """A person with a role, and a link that was not used yet."""
    engine = create_async_engine(world.db.owner)
    async with engine.begin() as connection:
        address = f"{uuid4().hex[:8]}@school.example"
        staff = await registry.add(connection, member.organization, name, address, role, caseload)
        link = await registry.link(connection, staff.client, BASE)
    await engine.dispose()
    return Person(staff, link, browser(world))


async def signed_in(
    world: World, member: Member, role: str, name: str = NAME, caseload: Sequence[str] | None = None
) -> Person:
    """A person with a role who is signed in."""
    found = await hire(world, member, role, name, caseload)
    assert (await found.sign_in()).status_code == 200
    return found

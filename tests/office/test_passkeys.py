"""Passkeys in a real browser with a virtual authenticator: made, used, and not by what is old, copied or another's.

https://www.w3.org/TR/webauthn-3/ and https://chromedevtools.github.io/devtools-protocol/tot/WebAuthn/
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import create_async_engine

from app.db.engine import Database
from app.office import passkeys
from app.office import staff as registry
from app.office.guard import COOKIE
from app.office.sign_in import BEFORE
from tests.office.people import Person, hidden, hire
from tests.office.test_browser import PROGRAM, judge
from tests.openapi.browser import Browser, browsing
from tests.partner.test_browser import served, submit
from tests.scene import Scene, as_owner, set_scene
from tests.world import BASE, open_world

pytest.importorskip("webauthn")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium here: apt-get install chromium")
_SIGN = """navigator.credentials.get({{publicKey: PublicKeyCredential.parseRequestOptionsFromJSON({options})}})
.then(found => JSON.stringify(found.toJSON()))"""


@dataclass
class Desk:
    """A person with a passkey in a browser, who is signed out."""

    scene: Scene
    person: Person
    page: Browser
    url: str

    def browser(self) -> httpx.AsyncClient:
        """A browser whose cookies are ours to see."""
        return httpx.AsyncClient(base_url=self.url, follow_redirects=True)

    async def answer(self, asked: httpx.Response) -> dict[str, str]:
        """The form of a sign-in page, with what the authenticator says to it."""
        options = unescape(re.findall(r'data-options="([^"]+)"', asked.text)[0])
        said = await asyncio.to_thread(self.page.run, _SIGN.format(options=options))
        return {**hidden(asked, "/office/sign-in"), "credential": str(said)}


@pytest_asyncio.fixture
async def desk(db: Database, tmp_path: Path) -> AsyncIterator[Desk]:
    """Somebody makes a passkey after a one-time link, and signs out."""
    assert PROGRAM is not None
    async with open_world(db) as world:
        scene = await set_scene(world)
        person = await hire(world, scene.district, "front-office")
        async with served(world, localhost=True) as url:
            with browsing(PROGRAM, tmp_path / "profile") as page:
                page.with_authenticator()
                await asyncio.to_thread(page.open, url + person.link.removeprefix(BASE))
                await submit(page, "Sign in", "{}", "Find a student")
                await asyncio.to_thread(page.open, f"{url}/office/passkeys")
                assert await asyncio.to_thread(judge, page) == []
                await submit(page, "Make a passkey", "{}", "You have 1 passkey.")
                assert await asyncio.to_thread(judge, page) == []
                await submit(page, "Sign out", "{}", "Sign in with a passkey")
                yield Desk(scene, person, page, url)


async def signed_in(answer: httpx.Response) -> bool:
    """Whether an answer is a page of who is signed in."""
    assert answer.status_code in (200, 403), answer.text
    return "Sign out" in answer.text


async def test_a_passkey_signs_in_without_a_link_by_one_button(desk: Desk) -> None:
    assert await asyncio.to_thread(judge, desk.page) == []
    shown = await submit(desk.page, "Sign in with a passkey", "{}", "Find a student")
    assert desk.person.staff.name in shown
    rows = await as_owner(
        desk.scene.world,
        "SELECT detail FROM hallpass.event WHERE client = :c AND kind = 'login' ORDER BY detail",
        c=desk.person.staff.client,
    )
    assert [r.detail for r in rows] == ["office: a passkey was made", "office: one-time link", "office: passkey"]


async def test_an_answer_signs_in_once_and_in_the_browser_that_asked_alone(desk: Desk) -> None:
    async with desk.browser() as first, desk.browser() as other:
        form = await desk.answer(await first.get("/office/sign-in"))
        before = first.cookies[BEFORE]
        await other.get("/office/sign-in")
        assert not await signed_in(await other.post("/office/sign-in", data=form))
        first.cookies.set(COOKIE, "planted", domain="localhost.local", path="/office")
        assert await signed_in(await first.post("/office/sign-in", data=form))
        assert first.cookies[COOKIE] != "planted"
        other.cookies.clear()
        other.cookies.set(BEFORE, before, domain="localhost.local", path="/office")
        again = await other.post("/office/sign-in", data=form)
        assert not await signed_in(again)
        assert "This passkey does not sign you in" in again.text


async def test_an_answer_to_another_challenge_of_the_same_browser_signs_nobody_in(desk: Desk) -> None:
    async with desk.browser() as http:
        one, two = [await desk.answer(await http.get("/office/sign-in")) for _ in range(2)]
        assert one["challenge"] != two["challenge"]
        assert not await signed_in(await http.post("/office/sign-in", data={**one, "challenge": two["challenge"]}))
        for broken in ("", "{}", "[1]", "x", json.dumps({"id": "AA"})):
            assert not await signed_in(await http.post("/office/sign-in", data={**one, "credential": broken}))
        for broken in ("", "zz", "00" * 56):
            assert not await signed_in(await http.post("/office/sign-in", data={**one, "challenge": broken}))
        assert not await signed_in(await http.post("/office/sign-in", data={**two, "token": "00"}))
        assert not await signed_in(await http.post("/office/sign-in", data=two))  # its challenge was taken above
        fresh = await desk.answer(await http.get("/office/sign-in"))
        assert await signed_in(await http.post("/office/sign-in", data=fresh))


async def test_a_challenge_is_good_for_minutes(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passkeys, "SECONDS", -1)
    async with desk.browser() as http:
        form = await desk.answer(await http.get("/office/sign-in"))
        assert not await signed_in(await http.post("/office/sign-in", data=form))


async def test_a_copied_passkey_whose_counter_is_behind_signs_nobody_in(desk: Desk) -> None:
    await as_owner(desk.scene.world, "UPDATE hallpass.staff_passkey SET counter = 1000000")
    async with desk.browser() as http:
        form = await desk.answer(await http.get("/office/sign-in"))
        assert not await signed_in(await http.post("/office/sign-in", data=form))


async def test_who_is_shut_out_has_no_passkey_any_more(desk: Desk) -> None:
    engine = create_async_engine(desk.scene.world.db.owner)
    async with engine.begin() as connection:
        await registry.disable(connection, desk.person.staff.client, datetime.now(UTC))
    await engine.dispose()
    async with desk.browser() as http:
        form = await desk.answer(await http.get("/office/sign-in"))
        assert not await signed_in(await http.post("/office/sign-in", data=form))
    kept = "SELECT id FROM hallpass.staff_passkey WHERE client = :c"
    assert not await as_owner(desk.scene.world, kept, c=desk.person.staff.client)


async def test_a_passkey_that_was_removed_signs_nobody_in(desk: Desk) -> None:
    await submit(desk.page, "Sign in with a passkey", "{}", "Find a student")
    await asyncio.to_thread(desk.page.open, f"{desk.url}/office/passkeys")
    await submit(desk.page, "Remove all of them", "{}", "You have no passkeys.")
    async with desk.browser() as http:
        form = await desk.answer(await http.get("/office/sign-in"))
        assert not await signed_in(await http.post("/office/sign-in", data=form))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://hallpass.example", ("hallpass.example", "https://hallpass.example")),
        ("https://hallpass.example:8443/x", ("hallpass.example", "https://hallpass.example:8443")),
        ("http://localhost:8000", ("localhost", "http://localhost:8000")),
        ("http://hallpass.example", None),
        ("https://10.0.0.1", None),
        ("https://[::1]", None),
    ],
)
def test_passkeys_are_offered_where_browsers_make_them(address: str, expected: Any) -> None:
    found = passkeys.site(address)
    assert (found and (found.host, found.origin)) == expected

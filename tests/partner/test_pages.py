"""A food bank without software answers a referral: a mail with a link, a code, one page. docs/guides/partners.md"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import create_async_engine

from app.auth import clients
from app.auth.clients import Client
from app.db.engine import Database
from app.exchange.service import AccessService
from app.jobs.job import Tools, Work
from app.jobs.kinds.mail_partners import JOB
from app.keyring import Keyring
from app.limits.limits import Limits
from app.one_time import CODE_SECONDS, TRIES
from app.partner import page
from app.partner.links import LINK_SECONDS, Link, Links
from app.partner.partners import partner
from tests import build
from tests.partner.post import Post, post
from tests.scene import FAMILY, Scene, ledger, set_scene
from tests.world import BASE, World, open_world

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
RELEASED = ("Patient", "ServiceRequest")


@dataclass
class Pantry:
    """A light partner: what it is registered as, its mail, and a browser without script."""

    scene: Scene
    client: Client
    post: Post
    world: World

    async def mailed(self) -> None:
        """Let the worker look for new referrals."""
        service = AccessService(self.world.db, self.world.settings, Limits(self.world.settings, 4).connections)
        await JOB.run(Work(Tools(self.world.db, self.world.settings, service, asyncio.Event()), 1, {}))

    def browser(self) -> httpx.AsyncClient:
        """A browser: it keeps cookies and follows redirects."""
        transport = self.world.http._transport
        return httpx.AsyncClient(transport=transport, base_url=BASE, follow_redirects=True, timeout=30)

    async def link(self) -> str:
        """The link in the last mail."""
        found = re.search(rf"{BASE}(/partner/\S+)", self.post.last())
        assert found, self.post.last()
        return found[1]

    async def entered(self) -> tuple[httpx.AsyncClient, str, httpx.Response]:
        """A browser that has come to the referral, by the link and the code."""
        link, browser = await self.link(), self.browser()
        assert (await browser.get(link)).status_code == 200
        assert (await browser.post(f"{link}/code")).status_code == 200
        response = await browser.post(f"{link}/open", data={"code": self.code()})
        return browser, link, response

    def behind(self, link: str) -> Link:
        """What a link is to."""
        found = Links(Keyring.of(self.world.settings)).read_link(link.removeprefix("/partner/"), time.time())
        assert found is not None
        return found

    def code(self) -> str:
        """The code in the last mail."""
        found = re.search(r"code is (\d{4} \d{4})", self.post.last())
        assert found, self.post.last()
        return found[1]


@pytest_asyncio.fixture(scope="module")
async def world(db: Database) -> AsyncIterator[World]:
    """A network with a mail server."""
    async with (
        post() as found,
        open_world(db, smtp_url=SecretStr(found.url), mail_from="hallpass@example.org") as world,
    ):
        world.post = found  # type: ignore[attr-defined]
        yield world


@pytest_asyncio.fixture
async def pantry(world: World) -> Pantry:
    """The clinic of a scene, as a light partner with one requested referral that a release shows it."""
    scene = await set_scene(world)
    scene.records["release"] = await scene.release(*RELEASED)
    found = partner(scene.clinic.organization, "By mail", "intake@pantry.example", frozenset({"TREAT"}))
    engine = create_async_engine(world.db.owner)
    async with engine.begin() as connection:
        await clients.add(connection, found)
    await engine.dispose()
    parties = scene.district.reference, scene.clinic.reference
    task = build.task(scene.student, scene.records["ServiceRequest"], *parties)
    scene.records["sent"] = await scene.district.create(task)
    pantry = Pantry(scene, found, world.post, world)  # type: ignore[attr-defined]
    await pantry.mailed()
    return pantry


def fields(response: httpx.Response, action: str, **more: str) -> dict[str, str]:
    """The form of an action, as a browser sends it."""
    form = next(f for f in re.findall(r"<form.*?</form>", response.text, re.S) if f'value="{action}"' in f)
    found = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    return {**found, **more}


async def status(pantry: Pantry) -> dict[str, Any]:
    """The Task as the school sees it."""
    found: dict[str, Any] = (await pantry.scene.district.get(f"/Task/{pantry.scene.records['sent']['id']}")).json()
    return found


async def test_a_referral_is_mailed_once_and_its_mail_tells_nothing_of_the_student(pantry: Pantry) -> None:
    mails = [m for m in pantry.post.mails if m["To"] == "intake@pantry.example"]
    text = pantry.post.last()
    assert FAMILY not in text
    assert not [r["id"] for r in pantry.scene.records.values() if r["id"] in text]
    await pantry.mailed()
    assert len([m for m in pantry.post.mails if m["To"] == "intake@pantry.example"]) == len(mails)


async def test_an_address_that_is_refused_holds_up_no_other_partner(
    pantry: Pantry, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = partner(pantry.scene.clinic.organization, "Typo", "nobody@pantry.example", frozenset({"TREAT"}))
    everyone = clients.everyone

    async def bad_first(connection: Any) -> list[Client]:
        return [bad, *(c for c in await everyone(connection) if c.id == pantry.client.id)]

    monkeypatch.setattr(clients, "everyone", bad_first)
    engine = create_async_engine(pantry.world.db.owner)
    async with engine.begin() as connection:
        await clients.add(connection, bad)
    await engine.dispose()
    parties = pantry.scene.district.reference, pantry.scene.clinic.reference
    await pantry.scene.district.create(
        build.task(pantry.scene.student, pantry.scene.records["ServiceRequest"], *parties)
    )
    before = len(pantry.post.mails)
    await pantry.mailed()
    assert len(pantry.post.mails) == before + 1


async def test_a_partner_that_leaves_many_referrals_unanswered_is_mailed_of_the_next(
    pantry: Pantry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.partner.visit.MOST_NEW", 2)
    parties = pantry.scene.district.reference, pantry.scene.clinic.reference
    before = len(pantry.post.mails)
    for _ in range(4):
        await pantry.scene.district.create(
            build.task(pantry.scene.student, pantry.scene.records["ServiceRequest"], *parties)
        )
        await pantry.mailed()
    assert len(pantry.post.mails) == before + 4


async def test_what_no_release_shows_is_not_mailed(pantry: Pantry) -> None:
    before = len(pantry.post.mails)
    await pantry.scene.district.save({**pantry.scene.records["release"], "status": "inactive"})
    parties = pantry.scene.district.reference, pantry.scene.clinic.reference
    await pantry.scene.district.create(
        build.task(pantry.scene.student, pantry.scene.records["ServiceRequest"], *parties)
    )
    await pantry.mailed()
    assert len(pantry.post.mails) == before


async def test_behind_the_code_the_page_shows_the_referral_and_the_ledger_says_so(pantry: Pantry) -> None:
    browser, link, response = await pantry.entered()
    assert response.status_code == 200
    assert FAMILY in response.text
    told = {(row[0], row[3]) for row in await ledger(pantry.world, pantry.scene.clinic)}
    assert {("Patient", "read"), ("ServiceRequest", "read"), ("Task", "read")} <= told
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script" not in policy + response.text
    assert response.headers["Cache-Control"] == "no-store"
    assert (await browser.get(f"{link}/referral")).status_code == 200


async def test_without_the_code_nothing_is_shown(pantry: Pantry) -> None:
    link, browser = await pantry.link(), pantry.browser()
    for response in (
        await browser.get(link),
        await browser.get(f"{link}/referral"),
        await browser.post(f"{link}/referral", data={"action": "accept", "version": "1"}),
        await browser.post(f"{link}/open", data={"code": "00000000"}),
    ):
        assert FAMILY not in response.text
        assert "Accept" not in response.text
    assert (await status(pantry))["status"] == "requested"


async def test_a_code_works_once_and_wrong_ones_run_out(pantry: Pantry) -> None:
    _, link, _ = await pantry.entered()
    again = await pantry.browser().post(f"{link}/open", data={"code": pantry.code()})
    assert (again.status_code, FAMILY in again.text) == (403, False)
    other = pantry.browser()
    right = Links(Keyring.of(pantry.world.settings)).code(pantry.behind(link), time.time(), ago=1)
    for _ in range(TRIES):
        assert (await other.post(f"{link}/open", data={"code": "12345678"})).status_code == 403
    assert (await other.post(f"{link}/open", data={"code": right})).status_code == 403, "it still takes codes"


async def test_of_many_codes_that_come_at_once_no_more_are_judged_than_one_by_one(
    pantry: Pantry, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[str] = []
    fits = Links.fits

    def counting(links: Links, link: Link, code: str, now: float) -> bool:
        judged.append(code)
        return fits(links, link, code, now)

    monkeypatch.setattr(Links, "fits", counting)
    link, browser = await pantry.link(), pantry.browser()
    tried = [browser.post(f"{link}/open", data={"code": f"{n:08}"}) for n in range(3 * TRIES)]
    assert {r.status_code for r in await asyncio.gather(*tried)} == {403}
    assert len(judged) <= 2 * TRIES  # a stretch may end meanwhile


async def test_another_spelling_of_a_link_or_another_link_to_the_referral_has_no_tries_of_its_own(
    pantry: Pantry,
) -> None:
    link, browser = await pantry.link(), pantry.browser()
    for spelled in (link[:20] + "." + link[20:], link[:20] + "%0d%0a" + link[20:], link + "="):
        assert (await browser.get(spelled)).status_code == 404
    for _ in range(TRIES):
        await browser.post(f"{link}/open", data={"code": "12345678"})
    links = Links(Keyring.of(pantry.world.settings))
    second = links.link(pantry.client.id, pantry.behind(link).task, time.time() + 1)
    right = links.code(pantry.behind(link), time.time(), ago=1)
    assert (await browser.post(f"/partner/{second}/open", data={"code": right})).status_code == 403


async def test_codes_are_not_mailed_without_end(pantry: Pantry) -> None:
    link, browser = await pantry.link(), pantry.browser()
    answers = [(await browser.post(f"{link}/code")).status_code for _ in range(TRIES + 2)]
    assert answers[:TRIES].count(200) >= TRIES - 1
    assert answers[-1] == 429


async def test_an_error_is_a_page_in_words(pantry: Pantry, db: Database) -> None:
    browser = pantry.browser()
    answers = [await browser.get("/partner/x/none"), await browser.put("/partner/x"), await browser.get("/partner/%00")]
    async with open_world(db, address_rate=1) as world:
        guesser = httpx.AsyncClient(transport=world.http._transport, base_url=BASE)
        answers += [await guesser.get("/partner/x") for _ in range(12)][-1:]
    assert [a.status_code for a in answers] == [404, 405, 404, 429]
    assert {a.headers["Content-Type"].partition(";")[0] for a in answers} == {"text/html"}
    assert "Too many requests" in answers[-1].text
    assert "Retry-After" in answers[-1].headers
    assert "token" not in answers[-1].text


async def test_the_partner_accepts_and_later_says_what_was_delivered(pantry: Pantry) -> None:
    browser, link, response = await pantry.entered()
    accepted = await browser.post(f"{link}/referral", data=fields(response, "accept"))
    assert (accepted.status_code, (await status(pantry))["status"]) == (200, "accepted")
    await browser.post(f"{link}/referral", data=fields(accepted, "done", text="A food box <each week>", reason=""))
    task = await status(pantry)
    assert (task["status"], task["output"][0]["valueString"]) == ("completed", "A food box <each week>")
    assert task["meta"]["source"] == pantry.scene.clinic.reference["reference"]
    assert "Nothing is left to do" in (await browser.get(f"{link}/referral")).text


async def test_the_partner_declines_with_a_reason(pantry: Pantry) -> None:
    browser, link, response = await pantry.entered()
    form = fields(response, "decline", reason="no-capacity", text="Full until May")
    declined = await browser.post(f"{link}/referral", data=form)
    assert declined.status_code == 200, declined.text
    task = await status(pantry)
    assert (task["status"], task["statusReason"]["coding"][0]["code"]) == ("rejected", "no-capacity")
    assert task["businessStatus"]["coding"][0]["code"] == "4.0"


async def test_an_answer_to_what_has_changed_meanwhile_is_told_so(pantry: Pantry) -> None:
    browser, link, response = await pantry.entered()
    reason = {"statusReason": {"text": "moved away"}}
    await pantry.scene.district.save({**await status(pantry), "status": "cancelled", **reason})
    late = await browser.post(f"{link}/referral", data=fields(response, "accept"))
    assert (late.status_code, 'role="alert"' in late.text) == (412, True)
    assert (await status(pantry))["status"] == "cancelled"


async def test_the_link_dies_with_the_release(pantry: Pantry) -> None:
    browser, link, response = await pantry.entered()
    await pantry.scene.district.save({**pantry.scene.records["release"], "status": "inactive"})
    shown = await browser.get(f"{link}/referral")
    assert (shown.status_code, FAMILY in shown.text) == (404, False)
    sent = await browser.post(f"{link}/referral", data=fields(response, "accept"))
    assert (sent.status_code, (await status(pantry))["status"]) == (404, "requested")


async def test_a_disabled_partner_has_no_link_any_more(pantry: Pantry) -> None:
    browser, link, _ = await pantry.entered()
    engine = create_async_engine(pantry.world.db.owner)
    async with engine.begin() as connection:
        await clients.disable(connection, pantry.client.id, datetime.now(UTC))
    await engine.dispose()
    assert (await browser.get(f"{link}/referral")).status_code == 404
    assert (await browser.get(link)).status_code == 404


async def test_a_pass_opens_no_other_referral(pantry: Pantry) -> None:
    browser, _, _ = await pantry.entered()
    scene = pantry.scene
    parties = scene.district.reference, scene.clinic.reference
    await scene.district.create(build.task(scene.student, scene.records["ServiceRequest"], *parties))
    await pantry.mailed()
    other = await pantry.link()
    cookie = next(iter(browser.cookies.jar))
    response = await pantry.browser().get(f"{other}/referral", headers={"Cookie": f"{cookie.name}={cookie.value}"})
    assert FAMILY not in response.text


async def test_a_light_partner_gets_no_token(pantry: Pantry) -> None:
    form = {"grant_type": "client_credentials", "client_id": pantry.client.id, "scope": "system/*.rs"}
    response = await pantry.world.http.post(f"{BASE}/auth/token", data=form)
    assert response.status_code == 400


@pytest.mark.parametrize("token", ["x", "gAAAAA", "../../fhir/Patient", "a" * 4000])
async def test_a_link_that_is_none_has_the_page_of_all_that_are_not_open(pantry: Pantry, token: str) -> None:
    response = await pantry.browser().get(f"/partner/{token}")
    assert response.status_code in (401, 404)
    assert FAMILY not in response.text


def test_a_link_and_a_pass_expire_and_neither_is_the_other() -> None:
    links = Links(Keyring([b"k" * 32]))
    token = links.link("c", "t", 1_000)
    assert links.read_link(token, 1_001) == Link("c", "t", 1_000 + LINK_SECONDS)
    assert links.read_link(token, 1_000 + LINK_SECONDS) is None
    link = links.read_link(token, 1_001)
    assert link is not None
    permit = links.permit(link, 1_001)
    assert links.read_link(permit, 1_002) is None
    assert not links.permits(link, token, 1_002)
    assert links.permits(link, permit, 1_002)
    assert not links.permits(link, permit, 1_001 + 3_600)
    code = links.code(link, 5_000)
    assert links.fits(link, f"{code[:4]} {code[4:]}", 5_000 + CODE_SECONDS)
    assert not links.fits(link, code, 5_000 + 2 * CODE_SECONDS + 1)
    assert not links.fits(replace(link, task="u"), code, 5_000)


def test_every_value_on_the_page_is_escaped() -> None:
    bad = '"><script>alert(1)</script>'
    task = {"status": "requested", "meta": {"versionId": "1"}, "note": [{"text": bad}], "statusReason": {"text": bad}}
    student = {"name": [{"given": [bad], "family": bad}], "birthDate": bad}
    text = page.referral("link", task, {"code": {"text": bad}}, student, bad, bad)
    assert "<script" not in text

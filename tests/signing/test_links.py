"""Links expire, are for one act of one person, stand nowhere in the database, and die with what they are for."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import create_async_engine

from app.keyring import Keyring
from app.office import staff as registry
from app.signing.links import END, LINK_SECONDS, OFFICE, PASS_SECONDS, SIGN, Link, Links
from app.signing.routes import COOKIE
from tests.office.people import browser
from tests.partner.post import Post
from tests.scene import FAMILY, as_owner
from tests.signing.family import Office, Signer, code_in, office, signer
from tests.world import BASE, World

NONE = "00000000-0000-4000-8000-000000000000"


@pytest_asyncio.fixture(scope="module")
async def desk(world: World, mails: Post) -> Office:
    """The office."""
    return await office(world, mails)


async def asked(desk: Office) -> tuple[str, Signer]:
    """A new draft whose signature the mother is asked for."""
    release = await desk.draft()
    await desk.ask(release, f"RelatedPerson/{desk.mother['id']}")
    return release, signer(desk.scene.world, desk.mails, desk.mailed_link())


def links(desk: Office) -> Links:
    """The server's own."""
    return Links(Keyring.of(desk.scene.world.settings))


def behind(desk: Office, who: Signer) -> Link:
    """What a link is to."""
    found = links(desk).read(who.link.removeprefix("/sign/"), time.time())
    assert found is not None
    return found


def is_gone(answer: httpx.Response) -> bool:
    """The page of a link that leads nowhere."""
    return answer.status_code == 404 and "This link does not work" in answer.text


async def test_a_link_works_for_one_signature_and_the_same_code_once(desk: Office) -> None:
    _, mother = await asked(desk)
    page = await mother.open()
    code = code_in(desk.mails.last())
    assert (await signer(desk.scene.world, desk.mails, mother.link).open(code)).status_code == 403
    assert (await mother.sign(page)).status_code == 200
    assert is_gone(await mother.get())
    assert is_gone(await mother.get("/read"))
    assert is_gone(await mother.sign(page))
    assert is_gone(await mother.post("/code"))


async def test_a_link_dies_with_the_draft_with_the_signers_authority_and_with_its_senders_place(desk: Office) -> None:
    release, mother = await asked(desk)
    consent = await desk.consent(release)
    await desk.scene.district.save({**consent, "status": "rejected"})
    assert is_gone(await mother.get())
    _, mother = await asked(desk)
    stored = (await desk.scene.district.get(f"/RelatedPerson/{desk.mother['id']}")).json()
    await desk.scene.district.save({**stored, "active": False})
    assert is_gone(await mother.get())
    stored = (await desk.scene.district.get(f"/RelatedPerson/{desk.mother['id']}")).json()
    await desk.scene.district.save({**stored, "active": True})


async def test_a_link_dies_with_its_senders_place_in_the_office(world: World, mails: Post) -> None:
    desk = await office(world, mails)
    _, mother = await asked(desk)
    page = await mother.open()
    engine = create_async_engine(world.db.owner)
    async with engine.begin() as connection:
        await registry.disable(connection, desk.person.staff.client, datetime.now(UTC))
    await engine.dispose()
    assert is_gone(await mother.get())
    assert is_gone(await mother.sign(page))


async def test_a_link_that_is_old_or_guessed_or_changed_has_the_page_of_all_that_lead_nowhere(desk: Office) -> None:
    _, mother = await asked(desk)
    link = behind(desk, mother)
    old = links(desk).token(replace(link, until=int(time.time()) - 1))
    nobody = links(desk).token(replace(link, consent=NONE))
    another = links(desk).token(replace(link, signer=f"RelatedPerson/{desk.scene.records['RelatedPerson']['id']}"))
    too_early = links(desk).token(replace(link, act=END))
    foreign = Links(Keyring([b"x" * 32])).token(link)
    pages = [
        await browser(desk.scene.world).get(f"{BASE}/sign/{t}")
        for t in (old, nobody, another, too_early, foreign, "x", "%00", mother.link[6:-3])
    ]
    assert {p.status_code for p in pages} == {404}
    assert len({p.text for p in pages}) == 1


async def test_nothing_is_shown_and_nothing_signed_without_the_code(desk: Office) -> None:
    release, mother = await asked(desk)
    page = await mother.get("/read")
    assert page.url.path == mother.link
    for answer in (page, await mother.post("/read", name="Luz", agree="yes", version="1"), await mother.get("/copy")):
        assert FAMILY not in answer.text
    assert (await desk.consent(release))["status"] == "proposed"


async def test_a_pass_opens_no_other_link(desk: Office) -> None:
    _, one = await asked(desk)
    _, other = await asked(desk)
    await one.open()
    (cookie,) = [x for x in one.http.cookies.jar if x.name == COOKIE]
    assert cookie.path == one.link
    stolen = browser(desk.scene.world)
    stolen.cookies.set(COOKIE, str(cookie.value), domain="127.0.0.1", path="/")
    assert FAMILY not in (await stolen.get(f"{BASE}{other.link}/read")).text


async def test_wrong_codes_run_out_and_codes_are_not_mailed_without_end(desk: Office) -> None:
    _, mother = await asked(desk)
    assert (await mother.post("/code")).status_code == 200
    code = code_in(desk.mails.last())
    for _ in range(5):
        assert (await mother.post("/open", code="0000 0001")).status_code == 403
    assert (await mother.post("/open", code=code)).status_code == 403
    answers = [(await mother.post("/code")).status_code for _ in range(5)]
    assert answers[-1] == 429


async def test_another_site_can_send_no_form_and_frame_no_page(desk: Office) -> None:
    release, mother = await asked(desk)
    page = await mother.open()
    version = str((await desk.consent(release))["meta"]["versionId"])
    await mother.post("/read", name="Luz", agree="yes", version=version)
    await mother.post("/read", name="Luz", agree="yes", version=version, token="0" * 64)
    assert (await desk.consent(release))["status"] == "proposed"
    policy = page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "script-src" not in (await mother.get()).headers["Content-Security-Policy"]
    assert page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["Cache-Control"] == "no-store"


async def test_no_address_in_a_query_leads_away(desk: Office) -> None:
    _, mother = await asked(desk)
    page = await mother.http.get(f"{BASE}{mother.link}?lang=//evil.example&next=https://evil.example")
    assert "evil.example" not in page.text
    answer = await mother.http.get(f"{BASE}{mother.link}/read?next=//evil.example", follow_redirects=False)
    assert answer.headers["Location"] == mother.link


async def test_a_copy_opens_only_to_who_signed_it(desk: Office) -> None:
    _, mother = await asked(desk)
    done = await mother.sign(await mother.open())
    document = str(done.url.params["document"])
    assert FAMILY in (await mother.get("/copy", document=document)).text
    _, again = await asked(desk)
    await again.open()
    assert is_gone(await again.get("/copy", document=document))
    assert is_gone(await mother.get("/copy", document=NONE))
    stranger = signer(desk.scene.world, desk.mails, mother.link)
    assert FAMILY not in (await stranger.get("/copy", document=document)).text


async def test_a_document_without_the_page_is_no_copy(desk: Office) -> None:
    """Another program of the district's may file what looks like evidence."""
    release, mother = await asked(desk)
    await mother.open()
    made = await desk.scene.district.create(
        {
            "resourceType": "DocumentReference",
            "status": "current",
            "subject": {"reference": f"Patient/{desk.scene.student['id']}"},
            "author": [{"reference": f"RelatedPerson/{desk.mother['id']}"}],
            "content": [{"attachment": {"contentType": "text/html", "title": "No page"}}],
            "context": {"related": [{"reference": f"Consent/{release.rpartition('/')[2]}"}]},
        }
    )
    assert is_gone(await mother.get("/copy", document=made["id"]))


async def test_the_security_log_says_that_a_release_was_opened_only_of_who_had_the_code(desk: Office) -> None:
    release, mother = await asked(desk)
    wanted = f"%Consent/{release.rpartition('/')[2]} by %"
    query = "SELECT detail FROM hallpass.event WHERE kind = 'access' AND detail LIKE :wanted"
    await mother.get()
    await mother.post("/code")
    before = [r.detail for r in await as_owner(desk.scene.world, query, wanted=wanted)]
    assert before
    assert all("by somebody who has the link of" in detail for detail in before)
    await mother.open(code_in(desk.mails.last()))
    after = [r.detail for r in await as_owner(desk.scene.world, query, wanted=wanted)]
    assert any(detail.startswith("release opened to be signed") for detail in after)


async def test_no_link_stands_in_the_database(desk: Office) -> None:
    _, mother = await asked(desk)
    await mother.open()
    code = code_in(desk.mails.last()).replace(" ", "")
    secret = mother.link.removeprefix("/sign/")
    rows = await as_owner(
        desk.scene.world,
        "SELECT body FROM hallpass.resource WHERE position(convert_to(:s, 'UTF8') IN body) > 0",
        s=secret,
    )
    assert rows == []
    for table in ("event", "assertion", "staff_link", "staff_session"):
        found = await as_owner(desk.scene.world, f"SELECT t::text FROM hallpass.{table} t")
        assert all(secret not in r[0] for r in found), table
    assert code


async def test_what_a_family_is_called_is_text_and_never_markup(world: World, mails: Post) -> None:
    evil = '<script>alert("1")</script>\'"><b>'
    desk = await office(world, mails, name=[{"family": evil, "given": ["{0}"]}])
    _, mother = await asked(desk)
    page = await mother.open()
    assert "<script>" not in page.text
    done = await mother.sign(page, name=evil)
    copy = await mother.get("/copy", document=str(done.url.params["document"]))
    assert "&lt;script&gt;" in copy.text
    assert "<script" not in copy.text


@pytest.mark.parametrize("act", [SIGN, END])
def test_a_link_and_a_pass_expire_and_neither_is_the_other(act: str) -> None:
    made = Links(Keyring([b"k" * 32]))
    link = Link("staff-1", NONE, f"Patient/{NONE}", act, OFFICE, "en", LINK_SECONDS[act])
    token, given = made.token(link), made.permit(link, 0)
    assert made.read(token, LINK_SECONDS[act] - 1) == link
    assert made.read(token, LINK_SECONDS[act]) is None
    assert made.read(given, 0) is None
    assert made.permits(link, given, PASS_SECONDS - 1)
    assert not made.permits(link, given, PASS_SECONDS)
    assert not made.permits(link, token, 0)
    assert not made.permits(replace(link, act=END if act == SIGN else SIGN), given, 0)

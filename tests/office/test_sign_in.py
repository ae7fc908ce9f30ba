"""Signing in: by a link, once, and without what another site or a guess could do. docs/guides/office.md"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from app.auth import clients
from app.db.engine import Database
from app.errors import HallpassError, Kind
from app.office import staff as registry
from app.office.guard import COOKIE
from app.office.sessions import IDLE_SECONDS
from tests.office.people import browser, hidden, hire, signed_in
from tests.scene import Scene, as_owner
from tests.world import BASE, World, open_world


async def test_a_link_signs_in_once_and_the_page_says_who_is_signed_in(scene: Scene) -> None:
    person = await hire(scene.world, scene.district, "privacy-officer")
    page = await person.sign_in()
    assert page.status_code == 200
    assert "Find a student" in page.text
    assert person.staff.name in page.text
    again = browser(scene.world)
    form = await again.get(person.link)
    refused = await again.post(person.link, data=hidden(form))
    assert refused.status_code == 403
    assert (await again.get(f"{BASE}/office")).url.path == "/office/sign-in"


async def test_to_open_a_link_does_not_use_it_up(scene: Scene) -> None:
    person = await hire(scene.world, scene.district, "privacy-officer")
    for _ in range(2):
        await browser(scene.world).get(person.link)
    assert (await person.sign_in()).status_code == 200


async def test_of_two_browsers_that_use_a_link_at_the_same_time_one_is_signed_in(scene: Scene) -> None:
    person = await hire(scene.world, scene.district, "privacy-officer")
    both = [browser(scene.world) for _ in range(2)]
    forms = [await b.get(person.link) for b in both]
    answers = await asyncio.gather(*(b.post(person.link, data=hidden(f)) for b, f in zip(both, forms, strict=True)))
    assert sorted(a.status_code for a in answers) == [200, 403]


async def test_a_new_link_ends_the_one_before(scene: Scene) -> None:
    person = await hire(scene.world, scene.district, "privacy-officer")
    engine = create_async_engine(scene.world.db.owner)
    async with engine.begin() as connection:
        await registry.link(connection, person.staff.client, BASE)
    await engine.dispose()
    assert (await person.sign_in()).status_code == 403


async def test_a_link_that_is_older_than_a_day_signs_nobody_in(scene: Scene) -> None:
    person = await hire(scene.world, scene.district, "privacy-officer")
    await as_owner(
        scene.world,
        "UPDATE hallpass.staff_link SET expires = now() - interval '1 second' WHERE client = :c",
        c=person.staff.client,
    )
    assert (await person.sign_in()).status_code == 403


async def test_the_secrets_of_links_and_sessions_are_not_in_the_database(scene: Scene) -> None:
    person = await signed_in(scene.world, scene.district, "privacy-officer")
    other = await hire(scene.world, scene.district, "privacy-officer")
    rows = await as_owner(
        scene.world, "SELECT l::text FROM hallpass.staff_link l UNION ALL SELECT s::text FROM hallpass.staff_session s"
    )
    kept = "\n".join(r[0] for r in rows)
    for secret in (person.http.cookies[COOKIE], other.link.rpartition("/")[2]):
        assert secret not in kept
        assert secret.encode().hex() not in kept


async def test_signing_in_makes_a_new_session_whatever_cookie_was_there(scene: Scene) -> None:
    person = await hire(scene.world, scene.district, "privacy-officer")
    person.http.cookies.set(COOKIE, "fixed-by-another", domain="127.0.0.1", path="/office")
    await person.sign_in()
    assert "fixed-by-another" not in {c.value for c in person.http.cookies.jar}
    attacker = browser(scene.world, cookies={COOKIE: "fixed-by-another"})
    assert (await attacker.get(f"{BASE}/office")).url.path == "/office/sign-in"


async def test_signing_in_again_ends_the_session_before(scene: Scene) -> None:
    person = await signed_in(scene.world, scene.district, "privacy-officer")
    before = person.http.cookies[COOKIE]
    engine = create_async_engine(scene.world.db.owner)
    async with engine.begin() as connection:
        person.link = await registry.link(connection, person.staff.client, BASE)
    await engine.dispose()
    await person.sign_in()
    assert person.http.cookies[COOKIE] != before
    old = browser(scene.world, cookies={COOKIE: before})
    assert (await old.get(f"{BASE}/office")).url.path == "/office/sign-in"


async def test_the_cookie_is_for_no_script_and_no_other_site(scene: Scene) -> None:
    person = await hire(scene.world, scene.district, "privacy-officer")
    form = await person.http.get(person.link)
    answer = await person.http.post(person.link, data=hidden(form), follow_redirects=False)
    assert answer.headers["Location"] == "/office"
    cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith(f"{COOKIE}="))
    assert {"HttpOnly", "Path=/office", "SameSite=strict"} <= {p.strip() for p in cookie.split(";")}


async def test_over_https_the_cookie_goes_over_https_alone(db: Database, scene: Scene) -> None:
    async with open_world(db, trusted_proxies=[]) as world:
        world.http._transport.app.state.settings = world.settings.model_copy(  # type: ignore[attr-defined]
            update={"base_url": "https://hallpass.example"}
        )
        answer = await browser(world).get((await hire(world, scene.district, "privacy-officer")).link)
    assert "Secure" in answer.headers["set-cookie"]


async def test_another_site_cannot_sign_a_browser_in(scene: Scene) -> None:
    person = await hire(scene.world, scene.district, "privacy-officer")
    victim = browser(scene.world)
    for data in ({"x": "y"}, {"token": "x"}, hidden(await browser(scene.world).get(person.link))):
        assert (await victim.post(person.link, data=data)).status_code == 403
    assert (await person.sign_in()).status_code == 200


async def test_a_form_without_the_token_of_its_session_does_nothing(scene: Scene) -> None:
    person = await signed_in(scene.world, scene.district, "privacy-officer")
    other = await signed_in(scene.world, scene.district, "privacy-officer")
    theirs = hidden(await other.get("/office"), "/office/leave")
    for data in ({"x": "y"}, {"token": "x"}, theirs):
        answer = await person.http.post(f"{BASE}/office/leave", data=data)
        assert answer.status_code == 403
        assert "Go back, and send it again" in answer.text
    assert "Find a student" in (await person.get("/office")).text


async def test_signing_out_ends_the_session_for_whoever_has_the_cookie(scene: Scene) -> None:
    person = await signed_in(scene.world, scene.district, "privacy-officer")
    kept = person.http.cookies[COOKIE]
    await person.send(await person.get("/office"), "/office/leave")
    thief = browser(scene.world, cookies={COOKIE: kept})
    assert (await thief.get(f"{BASE}/office")).url.path == "/office/sign-in"


async def test_a_session_that_is_not_used_ends(scene: Scene) -> None:
    person = await signed_in(scene.world, scene.district, "privacy-officer")
    await as_owner(
        scene.world,
        "UPDATE hallpass.staff_session SET seen = now() - make_interval(secs => :s) WHERE client = :c",
        c=person.staff.client,
        s=IDLE_SECONDS - 10,
    )
    assert "Find a student" in (await person.get("/office")).text  # and by that it is used
    await as_owner(
        scene.world,
        "UPDATE hallpass.staff_session SET seen = seen - make_interval(secs => :s) WHERE client = :c",
        c=person.staff.client,
        s=IDLE_SECONDS - 10,
    )
    assert "Find a student" in (await person.get("/office")).text
    await as_owner(
        scene.world,
        "UPDATE hallpass.staff_session SET seen = now() - make_interval(secs => :s) WHERE client = :c",
        c=person.staff.client,
        s=IDLE_SECONDS,
    )
    assert (await person.get("/office")).url.path == "/office/sign-in"


async def test_who_is_shut_out_is_shut_out_at_once(scene: Scene) -> None:
    person = await signed_in(scene.world, scene.district, "privacy-officer")
    engine = create_async_engine(scene.world.db.owner)
    async with engine.begin() as connection:
        link = await registry.link(connection, person.staff.client, BASE)
        await registry.disable(connection, person.staff.client, datetime.now(UTC))
    await engine.dispose()
    assert (await person.get("/office")).url.path == "/office/sign-in"
    other = browser(scene.world)
    assert (await other.post(link, data=hidden(await other.get(link)))).status_code == 403


async def test_a_person_gets_no_token_at_the_token_endpoint(scene: Scene) -> None:
    person = await hire(scene.world, scene.district, "privacy-officer")
    member = scene.stranger
    with pytest.raises(AssertionError, match="invalid_client"):
        await scene.world.login(
            type(member)(member.organization, person.staff.client, member.key, member.http), "system/*.rs"
        )


async def test_the_sign_in_is_in_the_members_security_log(scene: Scene) -> None:
    person = await signed_in(scene.world, scene.district, "privacy-officer")
    found = (await scene.district.get("/AuditEvent?subtype=login&_count=200")).json()
    logged = [e["resource"] for e in found["entry"]]
    assert person.staff.client in str(logged)


async def test_guesses_at_links_and_cookies_run_out(db: Database) -> None:
    async with open_world(db, address_rate=1) as world:
        guesser = browser(world)
        answers = [await guesser.get(f"{BASE}/office/enter/{uuid4().hex}") for _ in range(12)]
        assert answers[-1].status_code == 429
        assert "Retry-After" in answers[-1].headers
    async with open_world(db, address_rate=1) as world:
        statuses = []
        for _ in range(12):
            guesser = browser(world, cookies={COOKIE: uuid4().hex})
            statuses.append((await guesser.get(f"{BASE}/office", follow_redirects=False)).status_code)
        assert statuses[0] == 303
        assert statuses[-1] == 429


@pytest.mark.parametrize("path", ["/office", "/office/sign-in", "/office/enter/x"])
async def test_no_page_runs_a_script_or_stands_in_a_frame(scene: Scene, path: str) -> None:
    person = await signed_in(scene.world, scene.district, "privacy-officer")
    answer = await person.get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self'" in policy
    assert "script" not in policy + answer.text
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Cache-Control"] == "no-store"


async def test_an_address_is_one_persons_and_a_role_is_a_known_one(world: World, scene: Scene) -> None:
    person = await hire(world, scene.district, "front-office")
    engine = create_async_engine(world.db.owner)
    for address, role, kind in (
        (person.staff.address.upper(), "counselor", Kind.CONFLICT),
        ("nobody", "counselor", Kind.UNPROCESSABLE),
        ("b@school.example", "king", Kind.UNPROCESSABLE),
    ):
        async with engine.connect() as connection:
            with pytest.raises(HallpassError) as caught:
                await registry.add(connection, scene.district.organization, "B", address, role)
        assert caught.value.kind is kind
    async with engine.connect() as connection:
        assert (await registry.named(connection, person.staff.address)).client == person.staff.client
        assert (await clients.get(connection, person.staff.client)) is not None
    await engine.dispose()


async def test_every_error_is_a_page_and_tells_nothing_of_the_fault(scene: Scene) -> None:
    person = await signed_in(scene.world, scene.district, "privacy-officer")
    answers = [
        await person.get("/office/none"),
        await person.get("/office/sign-in/a%00b"),
        await person.get("/office/sign-in/a%00b/back"),
        await person.http.put(f"{BASE}/office"),
    ]
    assert [a.status_code for a in answers] == [404, 404, 404, 405]
    assert "POST" in answers[-1].headers["Allow"]
    assert {a.headers["Content-Type"].partition(";")[0] for a in answers} == {"text/html"}
    assert all("<h1>There is no such page</h1>" in a.text for a in answers)


async def test_a_fault_in_a_page_is_a_page(scene: Scene) -> None:
    person = await signed_in(scene.world, scene.district, "privacy-officer")
    path = f"/office/students/{scene.student['id']}/record"
    fault = "CREATE FUNCTION pg_temp.fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'Rivera'; END $$"
    await as_owner(scene.world, fault.replace("pg_temp", "hallpass"))
    on = "CREATE TRIGGER fault BEFORE INSERT ON hallpass.event FOR EACH ROW EXECUTE FUNCTION hallpass.fault()"
    await as_owner(scene.world, on)
    try:
        page = await person.get(path)
    finally:
        await as_owner(scene.world, "DROP FUNCTION hallpass.fault() CASCADE")
    assert page.status_code == 500
    assert "<h1>The exchange failed</h1>" in page.text
    assert "Rivera" not in page.text
    assert (await person.get(path)).status_code == 200

"""Signing in by a member's own provider: over real HTTP, with PKCE, and against what a false one could do.

https://openid.net/specs/openid-connect-core-1_0.html
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import create_async_engine
from starlette.responses import RedirectResponse, StreamingResponse

from app.auth import clients
from app.db.engine import Database, owner_transaction
from app.errors import HallpassError
from app.keyring import Keyring
from app.office import openid, providers, sign_in_elsewhere
from app.office.guard import COOKIE
from tests.office.people import Person, browser, hire
from tests.office.provider import CLIENT, SECRET, Provider, key, providing, public
from tests.scene import as_owner
from tests.world import BASE, Member, World, open_world

PAGE = f"{BASE}/office/sign-in/cedar"


@pytest_asyncio.fixture(scope="module")
async def world(db: Database) -> AsyncIterator[World]:
    """The application, to which loopback is a provider's place."""
    async with open_world(db, allow_http_jwks=True) as found:
        yield found


@pytest_asyncio.fixture(scope="module")
async def district(world: World) -> Member:
    """Whose staff signs in."""
    return await world.member("Cedar ISD")


@pytest_asyncio.fixture
async def provider(world: World, district: Member) -> AsyncIterator[Provider]:
    """The district's provider, registered."""
    engine = create_async_engine(world.db.owner)
    async with providing() as found:
        async with engine.begin() as connection:
            mine = providers.Provider("cedar", district.organization, found.issuer, CLIENT, SECRET)
            await providers.add(connection, mine, Keyring.of(world.settings), allow_http=True)
        yield found
        async with engine.begin() as connection:
            await providers.remove(connection, "cedar")
    await engine.dispose()


@pytest_asyncio.fixture
async def person(world: World, district: Member, provider: Provider) -> Person:
    """Somebody of the staff, whom the provider knows by a verified address."""
    found = await hire(world, district, "privacy-officer")
    provider.claims = {"sub": uuid4().hex, "email": found.staff.address.upper(), "email_verified": True}
    return found


async def begin(http: httpx.AsyncClient) -> str:
    """Go to the provider; answer the address to which it sends the browser back."""
    there = await http.get(PAGE, follow_redirects=False)
    assert there.status_code == 303, there.text
    async with httpx.AsyncClient() as real:
        return str((await real.get(there.headers["Location"])).headers["Location"])


async def sign_in(http: httpx.AsyncClient) -> httpx.Response:
    """Go to the provider and come back."""
    return await http.get(await begin(http))


async def is_in(http: httpx.AsyncClient) -> bool:
    """Whether the browser is signed in."""
    return (await http.get(f"{BASE}/office")).url.path == "/office"


async def test_who_the_provider_vouches_for_is_signed_in_and_known_by_its_subject_from_then_on(
    world: World, person: Person, provider: Provider
) -> None:
    page = await sign_in(person.http)
    assert page.status_code == 200
    assert 'href="/office"' in page.text
    assert person.staff.name in (await person.get("/office")).text
    assert provider.exchanged == 1
    provider.claims = {**provider.claims, "email": "married@school.example"}
    again = browser(world)
    assert (await sign_in(again)).status_code == 200
    assert await is_in(again)


async def test_an_address_that_is_given_to_another_does_not_give_them_the_office(
    world: World, person: Person, provider: Provider
) -> None:
    await sign_in(person.http)
    provider.claims = {**provider.claims, "sub": "another"}
    other = browser(world)
    assert (await sign_in(other)).status_code == 403
    assert not await is_in(other)


@pytest.mark.parametrize(
    "lies",
    [
        {"email_verified": False},
        {"email_verified": None},
        {"email": "stranger@elsewhere.example"},
        {"iss": "https://other.example"},
        {"aud": "another-client"},
        {"aud": [CLIENT, "another"]},
        {"azp": "another"},
        {"exp": 1},
        {"exp": None},
        {"iat": 9_999_999_999},
        {"nonce": "another"},
        {"nonce": None},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 256},
    ],
    ids=str,
)
async def test_a_token_that_does_not_prove_who_it_is_signs_nobody_in(
    person: Person, provider: Provider, lies: dict[str, Any]
) -> None:
    provider.lies = lies
    page = await sign_in(person.http)
    assert page.status_code == 403
    assert "You are not signed in" in page.text
    assert not await is_in(person.http)


async def test_a_token_of_another_key_or_of_none_signs_nobody_in(person: Person, provider: Provider) -> None:
    kept = provider.signer
    provider.published = [public(kept)]
    provider.signer = key("k1")
    assert (await sign_in(person.http)).status_code == 403
    provider.signer = {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA", "kid": "k1"}
    provider.algorithm = "HS256"
    assert (await sign_in(person.http)).status_code == 403
    provider.algorithm, provider.signer = "RS256", kept
    assert (await sign_in(person.http)).status_code == 200


async def test_an_answer_comes_back_to_the_browser_that_began_it(
    world: World, person: Person, provider: Provider
) -> None:
    back = await begin(person.http)
    other = browser(world)
    assert (await other.get(back)).status_code == 403
    await begin(other)  # with a sign-in of its own under way
    assert (await other.get(back)).status_code == 403
    assert provider.exchanged == 0
    assert (await person.http.get(back)).status_code == 200


@pytest.mark.parametrize(
    ("part", "instead"), [("state", "x"), ("iss", "https://x.example"), ("code", "x"), ("code", "")]
)
async def test_an_answer_with_another_state_issuer_or_code_signs_nobody_in(
    person: Person, part: str, instead: str
) -> None:
    back = httpx.URL(await begin(person.http)).copy_set_param(part, instead)
    assert (await person.http.get(back)).status_code == 403
    assert not await is_in(person.http)


async def test_an_answer_is_good_once(person: Person, provider: Provider) -> None:
    back = await begin(person.http)
    assert (await person.http.get(back)).status_code == 200
    assert (await person.http.get(back)).status_code == 403
    assert provider.exchanged == 1


async def test_a_fresh_session_is_made_and_the_cookie_is_strict(person: Person) -> None:
    person.http.cookies.set(COOKIE, "fixed-by-another", domain="127.0.0.1", path="/office")
    page = await sign_in(person.http)
    cookie = next(c for c in page.headers.get_list("set-cookie") if c.startswith(f"{COOKIE}="))
    assert "SameSite=strict" in cookie
    assert "HttpOnly" in cookie
    assert "fixed-by-another" not in cookie


async def test_who_is_shut_out_is_not_let_in_by_the_provider(world: World, person: Person) -> None:
    await as_owner(world, "UPDATE hallpass.client SET disabled = now() WHERE id = :c", c=person.staff.client)
    assert (await sign_in(person.http)).status_code == 403


async def test_a_provider_vouches_for_the_staff_of_its_own_member_alone(world: World, provider: Provider) -> None:
    other = await world.member("Other ISD")
    theirs = await hire(world, other, "privacy-officer")
    provider.claims = {"sub": "x", "email": theirs.staff.address, "email_verified": True}
    assert (await sign_in(theirs.http)).status_code == 403


async def test_a_provider_that_is_down_or_unknown_is_an_error_page(world: World, district: Member) -> None:
    http = browser(world)
    assert (await http.get(f"{BASE}/office/sign-in/none")).status_code == 404
    engine = create_async_engine(world.db.owner)
    async with engine.begin() as connection:
        mine = providers.Provider("down", district.organization, "http://127.0.0.1:9", CLIENT)
        await providers.add(connection, mine, Keyring.of(world.settings), allow_http=True)
    await engine.dispose()
    page = await http.get(f"{BASE}/office/sign-in/down")
    assert page.status_code == 503
    assert "Try again" in page.text


@pytest.mark.parametrize(
    "configured",
    [
        {"issuer": "https://other.example"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": None},
        {"token_endpoint": "http://10.0.0.1/token"},
        {"token_endpoint": "file:///etc/passwd"},
        {"jwks_uri": "http://169.254.169.254/latest"},
        {"jwks_uri": "http://[::ffff:10.0.0.1]/keys"},
    ],
    ids=str,
)
async def test_a_provider_leads_to_no_address_that_is_not_a_web_page_or_not_public(
    person: Person, provider: Provider, configured: dict[str, Any]
) -> None:
    back = None if "token_endpoint" not in configured and "jwks_uri" not in configured else await begin(person.http)
    provider.configured = configured
    page = await person.http.get(back or PAGE, follow_redirects=False)
    assert page.status_code == 503, page.text
    assert not await is_in(person.http)


async def _drip() -> AsyncIterator[bytes]:
    while True:
        yield b" "
        await asyncio.sleep(0.1)


async def _flood() -> AsyncIterator[bytes]:
    while True:
        yield b" " * 65_536
        await asyncio.sleep(0)  # so that the server learns that the client left


@pytest.mark.parametrize("what", ["redirect", "flood", "drip"])
async def test_of_a_provider_no_more_is_read_than_fits_in_time_and_no_redirect_is_followed(
    person: Person, provider: Provider, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openid, "SECONDS", 1.0)
    provider.instead = {
        "redirect": RedirectResponse(f"{provider.issuer}/.well-known/openid-configuration?"),
        "flood": StreamingResponse(_flood()),
        "drip": StreamingResponse(_drip()),
    }[what]
    started = time.monotonic()
    assert (await person.http.get(PAGE, follow_redirects=False)).status_code == 503
    assert time.monotonic() - started < 30


async def test_a_sign_in_that_took_too_long_or_is_another_providers_signs_nobody_in(
    world: World, district: Member, person: Person, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with owner_transaction(world.db.owner) as connection:
        twin = providers.Provider("twin", district.organization, provider.issuer, CLIENT, SECRET)
        await providers.add(connection, twin, Keyring.of(world.settings), allow_http=True)
    back = await begin(person.http)
    assert (await person.http.get(back.replace("/cedar/", "/twin/"))).status_code == 403
    back = await begin(person.http)
    monkeypatch.setattr(sign_in_elsewhere.time, "time", lambda: datetime.now(UTC).timestamp() + 601)
    assert (await person.http.get(back)).status_code == 403
    assert provider.exchanged == 0


async def test_sign_ins_by_a_provider_run_out_for_an_address(db: Database, provider: Provider) -> None:
    async with open_world(db, allow_http_jwks=True, address_rate=1) as world:
        http = browser(world)
        statuses = [(await http.get(PAGE, follow_redirects=False)).status_code for _ in range(12)]
    assert (statuses[0], statuses[-1]) == (303, 429)


async def test_a_session_ends_with_its_client_and_a_provider_lets_nobody_in_who_was_shut_out(
    world: World, person: Person, provider: Provider
) -> None:
    await sign_in(person.http)
    assert await is_in(person.http)
    async with owner_transaction(world.db.owner) as connection:  # as `hallpass client disable` does
        await clients.disable(connection, person.staff.client, datetime.now(UTC))
    assert not await is_in(person.http)
    assert (await sign_in(person.http)).status_code == 403  # known by the subject
    assert not await is_in(person.http)


async def test_a_provider_does_not_vouch_for_a_subject_of_anothers_staff(
    world: World, person: Person, provider: Provider
) -> None:
    other = await world.member("Third ISD")
    theirs = await hire(world, other, "privacy-officer")
    await as_owner(
        world,
        "UPDATE hallpass.staff SET issuer = :i, subject = 'theirs' WHERE client = :c",
        i=provider.issuer,
        c=theirs.staff.client,
    )
    provider.claims = {"sub": "theirs", "email": "nobody@school.example", "email_verified": True}
    assert (await sign_in(person.http)).status_code == 403


@pytest.mark.parametrize(
    "changed", [{"name": "Not a name"}, {"issuer": "http://plain.example"}, {"client_id": " "}], ids=str
)
async def test_a_provider_that_cannot_be_is_refused(world: World, district: Member, changed: dict[str, str]) -> None:
    values = {"name": "fine", "issuer": "https://idp.example", "client_id": "c", **changed}
    engine = create_async_engine(world.db.owner)
    async with engine.connect() as connection:
        with pytest.raises(HallpassError):
            await providers.add(
                connection,
                providers.Provider(organization=district.organization, **values),
                Keyring.of(world.settings),
                allow_http=False,
            )
    await engine.dispose()

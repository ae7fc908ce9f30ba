"""Fetching a client's JWKS, from a real server.
https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html
"""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
from pathlib import Path

import httpx
import pytest

from app.auth import jwks as module
from app.auth.addresses import resolve_host
from app.auth.jose import generate, public
from app.auth.jwks import MAX_AGE, MAX_BYTES, MISS, JwksFetcher, JwksUnavailable, lifetime
from tests.auth.jwks_server import certificate, serve
from tests.auth.support import EC_KEY, Clock, jwks

KEYS = [public(EC_KEY)]
KID = EC_KEY["kid"]


class Resolver:
    """Answers given addresses, one list after the other, and counts the questions."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append((host, port))
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


def fetcher(clock: Clock | None = None, **how: object) -> JwksFetcher:
    return JwksFetcher(**{"allow_http": True, "clock": clock or Clock(), **how})  # type: ignore[arg-type]


async def test_the_keys_are_fetched_by_a_plain_get() -> None:
    async with serve(jwks(EC_KEY)) as server:
        assert await fetcher().keys(server.url + "?a=b", KID) == KEYS
    assert server.requests[0].startswith("GET /jwks.json?a=b HTTP/1.1\r\n")
    assert f"host: 127.0.0.1:{server.port}\r\n" in server.requests[0].lower()


async def test_without_cache_control_the_keys_are_fetched_each_time() -> None:
    async with serve(jwks(EC_KEY)) as server:
        source = fetcher()
        await source.keys(server.url, KID)
        await source.keys(server.url, KID)
    assert len(server.requests) == 2


async def test_the_keys_are_remembered_for_as_long_as_cache_control_says_and_no_longer() -> None:
    clock = Clock()
    async with serve(jwks(EC_KEY), headers={"Cache-Control": "public, max-age=100", "Age": "40"}) as server:
        source = fetcher(clock)
        await source.keys(server.url, KID)
        clock.now += 59
        await source.keys(server.url, KID)
        assert len(server.requests) == 1
        clock.now += 1
        await source.keys(server.url, KID)
        assert len(server.requests) == 2


async def test_a_clock_that_is_set_back_ends_what_is_remembered() -> None:
    clock = Clock()
    async with serve(jwks(EC_KEY), headers={"Cache-Control": "max-age=100"}) as server:
        source = fetcher(clock)
        await source.keys(server.url, KID)
        clock.now -= 1
        await source.keys(server.url, KID)
        assert len(server.requests) == 2


async def test_a_failed_fetch_forgets_the_keys_that_were_over() -> None:
    clock = Clock()
    async with serve(jwks(EC_KEY), headers={"Cache-Control": "max-age=60"}) as server:
        source = fetcher(clock)
        await source.keys(server.url, KID)
        clock.now += 60
        server.status = 500
        with pytest.raises(JwksUnavailable):
            await source.keys(server.url, KID)


async def test_a_new_kid_is_looked_for_before_the_keys_are_over_but_not_at_every_request() -> None:
    clock, new = Clock(), generate()
    async with serve(jwks(EC_KEY), headers={"Cache-Control": "max-age=3000"}) as server:
        source = fetcher(clock)
        await source.keys(server.url, KID)
        server.document = jwks(EC_KEY, new)
        assert await source.keys(server.url, new["kid"]) == KEYS
        clock.now += MISS
        assert await source.keys(server.url, new["kid"]) == [*KEYS, public(new)]
        assert len(server.requests) == 2


async def test_a_later_answer_takes_the_place_of_an_earlier_one_though_that_may_be_remembered_for_longer() -> None:
    clock, new = Clock(), generate()
    async with serve(jwks(EC_KEY), headers={"Cache-Control": "max-age=3000"}) as server:
        source = fetcher(clock)
        await source.keys(server.url, KID)
        clock.now += MISS
        server.document, server.headers = jwks(new), {"Cache-Control": "no-store"}
        await source.keys(server.url, new["kid"])
        assert await source.keys(server.url, KID) == [public(new)]


async def test_a_search_for_a_new_kid_that_fails_leaves_what_is_remembered() -> None:
    clock = Clock()
    async with serve(jwks(EC_KEY), headers={"Cache-Control": "max-age=3000"}) as server:
        source = fetcher(clock)
        await source.keys(server.url, KID)
        clock.now += MISS
        server.status = 500
        with pytest.raises(JwksUnavailable):
            await source.keys(server.url, "new")
        assert await source.keys(server.url, KID) == KEYS


async def test_requests_at_the_same_time_share_one_fetch() -> None:
    async with serve(jwks(EC_KEY), delay=0.05) as server:
        source = fetcher()
        found = await asyncio.gather(*(source.keys(server.url, KID) for _ in range(20)))
    assert found == [KEYS] * 20
    assert len(server.requests) == 1


async def test_one_request_that_is_given_up_does_not_end_the_fetch_of_the_others() -> None:
    async with serve(jwks(EC_KEY), delay=0.05) as server:
        source = fetcher()
        first = asyncio.create_task(source.keys(server.url, KID))
        await asyncio.sleep(0.01)
        second = asyncio.create_task(source.keys(server.url, KID))
        await asyncio.sleep(0.01)
        first.cancel()
        assert await second == KEYS
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    async with serve(jwks(EC_KEY)) as target, serve({}, status=status, headers={"Location": target.url}) as server:
        with pytest.raises(JwksUnavailable):
            await fetcher().keys(server.url, KID)
        assert target.requests == []


@pytest.mark.parametrize("status", [204, 206, 400, 404, 500])
async def test_another_status_than_200_is_no_answer(status: int) -> None:
    async with serve(jwks(EC_KEY), status=status) as server:
        with pytest.raises(JwksUnavailable):
            await fetcher().keys(server.url, KID)


async def test_an_answer_that_is_too_large_is_refused_whatever_it_says_of_its_length() -> None:
    for headers in ({}, {"Content-Length": str(10**9)}):
        async with serve({**jwks(EC_KEY), "pad": "x" * MAX_BYTES}, headers=headers) as server:
            with pytest.raises(JwksUnavailable):
                await fetcher().keys(server.url, KID)


async def test_an_answer_at_the_size_bound_is_taken() -> None:
    body = json.dumps(jwks(EC_KEY)).encode()
    async with serve(None, body=body + b" " * (MAX_BYTES - len(body))) as server:
        assert await fetcher().keys(server.url, KID) == KEYS


async def test_a_compressed_answer_is_refused_unread() -> None:
    body = gzip.compress(json.dumps(jwks(EC_KEY)).encode())
    async with serve(None, body=body, headers={"Content-Encoding": "gzip"}) as server:
        with pytest.raises(JwksUnavailable):
            await fetcher().keys(server.url, KID)
    assert "accept-encoding: identity\r\n" in server.requests[0].lower()


@pytest.mark.parametrize("slowness", [{"delay": 1}, {"drip": 0.05}])
async def test_a_slow_answer_is_given_up_also_one_that_comes_in_drops(
    monkeypatch: pytest.MonkeyPatch, slowness: dict[str, float]
) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.2)
    async with serve(jwks(EC_KEY), **slowness) as server:
        with pytest.raises(JwksUnavailable):
            await fetcher().keys(server.url, KID)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"keys": 1}', b"[" * 60_000])
async def test_an_answer_that_is_no_key_set_is_refused(body: bytes) -> None:
    async with serve(None, body=body) as server:
        with pytest.raises(JwksUnavailable):
            await fetcher().keys(server.url, KID)


async def test_a_host_that_is_not_there_is_an_error_of_the_key_set() -> None:
    async with serve({}) as server:
        gone = server.url
    with pytest.raises(JwksUnavailable):
        await fetcher().keys(gone, KID)
    with pytest.raises(JwksUnavailable):
        await fetcher().keys("http://keys.invalid/jwks", KID)


async def test_plain_http_is_refused_without_the_setting() -> None:
    async with serve(jwks(EC_KEY)) as server:
        with pytest.raises(JwksUnavailable, match="not an https URL"):
            await fetcher(allow_http=False).keys(server.url, KID)
    assert server.requests == []


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["10.0.0.1"], ["8.8.8.8", "169.254.169.254"], ["::1"], []])
async def test_a_host_with_any_address_that_is_not_public_is_never_connected_to(addresses: list[str]) -> None:
    async with serve(jwks(EC_KEY)) as server:
        url = f"https://keys.example:{server.port}/jwks"
        with pytest.raises(JwksUnavailable, match="not public"):
            await fetcher(allow_http=False, resolve=Resolver(addresses)).keys(url, KID)
    assert server.requests == []


async def test_loopback_itself_is_refused_without_the_setting_by_its_name_and_by_its_number() -> None:
    for host in ("localhost", "127.0.0.1", "[::1]", "0x7f.1"):
        with pytest.raises(JwksUnavailable, match="not public"):
            await fetcher(allow_http=False, resolve=resolve_host).keys(f"https://{host}/jwks", KID)


async def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    """A name that answers otherwise the second time (DNS rebinding) is not asked a second time."""
    resolver = Resolver(["127.0.0.1"], ["10.0.0.1"])
    async with serve(jwks(EC_KEY)) as server:
        url = f"http://keys.example:{server.port}/jwks"
        assert await fetcher(resolve=resolver).keys(url, KID) == KEYS
    assert resolver.asked == [("keys.example", server.port)]
    assert f"host: keys.example:{server.port}\r\n" in server.requests[0].lower()


async def test_the_next_address_is_tried_when_one_takes_no_connection() -> None:
    async with serve(jwks(EC_KEY)) as server:
        url = f"http://keys.example:{server.port}/jwks"
        assert await fetcher(resolve=Resolver(["::1", "127.0.0.1"])).keys(url, KID) == KEYS


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serve({}) as proxy, serve(jwks(EC_KEY)) as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert await fetcher().keys(server.url, KID) == KEYS
        assert proxy.requests == []


async def test_tls_is_for_the_host_of_the_url_and_not_for_its_address(tmp_path: Path) -> None:
    serving, trusting = certificate("keys.example", tmp_path)
    async with serve(jwks(EC_KEY), tls=serving) as server:
        source = fetcher(resolve=Resolver(["127.0.0.1"]), tls=trusting)
        assert await source.keys(f"https://keys.example:{server.port}/jwks", KID) == KEYS
        assert server.names == ["keys.example"]
        assert f"host: keys.example:{server.port}\r\n" in server.requests[0].lower()


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_certificate_of_another_host_or_authority_is_refused(tmp_path: Path, trusted: bool) -> None:
    serving, trusting = certificate("keys.example", tmp_path)
    host, tls = ("other.example", trusting) if trusted else ("keys.example", ssl.create_default_context())
    async with serve(jwks(EC_KEY), tls=serving) as server:
        url = f"https://{host}:{server.port}/jwks"
        with pytest.raises(JwksUnavailable):
            await fetcher(resolve=Resolver(["127.0.0.1"]), tls=tls).keys(url, KID)
    assert server.requests == []


async def test_a_certificate_that_expired_is_refused(tmp_path: Path) -> None:
    serving, trusting = certificate("keys.example", tmp_path, days=-1)
    async with serve(jwks(EC_KEY), tls=serving) as server:
        source = fetcher(resolve=Resolver(["127.0.0.1"]), tls=trusting)
        with pytest.raises(JwksUnavailable):
            await source.keys(f"https://keys.example:{server.port}/jwks", KID)
    assert server.requests == []


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"Cache-Control": ""}, 0),
        ({"Cache-Control": "public"}, 0),
        ({"Cache-Control": "max-age=60"}, 60),
        ({"Cache-Control": "Public, Max-Age=60, must-revalidate"}, 60),
        ({"Cache-Control": 'max-age="60"'}, 60),
        ({"Cache-Control": "max-age=60, max-age=30"}, 30),
        ({"Cache-Control": "s-maxage=60"}, 0),
        ({"Cache-Control": "x-max-age=60"}, 0),
        ({"Cache-Control": "max-age=-5"}, 0),
        ({"Cache-Control": "max-age=six"}, 0),
        ({"Cache-Control": "max-age=60, no-store"}, 0),
        ({"Cache-Control": "no-cache, max-age=60"}, 0),
        ({"Cache-Control": "max-age=0"}, 0),
        ({"Cache-Control": "max-age=999999999"}, MAX_AGE),
        ({"Cache-Control": "max-age=60", "Age": "45"}, 15),
        ({"Cache-Control": "max-age=60", "Age": "90"}, 0),
        ({"Cache-Control": "max-age=60", "Age": "old"}, 0),
        ({"Expires": "Thu, 01 Dec 2094 16:00:00 GMT"}, 0),
    ],
)
def test_an_answer_is_remembered_only_by_leave_of_cache_control(headers: dict[str, str], seconds: float) -> None:
    assert lifetime(httpx.Headers(headers)) == seconds

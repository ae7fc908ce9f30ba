"""Which URLs and addresses the server may call when a client chooses them. RFC 6890."""

from __future__ import annotations

import pytest

from app.auth.addresses import MAX_URL, Refused, check_url, port_of, reachable, resolve_host

PRIVATE = [
    "0.0.0.0",  # noqa: S104  an address to refuse
    "10.0.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.1",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::7f00:1",
    "::ffff:10.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::a00:1",
    "64:ff9b:1::a00:1",
    "2001::1",
    "2001:db8::1",
    "2002:a00:1::",
    "fc00::1",
    "fd12::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "not an address",
    "",
]
LOOPBACK = ["127.0.0.1", "127.9.9.9", "::1"]


@pytest.mark.parametrize("address", [*PRIVATE, *LOOPBACK])
def test_an_address_that_is_not_public_is_not_called(address: str) -> None:
    assert not reachable(address, allow_loopback=False)


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_not_called_where_loopback_is(address: str) -> None:
    assert not reachable(address, allow_loopback=True)


@pytest.mark.parametrize("address", LOOPBACK)
def test_loopback_is_called_where_it_is_let(address: str) -> None:
    assert reachable(address, allow_loopback=True)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111"])
def test_a_public_address_is_called(address: str) -> None:
    assert reachable(address, allow_loopback=False)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://",
        "keys.example",
        "//keys.example/jwks",
        "http://keys.example/jwks",
        "ftp://keys.example/jwks",
        "file:///etc/passwd",
        "https://user@keys.example/jwks",
        "https://user:secret@keys.example/jwks",
        "https://keys.example/jwks#keys",
        "https://keys.example:0/jwks",
        "https://keys.example:99999/jwks",
        "https://keys.example:x/jwks",
        "https://keys.example/\n",
        "https://keys.example/" + "a" * MAX_URL,
    ],
)
def test_a_url_that_is_not_plain_https_is_refused(url: str) -> None:
    with pytest.raises(Refused):
        check_url(url, allow_http=False)


@pytest.mark.parametrize(
    ("url", "port"), [("https://keys.example/jwks", 443), ("https://keys.example:8443/a?b=c", 8443)]
)
def test_an_https_url_is_taken_with_its_port(url: str, port: int) -> None:
    assert port_of(check_url(url, allow_http=False)) == port


def test_http_is_taken_where_it_is_let() -> None:
    assert port_of(check_url("http://127.0.0.1/jwks", allow_http=True)) == 80
    with pytest.raises(Refused):
        check_url("ftp://127.0.0.1/jwks", allow_http=True)


@pytest.mark.parametrize("host", ["127.1", "0x7f.1", "2130706433", "localhost"])
async def test_another_spelling_of_a_loopback_address_resolves_to_one_that_is_refused(host: str) -> None:
    addresses = await resolve_host(host, 443)
    assert addresses
    assert not any(reachable(a, allow_loopback=False) for a in addresses)

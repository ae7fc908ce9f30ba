"""An address is the connection's, unless a proxy that is trusted by setting says another."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from app.limits.addresses import Addresses
from app.settings import Settings


def scope(client: str | None, *forwarded: str) -> dict[str, object]:
    return {
        "client": (client, 1) if client else None,
        "headers": [(b"x-forwarded-for", f.encode()) for f in forwarded],
    }


@pytest.mark.parametrize(
    ("trusted", "client", "forwarded", "found"),
    [
        ((), "198.51.100.7", ("203.0.113.9",), "198.51.100.7"),
        (("10.0.0.0/8",), "198.51.100.7", ("203.0.113.9",), "198.51.100.7"),
        (("10.0.0.0/8",), "10.1.1.1", ("203.0.113.9",), "203.0.113.9"),
        (("10.0.0.0/8",), "10.1.1.1", ("1.2.3.4, 203.0.113.9",), "203.0.113.9"),
        (("10.0.0.0/8",), "10.1.1.1", ("1.2.3.4", "203.0.113.9, 10.2.2.2"), "203.0.113.9"),
        (("10.0.0.0/8",), "10.1.1.1", (), "10.1.1.1"),
        (("10.0.0.0/8",), "10.1.1.1", ("not an address",), "?"),
        ((), "2001:db8:1:2:3::4", (), "2001:db8:1:2::/64"),
        ((), "2001:db8:1:2:9::9", (), "2001:db8:1:2::/64"),
        ((), "::ffff:198.51.100.7", (), "198.51.100.7"),
        ((), None, ("203.0.113.9",), "-"),
    ],
)
def test_who_asks(trusted: tuple[str, ...], client: str | None, forwarded: tuple[str, ...], found: str) -> None:
    assert Addresses(trusted).of(scope(client, *forwarded)) == found


def test_a_proxy_is_a_network() -> None:
    assert Settings(trusted_proxies=("10.0.0.0/8", "2001:db8::/32")).trusted_proxies
    with pytest.raises(ValidationError):
        Settings(trusted_proxies=("proxy.example.org",))

"""A scheduled pull reaches the hosts that the operator allows, at public addresses, and no other.
docs/guides/roster.md
"""

from __future__ import annotations

from collections.abc import Sequence

import httpx
import pytest

from app.errors import HallpassError, Kind
from app.intake.sync.guard import Guarded
from app.settings import Settings


class Seen(httpx.BaseTransport):
    """Keeps what would be sent."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(200, json=[])


def ask(url: str, addresses: Sequence[str], **settings: object) -> list[httpx.Request]:
    """What is sent for a request, where the host has these addresses."""
    seen = Seen()
    chosen = Settings(**{"sync_hosts": ("sis.example",), **settings})  # type: ignore[arg-type]
    with httpx.Client(transport=Guarded(chosen, seen, lambda *_: addresses)) as http:
        http.get(url, headers={"Authorization": "Bearer t"})
    return seen.requests


def test_an_allowed_host_is_asked_at_the_address_that_was_judged() -> None:
    (sent,) = ask("https://SIS.example/v1p1/users?limit=1", ["203.0.114.7", "198.51.101.9"])
    assert (sent.url.host, sent.url.path, sent.headers["Host"]) == ("203.0.114.7", "/v1p1/users", "sis.example")
    assert sent.extensions["sni_hostname"] == "sis.example"


@pytest.mark.parametrize("url", ["https://elsewhere.example/", "https://sis.example.evil/", "https://203.0.114.7/"])
def test_another_host_is_refused(url: str) -> None:
    with pytest.raises(HallpassError, match="HALLPASS_SYNC_HOSTS") as e:
        ask(url, ["203.0.114.7"])
    assert e.value.kind is Kind.FORBIDDEN


@pytest.mark.parametrize("address", ["10.0.0.7", "127.0.0.1", "169.254.169.254", "::1", "fd00::1", "::ffff:10.0.0.7"])
def test_a_private_address_is_refused_unless_a_setting_allows_it(address: str) -> None:
    with pytest.raises(HallpassError, match="HALLPASS_SYNC_PRIVATE"):
        ask("https://sis.example/", ["203.0.114.7", address])
    assert len(ask("https://sis.example/", [address], sync_private=True)) == 1

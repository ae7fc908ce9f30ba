"""What the exchange will not do is refused when a Subscription is written, each element by name."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.errors import HallpassError
from app.subscriptions.definition import PREFIX, Definition, read
from tests.notify.asking import subscription

HTTPS = "https://ehr.example.org/hook"


def understood(content: dict[str, Any], *, allow_http: bool = False) -> Definition:
    return read(content, ZoneInfo("America/Chicago"), "https://exchange.example.org/fhir", allow_http=allow_http)


def channel(**more: Any) -> dict[str, Any]:
    return subscription(HTTPS, channel_more=more)


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("criteria", subscription(HTTPS, "https://example.org/topics/weather")),
    ("criteria.extension", subscription(HTTPS, "referral", "Encounter?patient=Patient/1")),
    ("criteria.extension", subscription(HTTPS, "referral", "shoe-size=43")),
    ("criteria.extension", subscription(HTTPS, "referral", "patient.name=Rivera")),
    ("criteria.extension", subscription(HTTPS, "referral", "nonsense")),
    ("criteria.extension", subscription(HTTPS, "referral", *["priority=urgent"] * 21)),
    ("channel.type", channel(type="websocket")),
    ("channel.type", channel(type="sms")),
    (
        "channel.type.extension",
        channel(_type={"extension": [{"url": f"{PREFIX}backport-channel-type", "valueCoding": {"code": "zulip"}}]}),
    ),
    ("channel.endpoint", channel(endpoint="http://ehr.example.org/hook")),
    ("channel.endpoint", channel(endpoint="ftp://ehr.example.org/hook")),
    ("channel.endpoint", subscription("mailto:a@b.example?cc=x@y.example", channel="email")),
    ("channel.payload", channel(payload="application/fhir+xml")),
    ("channel.payload", channel(payload="application/fhir+json;fhirVersion=5.0")),
    ("channel.payload.extension", channel(_payload={"extension": []})),
    ("channel.payload.extension", subscription(HTTPS, content="everything")),
    ("channel.payload.extension", subscription("mailto:a@b.example", channel="email", content="full-resource")),
    ("channel.header", channel(header=["Host: elsewhere.example"])),
    ("channel.header", channel(header=["X-A: b\r\nHost: elsewhere.example"])),
    ("channel.header", subscription("mailto:a@b.example", channel="email", channel_more={"header": ["A: b"]})),
    ("channel.extension", subscription(HTTPS, extensions={"backport-timeout": {"valueUnsignedInt": 600}})),
    ("channel.extension", subscription(HTTPS, extensions={"backport-heartbeat-period": {"valueUnsignedInt": 1}})),
    ("channel.extension", subscription(HTTPS, extensions={"backport-max-count": {"valuePositiveInt": 0}})),
]


@pytest.mark.parametrize(("element", "content"), REFUSED)
def test_what_is_not_served_is_refused_by_its_element(element: str, content: dict[str, Any]) -> None:
    with pytest.raises(HallpassError) as refused:
        understood(content)
    assert [str(i.expression) for i in refused.value.issues] == [f"Subscription.{element}"]


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(HallpassError) as refused:
        understood(subscription("http://x.example", "https://example.org/topic", channel="sms"))
    assert len(refused.value.issues) >= 2


def test_a_subscription_of_every_part_is_read() -> None:
    extensions = {
        "backport-heartbeat-period": {"valueUnsignedInt": 86400},
        "backport-timeout": {"valueUnsignedInt": 20},
        "backport-max-count": {"valuePositiveInt": 20},
    }
    headers = {"header": ["Authorization: Bearer t"], "payload": "application/fhir+json; fhirVersion=4.0"}
    found = understood(
        subscription(HTTPS, "task", "Task?status:not=draft&intent=order", extensions=extensions, channel_more=headers)
    )
    assert (found.heartbeat, found.timeout, found.max_count, found.headers) == (
        *(86400, 20, 20),
        (("Authorization", "Bearer t"),),
    )
    assert [(t, c.parameter, c.modifier) for t, c in found.filters] == [
        ("Task", "status", "not"),
        ("Task", "intent", None),
    ]


@pytest.mark.parametrize(("endpoint", "taken"), [("http://127.0.0.1:9/x", True), ("http://10.0.0.1/x", False)])
def test_http_is_taken_on_loopback_where_a_setting_allows_it(endpoint: str, taken: bool) -> None:
    if taken:
        understood(subscription(endpoint), allow_http=True)
    else:
        with pytest.raises(HallpassError):
            understood(subscription(endpoint), allow_http=True)

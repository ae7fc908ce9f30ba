"""Traces go to the operator's collector, where a setting names one, and hold no value of a record."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from app.db.engine import Database
from app.settings import UnsafeSettings, load
from tests.scene import set_scene
from tests.world import open_world

Bodies = list[bytes]


@pytest.fixture
def collector() -> Iterator[tuple[str, Bodies]]:
    """A stand-in for a collector: its address, and what it was sent."""
    taken: Bodies = []

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Taking)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1/traces", taken
    server.shutdown()
    server.server_close()


def spans(taken: Bodies) -> list[Span]:
    """What was sent, span by span."""
    sent = [ExportTraceServiceRequest.FromString(body) for body in taken]
    return [span for s in sent for r in s.resource_spans for scope in r.scope_spans for span in scope.spans]


def attributes(span: Span) -> dict[str, Any]:
    """By name, as text or number."""
    return {a.key: a.value.string_value or a.value.int_value for a in span.attributes}


async def test_a_request_is_a_span_with_its_route_its_caller_and_its_parts(
    db: Database, collector: tuple[str, Bodies]
) -> None:
    async with open_world(db, traces_url=collector[0]) as world:
        scene = await set_scene(world, "Patient")
        given = await scene.clinic.get(f"/Patient/{scene.student['id']}")
        await scene.clinic.get(f"/Patient?name={scene.student['name'][0]['family']}")
        refused = await scene.stranger.get(f"/Patient/{scene.student['id']}")
    found = spans(collector[1])
    by_id = {attributes(s).get("hallpass.request_id"): s for s in found}
    span = by_id[given.headers["X-Request-Id"]]
    assert span.name == "GET /Patient/{id}"
    told = attributes(span)
    assert (told["http.route"], told["http.response.status_code"]) == ("/Patient/{id}", 200)
    assert told["hallpass.client"] == scene.clinic.client_id
    assert told["hallpass.organization"] == str(scene.clinic.organization)
    assert attributes(by_id[refused.headers["X-Request-Id"]])["http.response.status_code"] == 404
    parts = {s.name for s in found if s.parent_span_id}
    assert {"wait for a connection", "transaction"} <= parts
    sent = b"".join(collector[1])
    assert not [secret for secret in scene.secrets if secret.encode() in sent]


async def test_a_trace_of_the_callers_is_not_gone_on(db: Database, collector: tuple[str, Bodies]) -> None:
    theirs = "4bf92f3577b34da6a3ce929d0e0e4736"
    async with open_world(db, traces_url=collector[0]) as world:
        member = await world.member("District")
        await member.get("/Patient", headers={"traceparent": f"00-{theirs}-00f067aa0ba902b7-01"})
    assert theirs not in {s.trace_id.hex() for s in spans(collector[1])}


async def test_without_the_setting_nothing_is_sent_whatever_the_environment_says_to_others(
    db: Database, collector: tuple[str, Bodies], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector[0].removesuffix("/v1/traces"))
    async with open_world(db) as world:
        await world.member("District")
    assert collector[1] == []


async def test_a_collector_that_is_down_holds_nobody_up(db: Database) -> None:
    async with open_world(db, traces_url="http://127.0.0.1:9/v1/traces") as world:
        member = await world.member("District")
        assert (await member.get("/Patient")).status_code == 200


def test_a_collector_elsewhere_is_asked_by_https(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HALLPASS_TRACES_URL", "http://collector.example/v1/traces")
    with pytest.raises(UnsafeSettings, match="HALLPASS_TRACES_URL must be https"):
        load()

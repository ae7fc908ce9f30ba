"""What Prometheus reads of a server: counts of what really happened, from all processes, and no value of a record."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from tests import build
from tests.running import Running, network_of, serving
from tests.scene import FAMILY, Scene, set_scene

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module", params=["1", "2"], ids=["one process", "two processes"])
def metrics(request: pytest.FixtureRequest) -> Iterator[tuple[Running, str]]:
    """A server with a management port, and the address of its metrics."""
    port = free_port()
    with serving(
        alone=True, HALLPASS_METRICS_PORT=str(port), HALLPASS_WORKERS=request.param, HALLPASS_LOG_FORMAT="json"
    ) as running:
        yield running, f"http://127.0.0.1:{port}/metrics"


@pytest_asyncio.fixture(scope="module")
async def scene(metrics: tuple[Running, str]) -> AsyncIterator[Scene]:
    """A student whose Patient is released to a clinic."""
    async with network_of(metrics[0]) as world:
        yield await set_scene(world, "Patient")


async def measured(url: str) -> dict[str, float]:
    """Each series by its name and labels."""
    async with httpx.AsyncClient() as http:
        text = (await http.get(url)).text
    rows = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in rows}


def labeled(found: dict[str, float], name: str, **labels: str) -> float:
    """The sum of the series of a name that have these labels."""
    wanted = [f'{k}="{v}"' for k, v in labels.items()]
    return sum(
        v for series, v in found.items() if re.split(r"[{ ]", series)[0] == name and all(w in series for w in wanted)
    )


async def test_each_request_is_counted_by_its_route_and_status(metrics: tuple[Running, str], scene: Scene) -> None:
    route = {"route": "/Patient/{id}", "method": "GET"}
    before = await measured(metrics[1])
    for _ in range(6):
        await scene.district.get(f"/Patient/{scene.student['id']}")
    await scene.stranger.get(f"/Patient/{scene.student['id']}")
    after = await measured(metrics[1])
    for status, times in (("200", 6), ("404", 1)):
        counted = [labeled(m, "hallpass_requests_total", status=status, **route) for m in (before, after)]
        assert counted[1] - counted[0] == times
    seconds = [labeled(m, "hallpass_request_seconds_count", route=route["route"]) for m in (before, after)]
    assert seconds[1] - seconds[0] == 7
    refused = [labeled(m, "hallpass_refusals_total", kind="not-found") for m in (before, after)]
    assert refused[1] - refused[0] == 1


async def test_a_disclosure_is_counted_and_a_custodians_own_read_is_not(
    metrics: tuple[Running, str], scene: Scene
) -> None:
    before = await measured(metrics[1])
    await scene.clinic.get(f"/Patient/{scene.student['id']}")
    await scene.district.get(f"/Patient/{scene.student['id']}")
    after = await measured(metrics[1])
    counted = [labeled(m, "hallpass_disclosures_total", type="Patient") for m in (before, after)]
    assert counted[1] - counted[0] == 1


async def test_validation_judging_and_writing_are_measured_each(metrics: tuple[Running, str], scene: Scene) -> None:
    before = await measured(metrics[1])
    await scene.clinic.get(f"/Patient/{scene.student['id']}")
    await scene.district.create(build.encounter(scene.student))
    after = await measured(metrics[1])
    for stage in ("validate", "judge", "write"):
        times = [labeled(m, "hallpass_stage_seconds_count", stage=stage) for m in (before, after)]
        assert times[1] > times[0], stage


async def test_the_database_is_measured_and_nothing_tells_of_anybody(
    metrics: tuple[Running, str], scene: Scene
) -> None:
    found = await measured(metrics[1])
    assert found["hallpass_database_up"] == 1
    assert found["hallpass_standbys_follow"] == 1
    assert found["hallpass_releases"] >= 1
    assert found["hallpass_database_bytes"] > 1_000_000
    whole = " ".join(found)
    assert not [secret for secret in scene.secrets if secret in whole]


async def test_a_json_line_says_who_asked_for_what_by_route(metrics: tuple[Running, str], scene: Scene) -> None:
    answer = await scene.clinic.get(f"/Patient/{scene.student['id']}")
    # The line is written once the answer has left.
    for _ in range(200):
        if answer.headers["X-Request-Id"] in metrics[0].log.read_text():
            break
        await asyncio.sleep(0.05)
    lines = [json.loads(text) for text in metrics[0].log.read_text().splitlines() if text.startswith("{")]
    (line,) = [one for one in lines if one.get("request_id") == answer.headers["X-Request-Id"]]
    assert line["route"] == "/Patient/{id}"
    assert (line["method"], line["status"]) == ("GET", 200)
    assert line["organization"] == str(scene.clinic.organization)
    assert line["client"]
    assert FAMILY not in json.dumps(lines)


async def test_metrics_are_served_on_their_own_port_alone(metrics: tuple[Running, str]) -> None:
    async with httpx.AsyncClient() as http:
        assert (await http.get(f"http://127.0.0.1:{metrics[0].port}/metrics")).status_code == 404


@pytest.mark.parametrize(
    "name", ["deploy/prometheus/alerts.yaml", "deploy/grafana/hallpass.json", "docs/guides/operations.md"]
)
async def test_what_alerts_dashboard_and_guide_name_is_measured(
    metrics: tuple[Running, str], scene: Scene, name: str
) -> None:
    await scene.clinic.get(f"/Patient/{scene.student['id']}")
    there = {re.split(r"[{ ]", series)[0] for series in await measured(metrics[1])}
    asked = set(re.findall(r"hallpass_\w*[a-z0-9]", (ROOT / name).read_text()))
    assert asked
    assert {name for name in asked if not {name, f"{name}_count"} & there} == set()

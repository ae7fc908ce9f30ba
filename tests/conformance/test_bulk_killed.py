"""Server, worker and client are killed while an export is chosen, written and fetched: in the end it is there, once.

Nothing is missing, nothing comes twice, and what came is on the ledger. HALLPASS_KILLS says how often something is
killed. Invariants 4 and 11.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import httpx
import psutil
import pytest

from app.db import embedded
from tests.jobs.test_processes import workers
from tests.running import BIN, Running, serving

CLIENT, DISTRICT = "demo-clinic", "demo-district"
KILLS = int(os.environ.get("HALLPASS_KILLS", "4"))
SEED = int(os.environ.get("HALLPASS_KILL_SEED", "1"))
PARTS = ("client", "server", "worker")
REFERRALS = 400
SECONDS = 300
MOMENT = 3.0
"""Seconds, at the most, from one kill to the next."""
_DISCLOSED = "SELECT DISTINCT id, version FROM hallpass.disclosure WHERE interaction = 'export' AND client = $1"
_SILENT = "UPDATE hallpass.job SET heartbeat = heartbeat - interval '1 minute' WHERE status = 'picked'"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """`hallpass serve --demo` with an export store, and many referrals that the clinic may see."""
    store = str(tmp_path_factory.mktemp("kept"))
    with serving(
        "--demo", until="Stop with Ctrl-C", HALLPASS_WORKER="true", HALLPASS_DRAIN_SECONDS="0",
        HALLPASS_EXPORT_STORE=store,
    ) as found:  # fmt: skip
        refer(found)
        yield found


def headers_of(demo: Running, client: str) -> dict[str, str]:
    """A token of a member of the demonstration."""
    printed = demo.hallpass("token", "--client", client, "--key", str(key_of(demo, client))).stdout
    return {"Authorization": f"Bearer {printed.strip()}", "Content-Type": "application/fhir+json"}


def key_of(demo: Running, client: str) -> Path:
    """The private key of a member of the demonstration."""
    return demo.data / "demo" / f"{client}.jwk"


def refer(demo: Running) -> None:
    """The district refers a student many times, and a release covers all of it."""
    [seen] = entries(demo, CLIENT, "ServiceRequest")[:1]
    subject = seen["subject"]["reference"]
    [release] = [c for c in entries(demo, CLIENT, "Consent") if c["patient"]["reference"] == subject][:1]
    with httpx.Client(base_url=f"{demo.url}/fhir", headers=headers_of(demo, DISTRICT), timeout=60) as http:
        held = http.get(f"/Consent/{release['id']}").json()
        provision = {k: v for k, v in held["provision"].items() if k != "data"}  # of all referrals
        wider = {k: v for k, v in held.items() if k not in ("id", "meta")} | {"provision": provision}
        answer = http.post("/Consent", json=wider)
        assert answer.status_code == 201, answer.text
        content = {k: v for k, v in http.get(f"/ServiceRequest/{seen['id']}").json().items() if k not in ("id", "meta")}
        request = {"method": "POST", "url": "ServiceRequest"}
        for _ in range(REFERRALS // 100):
            bundle = {
                "resourceType": "Bundle",
                "type": "batch",
                "entry": [{"resource": content, "request": request}] * 100,
            }
            answer = http.post("/", json=bundle)
            assert {e["response"]["status"][:3] for e in answer.json()["entry"]} == {"201"}


def entries(demo: Running, client: str, kind: str) -> list[dict[str, Any]]:
    """What a client sees of a type, page by page."""
    found: list[dict[str, Any]] = []
    link: str | None = f"{demo.url}/fhir/{kind}?_count=500"
    with httpx.Client(headers=headers_of(demo, client), timeout=60) as http:
        while link:
            page = http.get(link).json()
            found += [e["resource"] for e in page.get("entry", []) if e["resource"]["resourceType"] == kind]
            link = next((part["url"] for part in page["link"] if part["relation"] == "next"), None)
    return found


def pull(demo: Running, folder: Path) -> subprocess.Popen[bytes]:
    """`hallpass export ndjson`, begun or gone on with."""
    return subprocess.Popen(
        [BIN / "hallpass", "export", "ndjson", folder, "--client", CLIENT, "--key", key_of(demo, CLIENT),
         "--url", demo.url, "--type", "ServiceRequest"],
        env=demo.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def kill(demo: Running, what: str, puller: subprocess.Popen[bytes]) -> None:
    """Kill one of those that take part, as a machine that fails does."""
    if what == "client":
        puller.kill()
        puller.wait()
    elif what == "server":
        demo.stop(signal.SIGKILL)
        demo.start()
    else:
        for worker in workers(demo):
            try:
                worker.kill()
            except psutil.NoSuchProcess:
                continue
        asked(demo, _SILENT)  # as if the half minute were over in which its silence is noticed


def asked(demo: Running, statement: str, *values: object) -> list[asyncpg.Record]:
    """What the owner of the database is answered."""

    async def ask() -> list[asyncpg.Record]:
        url = await asyncio.to_thread(embedded.start, demo.data)
        connection = await asyncpg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False))
        try:
            return list(await connection.fetch(statement, *values))
        finally:
            await connection.close()

    return asyncio.run(ask())


def test_whatever_is_killed_the_export_is_whole_once_and_on_the_ledger(demo: Running, tmp_path: Path) -> None:
    dice, folder = Random(SEED), tmp_path / "pulled"
    due = [*dice.sample(PARTS, len(PARTS)), *dice.choices(PARTS, k=KILLS)][:KILLS]
    expected = {entry["id"] for entry in entries(demo, CLIENT, "ServiceRequest")}
    assert len(expected) > REFERRALS
    until = time.monotonic() + SECONDS
    puller = pull(demo, folder)
    while puller.poll() != 0:
        assert time.monotonic() < until
        wait = time.monotonic() + dice.random() * MOMENT
        while puller.poll() is None and time.monotonic() < wait:
            time.sleep(0.02)
        if due and puller.poll() is None:
            kill(demo, due.pop(), puller)
        if puller.poll() not in (None, 0):
            puller = pull(demo, folder)
    lines = [json.loads(line) for path in sorted(folder.glob("*.ndjson")) for line in path.read_bytes().splitlines()]
    records = [(line["id"], int(line["meta"]["versionId"])) for line in lines]
    assert sorted(id for id, _ in records) == sorted(expected)
    assert set(records) <= {(str(row["id"]), row["version"]) for row in asked(demo, _DISCLOSED, CLIENT)}
    assert len(due) < KILLS

"""A source on a schedule is pulled by `hallpass worker` itself, over HTTP, and what it holds is at the exchange."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.intake.oneroster.service import serving as providing
from tests.intake.oneroster.support import needs_shared
from tests.running import BIN, Running, serving

SETTINGS = {"HALLPASS_SYNC_HOSTS": '["127.0.0.1"]', "HALLPASS_SYNC_PRIVATE": "true", "HALLPASS_TOKEN_SECONDS": "3600"}
KINDS = {"Patient": 6, "RelatedPerson": 11, "Location": 1, "Practitioner": 1, "PractitionerRole": 1}
WAIT_SECONDS = 300
"""A minute until it is due, and what a busy machine needs."""


@pytest.fixture
def server() -> Iterator[Running]:
    """A server without a worker."""
    with serving(**SETTINGS) as found:
        yield found


@needs_shared
def test_a_worker_pulls_a_source_when_its_time_has_come(server: Running) -> None:
    own = server.hallpass("org", "add", "Grand Bend ISD").output.split()[-1]
    key = server.folder / "key.jwk"
    client = server.hallpass("client", "add", "SIS", "--organization", own, "--make-key", str(key)).output.split()[-1]
    (server.folder / "sis.toml").write_text("[bearer]\ntoken = 'hush'\n")
    with providing("1.2") as provider:
        given = ["--client", client, "--key", str(key), "--credentials", str(server.folder / "sis.toml")]
        added = server.hallpass(
            "sync", "add", "sis", "oneroster", provider.url, *given, "--staff", "counselor", "--at", "* * * * *"
        )
        assert "sis is fetched at * * * * * UTC" in added.output
        log = (server.folder / "worker.log").open("wb")
        worker = subprocess.Popen([BIN / "hallpass", "worker"], env=server.environment, stdout=log, stderr=log)
        try:
            until = time.monotonic() + WAIT_SECONDS
            while "all well" not in (said := server.hallpass("sync", "list").output):
                assert time.monotonic() < until, said + (server.folder / "worker.log").read_text()[-2_000:]
                assert "could not run" not in said, said
                time.sleep(1)
        finally:
            worker.terminate()
            worker.wait(30)
            log.close()
    token = server.hallpass("token", "--client", client, "--key", str(key)).output.strip()
    with httpx.Client(base_url=f"{server.url}/fhir", headers={"Authorization": f"Bearer {token}"}) as http:
        totals = {t: http.get(f"/{t}?_summary=count&_total=accurate").json()["total"] for t in KINDS}
    assert totals == KINDS
    assert "hush" not in said + (server.folder / "worker.log").read_text()

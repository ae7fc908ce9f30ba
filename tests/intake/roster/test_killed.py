"""An import that is killed at any moment goes on where it stopped: nothing is there twice, and nothing is missing."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import orjson
import pytest

from app.intake.edfi.generate import generate
from tests.running import Running, serving

STUDENTS = 30


@pytest.fixture
def server() -> Iterator[Running]:
    """A server process."""
    with serving(HALLPASS_TOKEN_SECONDS="3600") as found:
        yield found


def importing(server: Running, client: str, *more: str) -> subprocess.Popen[bytes]:
    """An import as a process of its own."""
    folder = server.folder
    command = ["-m", "app.cli", "import", "edfi", str(folder / "roster"), "--client", client]
    given = ["--key", str(folder / "key.jwk"), "--url", server.url, "--report", str(folder / "report.json"), *more]
    with (folder / "import.log").open("ab") as log:
        return subprocess.Popen([sys.executable, *command, *given], env=server.environment, stdout=log, stderr=log)


def test_an_import_that_is_killed_again_and_again_ends_as_one_that_was_not(server: Running) -> None:
    folder: Path = server.folder
    generate(folder / "roster", STUDENTS)
    own = server.hallpass("org", "add", "Cedar ISD").output.split()[-1]
    added = server.hallpass("client", "add", "SIS", "--organization", own, "--make-key", str(folder / "key.jwk"))
    client = added.output.split()[-1]
    token = server.hallpass("token", "--client", client, "--key", str(folder / "key.jwk")).output.strip()
    killed = 0
    with httpx.Client(base_url=f"{server.url}/fhir", headers={"Authorization": f"Bearer {token}"}) as http:

        def held(kind: str) -> list[str]:
            answer = http.get(f"/{kind}?_count=500").json()
            return [e["resource"]["identifier"][0]["value"] for e in answer.get("entry", [])]

        for records in (1, STUDENTS // 2, STUDENTS, STUDENTS + 20):
            process = importing(server, client)
            while process.poll() is None:
                if len(held("Patient")) + len(held("RelatedPerson")) >= records:
                    process.send_signal(signal.SIGKILL)
                    break
                time.sleep(0.02)
            killed += process.wait() == -signal.SIGKILL
        assert killed
        assert importing(server, client).wait() == 0, (folder / "import.log").read_text()[-2_000:]
        for kind, number in (("Patient", STUDENTS), ("RelatedPerson", 2 * STUDENTS)):
            found = Counter(held(kind))
            assert (len(found), set(found.values())) == (number, {1})
        assert importing(server, client, "--full").wait() == 0
        counts = orjson.loads((folder / "report.json").read_bytes())["records"]
        assert counts["Student"]["unchanged"] == STUDENTS
        assert counts["Contact"]["unchanged"] == 2 * STUDENTS

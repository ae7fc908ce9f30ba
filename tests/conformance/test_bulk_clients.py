"""Clients of others pull a bulk export to the end over real HTTP: SMART Fetch, and a strict reader of our own.

https://github.com/smart-on-fhir/smart-fetch and https://hl7.org/fhir/uv/bulkdata/STU2/export.html
"""

from __future__ import annotations

import gzip
import json
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.running import BIN, Running, serving

CLIENT = "demo-clinic"
TYPES = ("Patient", "ServiceRequest")


@pytest.fixture(scope="module")
def demo() -> Iterator[Running]:
    """`hallpass serve --demo`, with its worker."""
    with serving("--demo", until="Stop with Ctrl-C", HALLPASS_WORKER="true") as found:
        yield found


@pytest.fixture(scope="module")
def read(demo: Running) -> dict[str, list[dict[str, Any]]]:
    """What a strict reader gets, with a token of fewer scopes than the client may have."""
    return strictly(demo, "system/Patient.rs system/ServiceRequest.rs")


def key_of(demo: Running) -> Path:
    """The clinic's private key."""
    return demo.data / "demo" / f"{CLIENT}.jwk"


def strictly(demo: Running, scope: str) -> dict[str, list[dict[str, Any]]]:
    """Every line by type. Whatever is not as the specification says fails."""
    printed = demo.hallpass("token", "--client", CLIENT, "--key", str(key_of(demo)), "--scope", scope).stdout
    headers = {
        "Authorization": f"Bearer {printed.strip()}",
        "Accept": "application/fhir+json",
        "Prefer": "respond-async",
    }
    with httpx.Client(timeout=30, headers=headers) as http:
        started = http.get(f"{demo.url}/fhir/Patient/$export")
        assert (started.status_code, started.content) == (202, b"")
        status = started.headers["Content-Location"]
        assert status.startswith(demo.url)
        while (answer := http.get(status)).status_code == 202:
            assert 0 < len(answer.headers["X-Progress"]) < 100
            assert int(answer.headers["Retry-After"]) > 0
            time.sleep(0.2)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "application/json"
        assert parsedate_to_datetime(answer.headers["Expires"]) > datetime.now(UTC)
        manifest = answer.json()
        required = {"transactionTime", "request", "requiresAccessToken", "output", "error"}
        assert manifest.keys() == required | {"extension"}
        assert datetime.fromisoformat(manifest["transactionTime"]) <= datetime.now(UTC)
        assert manifest["requiresAccessToken"] is True
        found: dict[str, list[dict[str, Any]]] = {}
        for part in manifest["output"]:
            assert part.keys() == {"type", "url"}
            plain = http.get(part["url"], headers={"Accept-Encoding": "identity"})
            assert "Content-Encoding" not in plain.headers
            packed = http.get(part["url"])
            assert packed.headers["Content-Encoding"] == "gzip"
            assert packed.content == plain.content
            assert plain.headers["Content-Type"] == "application/fhir+ndjson"
            assert plain.content.endswith(b"\n")
            lines = [json.loads(line) for line in plain.content.splitlines()]
            assert {line["resourceType"] for line in lines} == {part["type"]}
            found.setdefault(part["type"], []).extend(lines)
        assert http.get(manifest["output"][0]["url"], headers={"Authorization": ""}).status_code == 401
        assert http.delete(status).status_code == 202
        assert http.get(status).status_code == 404
    ids = [(kind, line["id"]) for kind, lines in found.items() for line in lines]
    assert len(ids) == len(set(ids))
    return found


def test_a_strict_reader_finds_each_record_once_and_nothing_beyond_its_scopes(
    read: dict[str, list[dict[str, Any]]],
) -> None:
    assert read.keys() == set(TYPES)


def test_smart_fetch_pulls_the_same_to_the_end(
    demo: Running, read: dict[str, list[dict[str, Any]]], tmp_path: Path
) -> None:
    keys = tmp_path / "keys.jwks"
    keys.write_text(json.dumps({"keys": [{**json.loads(key_of(demo).read_text()), "key_ops": ["sign"]}]}))
    folder = tmp_path / "fetched"
    ran = subprocess.run(
        [
            BIN / "smart-fetch", "bulk", folder, "--fhir-url", f"{demo.url}/fhir", "--smart-client-id", CLIENT,
            "--smart-key", keys, "--type", ",".join(TYPES), "--no-default-filters",
        ],
        env=demo.environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    got: dict[str, set[str]] = {}
    for path in folder.glob("*.ndjson*"):
        content = path.read_bytes()
        text = gzip.decompress(content) if path.suffix == ".gz" else content
        for line in map(json.loads, text.splitlines()):
            if "resourceType" in line:
                got.setdefault(line["resourceType"], set()).add(line["id"])
    assert got == {kind: {line["id"] for line in lines} for kind, lines in read.items()}

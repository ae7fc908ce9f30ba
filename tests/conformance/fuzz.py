"""schemathesis over the served document, as three members: `python -m tests.conformance.fuzz` is the long run.

https://schemathesis.readthedocs.io — every request goes over HTTP to a server process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx

from app.resources import TYPES
from tests.conformance.lean import lean
from tests.running import BIN, Running, serving

ROOT = Path(__file__).parents[2]
SETTINGS = ROOT / "tests" / "conformance" / "schemathesis.toml"
MEMBERS = {"district": "demo-district", "clinic": "demo-clinic", "stranger": "demo-other-clinic"}
BESIDE = ("System", "Definitions", "Authorization", "Server")
TAGS = (*TYPES, *BESIDE)
_MADE = re.compile(r"(\d[\d,]*) generated")


@dataclass(frozen=True)
class Outcome:
    """What a run came to."""

    member: str
    tag: str
    passed: bool
    requests: int
    """Test cases that were sent."""
    report: str


def run(server: Running, member: str, tag: str, *, depth: int, examples: int, seed: int | None = None) -> Outcome:
    """Every phase and check over the operations with a tag, as a member."""
    document = server.folder / f"document-{depth}.json"
    if not document.exists():
        served = httpx.get(f"{server.url}/openapi.json", timeout=60).json()
        document.write_text(json.dumps(lean(served, depth)))
    client = MEMBERS[member]
    key = server.folder / ".hallpass" / "demo" / f"{client}.jwk"
    told = {"CONFORMANCE_CLIENT": client, "CONFORMANCE_KEY": str(key), "CONFORMANCE_URL": server.url}
    command = [BIN / "schemathesis", "--config-file", SETTINGS, "run", document, "--url", server.url, "--no-color"]
    options = ["--include-tag", tag, "--max-examples", str(examples), *(["--seed", str(seed)] if seed else [])]
    done = subprocess.run(
        [str(part) for part in (*command, *options)],
        cwd=ROOT,
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        check=False,
    )
    made = _MADE.search(done.stdout)
    requests = int(made[1].replace(",", "")) if made else 0
    return Outcome(member, tag, done.returncode == 0 and requests > 0, requests, done.stdout + done.stderr)


def main() -> None:
    """Every tag as every member; exit status 1 where there is a finding."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=50, help="cases that are drawn for an operation")
    parser.add_argument("--depth", type=int, default=2, help="objects within each other in a drawn body")
    parser.add_argument("--tag", action="append", help="operations; every one otherwise")
    parser.add_argument("--member", action="append", choices=list(MEMBERS))
    asked = parser.parse_args()
    outcomes = []
    with serving("--demo", until="demo-other-clinic") as server:
        for member in asked.member or MEMBERS:
            for tag in asked.tag or TAGS:
                found = run(server, member, tag, depth=asked.depth, examples=asked.examples)
                outcomes.append(found)
                print(f"{member:9} {tag:24} {found.requests:7} requests {'' if found.passed else 'FAILED'}", flush=True)
                if not found.passed:
                    print(found.report)
    failed = sum(not o.passed for o in outcomes)
    print(f"{sum(o.requests for o in outcomes)} requests, {failed} of {len(outcomes)} runs with failures")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

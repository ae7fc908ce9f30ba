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
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from app.resources import TYPES
from tests.conformance.lean import lean
from tests.running import BIN, Running, serving

ROOT = Path(__file__).parents[2]
SETTINGS = ROOT / "tests" / "conformance" / "schemathesis.toml"
MEMBERS = {"district": "demo-district", "clinic": "demo-clinic", "stranger": "demo-other-clinic"}
BESIDE = ("AuditEvent", "Every type", "System", "Definitions", "Authorization", "Server")
PARTS = {**{t: ("--include-tag", t) for t in TYPES}, "beside": tuple(o for t in BESIDE for o in ("--include-tag", t))}
"""The parts of the document that are run one after the other, each as the options that include it."""
WHOLE = "district"
"""The member that runs every phase."""
DRAWN = ("--phases", "examples,fuzzing,stateful")
"""The phases of the others. The one that is left out, coverage, tries each value of each parameter and element: what
it finds does not hang on who asks, and tests/conformance/test_schemathesis.py has it of every member."""
_MADE = re.compile(r"(\d[\d,]*) generated")


@dataclass(frozen=True)
class Outcome:
    """What a run came to."""

    member: str
    passed: bool
    requests: int
    """Test cases that were sent."""
    report: str


def run(
    server: Running, member: str, chosen: tuple[str, ...], *, depth: int, examples: int, seed: int | None = None
) -> Outcome:
    """Every phase and check over the operations that `chosen`, options of schemathesis, include, as a member."""
    document = server.folder / f"document-{depth}.json"
    if not document.exists():
        served = httpx.get(f"{server.url}/openapi.json", timeout=60).json()
        document.write_text(json.dumps(lean(served, depth)))
    client = MEMBERS[member]
    key = server.folder / ".hallpass" / "demo" / f"{client}.jwk"
    told = {"CONFORMANCE_CLIENT": client, "CONFORMANCE_KEY": str(key), "CONFORMANCE_URL": server.url}
    command = [BIN / "schemathesis", "--config-file", SETTINGS, "run", document, "--url", server.url, "--no-color"]
    options = [*chosen, "--max-examples", str(examples), *(["--seed", str(seed)] if seed else [])]
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
    whole = requests > 0 and "Exception in thread" not in done.stderr
    return Outcome(member, whole and done.returncode == 0, requests, done.stdout + done.stderr)


def runs(members: list[str], parts: list[str]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Member, what is asked and its options: of the one that runs every phase part by part, of the others in one."""
    for member in members:
        if member == WHOLE:
            yield from ((member, part, PARTS[part]) for part in parts)
        else:
            yield member, "all", (*(o for part in parts for o in PARTS[part]), *DRAWN)


def main() -> None:
    """Every part as every member; exit status 1 where there is a finding."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=20, help="cases that are drawn for an operation")
    parser.add_argument("--depth", type=int, default=1, help="objects within each other in a drawn body")
    parser.add_argument("--part", action="append", choices=list(PARTS), help="every one otherwise")
    parser.add_argument("--member", action="append", choices=list(MEMBERS))
    asked = parser.parse_args()
    since, outcomes = time.monotonic(), []
    with serving("--demo", until="demo-other-clinic") as server:
        for member, part, chosen in runs(asked.member or list(MEMBERS), asked.part or list(PARTS)):
            found = run(server, member, chosen, depth=asked.depth, examples=asked.examples)
            outcomes.append(found)
            print(f"{member:9} {part:24} {found.requests:7} requests {'' if found.passed else 'FAILED'}", flush=True)
            if not found.passed:
                print(found.report, flush=True)
    failed, minutes = sum(not o.passed for o in outcomes), (time.monotonic() - since) / 60
    print(f"schemathesis made {sum(o.requests for o in outcomes)} requests in {minutes:.0f} minutes; ", end="")
    print(f"{failed} of {len(outcomes)} runs have failures")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

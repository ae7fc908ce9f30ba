"""Runs tests, collects what the server answers, and has every body judged by a validator that it does not use.

    python -m tests.conformance.emitted [arguments of pytest]

Prints how many answers there were, how many of them differ, and each error that HAPI finds. Exit status 1: some were
found, or a test failed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tests.conformance.hapi import VERSION, Finding, Hapi

ALL = ("tests", "-n", "2", "--dist", "loadfile", "--ignore", "assurance/noninterference/test_planted_leaks.py")
"""What `make test` runs."""
NOT_OURS: tuple[tuple[str, str], ...] = (
    ("Failed to retrieve profile with url=", "a record may claim a profile of others, which is stored as it came"),
    ('Code "hmn"', "it is a language of BCP 47, and the binding is a preferred one"),
    ("not '2.16.840.1.113883.19.5'", "it is in HL7's own example of an Organization, which is stored as it came"),
    ("%2C", "it does not decode the comma of _type in a Bundle's self link"),
)
"""Parts of HAPI's texts that tell of no fault of the server's, each with the reason."""


@dataclass
class Collected:
    """What the processes of a run kept."""

    answers: int = 0
    """All that were FHIR."""
    bodies: dict[str, dict[str, str]] = field(default_factory=dict)
    """One of those that are alike: its text, what was asked and by which test."""

    @classmethod
    def of(cls, folder: Path) -> Collected:
        """What is in a folder. The last line of a process that was killed may be a part of one."""
        found = cls()
        for file in sorted(folder.glob("*.ndjson")):
            for line in file.read_text().splitlines(keepends=True):
                if line.endswith("\n"):
                    kept = json.loads(line)
                    found.answers += 1
                    if "body" in kept:
                        found.bodies.setdefault(kept["alike"], kept)
        return found


def faults(hapi: Hapi, body: str) -> list[Finding]:
    """HAPI's errors in a body, but for those that are not the server's."""
    text = body.replace("\r", " ").replace("\n", " ")  # between tokens: in a string they are escaped
    return [f for f in hapi.errors(text) if not any(part in f.text for part, _ in NOT_OURS)]


def judge(folder: Path) -> int:
    """Judge everything in a folder; answer how many bodies have errors."""
    collected, hapi, wrong = Collected.of(folder), Hapi(), 0
    for found in collected.bodies.values():
        errors = faults(hapi, found["body"])
        wrong += bool(errors)
        for error in errors:
            print(f"{found['asked']} of {found['test']}\n    {error.location}: {error.text}", flush=True)
    hapi.close()
    judged = len(collected.bodies)
    print(f"{collected.answers} FHIR answers, {judged} different ones judged by HAPI {VERSION}: {wrong} have errors")
    return wrong


def main() -> None:
    """Collect and judge."""
    with tempfile.TemporaryDirectory(prefix="hallpass-emitted-") as name:
        chosen = sys.argv[1:] or ALL  # a folder that is named lets pytest find the option before it reads the tests
        ran = subprocess.run([sys.executable, "-m", "pytest", f"--emitted={name}", *chosen], check=False)
        wrong = judge(Path(name))
    sys.exit(1 if ran.returncode or wrong else 0)


if __name__ == "__main__":
    main()

"""HAPI's validator in a process of its own: it judges what the product makes, which uses nothing of it.

https://hapifhir.io/hapi-fhir/docs/validation — the jars come from Maven Central by `mvn`, once, into the user's cache.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.capability import package

HERE = Path(__file__).parent
VERSION = re.findall(r"<hapi>(.*)</hapi>", (HERE / "pom.xml").read_text())[0]
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "hallpass" / f"hapi-{VERSION}"
JUDGING_SECONDS = 600


class Unavailable(Exception):
    """There is no Java, or its libraries cannot be had."""


@dataclass(frozen=True)
class Finding:
    """What is wrong, and where."""

    severity: str
    location: str
    text: str


class Hapi:
    """The process, and what it is asked."""

    def __init__(self) -> None:
        jars = _jars()
        self._folder = tempfile.TemporaryDirectory(prefix="hallpass-package-")
        packed = package.write(Path(self._folder.name))
        self._process = subprocess.Popen(
            ["java", "-Xmx1500m", "-XX:+UseSerialGC", "-cp", f"{jars}/*", HERE / "Judge.java", packed],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        if self._line() != "ready":
            self.close()
            raise Unavailable("the validator did not start")

    def findings(self, resource: dict[str, Any] | str, profile: str = "") -> list[Finding]:
        """What it finds in a resource, or in its JSON; by a profile where one is named."""
        text = resource if isinstance(resource, str) else json.dumps(resource)
        lines = self._ask(f"validate {profile}".strip(), text)
        return [Finding(*line.split("\t", 2)) for line in lines]

    def errors(self, resource: dict[str, Any] | str, profile: str = "") -> list[Finding]:
        """The findings that make a resource invalid."""
        return [f for f in self.findings(resource, profile) if f.severity in ("error", "fatal")]

    def snapshot(self, structure: dict[str, Any]) -> list[tuple[str, str]]:
        """Id and cardinality of each element of the snapshot that HAPI makes of a differential."""
        return [(line.split("\t")[1], line.split("\t")[2]) for line in self._ask("snapshot", json.dumps(structure))]

    def package(self) -> list[list[str]]:
        """What HAPI reads in our package: its name and versions, then type, id and URL of each definition."""
        return [line.split("\t") for line in self._ask("package", "")]

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._folder.cleanup()

    def _ask(self, command: str, text: str) -> list[str]:
        assert self._process.stdin is not None
        assert "\n" not in text
        self._process.stdin.write(f"{command}\t{text}\n")
        self._process.stdin.flush()
        return list(iter(self._line, ""))

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise Unavailable("the validator has ended")
        return line.rstrip("\n")


def severe(findings: Iterable[Finding]) -> list[str]:
    """Findings as lines."""
    return [f"{f.location}: {f.text}" for f in findings]


def _jars() -> Path:
    """The folder of the libraries, fetched if need be. Raises Unavailable."""
    if not shutil.which("java"):
        raise Unavailable("there is no java on this machine")
    if not CACHE.is_dir():
        if not shutil.which("mvn"):
            raise Unavailable("there is no mvn on this machine to fetch HAPI's validator with")
        fresh = CACHE.with_name(f"{CACHE.name}.{os.getpid()}")
        command = [
            "mvn",
            "-q",
            "-B",
            "-f",
            HERE / "pom.xml",
            "dependency:copy-dependencies",
            f"-DoutputDirectory={fresh}",
        ]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=JUDGING_SECONDS, check=False)
        if ran.returncode != 0:
            shutil.rmtree(fresh, ignore_errors=True)
            raise Unavailable("HAPI's validator cannot be fetched from Maven Central")
        if not CACHE.is_dir():
            fresh.rename(CACHE)
    return CACHE

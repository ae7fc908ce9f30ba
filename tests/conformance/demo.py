"""The demonstration's members at a server process, with tokens: what clients of others are run against."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.running import Running


@dataclass(frozen=True)
class Demo:
    """`hallpass serve --demo`, ready."""

    running: Running

    @property
    def fhir(self) -> str:
        """The FHIR service's address."""
        return f"{self.running.url}/fhir"

    @property
    def environment(self) -> dict[str, str]:
        """For a program of another language: the address, and a token of each."""
        return {
            **self.running.environment,
            "FHIR": self.fhir,
            "DISTRICT": self.token("demo-district"),
            "CLINIC": self.token("demo-clinic"),
        }

    def key(self, client: str) -> Path:
        """The file of a client's private key."""
        return self.running.folder / ".hallpass" / "demo" / f"{client}.jwk"

    def jwk(self, client: str) -> dict[str, Any]:
        """The private key."""
        found: dict[str, Any] = json.loads(self.key(client).read_text())
        return found

    def token(self, client: str) -> str:
        """A fresh access token."""
        url = self.running.url
        ran = self.running.hallpass("token", "--url", url, "--client", client, "--key", str(self.key(client)))
        assert ran.exit_code == 0, ran.output
        return ran.stdout.strip()

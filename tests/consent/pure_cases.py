"""The decision cases without a server: what is filed gets an id and a version, and nothing judges it.

It lets every case be asked of decide() alone, within a moment. test_cases.py asks the same of the server.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID, uuid4

import httpx

from app.consent.confirming import confirmed
from app.consent.parse import ParsedConsent
from tests.consent import spelled
from tests.consent.language import NOW, load
from tests.consent.organizations import Organizations
from tests.consent.stage import Stage

Spec = dict[str, Any]


@dataclass
class Drawer:
    """Where an organization files."""

    organization: UUID

    async def create(self, content: Spec) -> Spec:
        """The content with an id, in its first version."""
        return {**content, "id": str(uuid4()), "meta": {"versionId": "1"}}

    async def save(self, content: Spec) -> Spec:
        """The content in a later version."""
        return {**content, "meta": {"versionId": "2"}}

    async def delete(self, _path: str) -> httpx.Response:
        """Nothing is left."""
        return httpx.Response(HTTPStatus.NO_CONTENT)


class Paper(Organizations):
    """The organizations of cases/network.yaml. It has no clock."""

    async def set_clock(self, at: datetime) -> None:
        """Nothing: each question comes with its moment."""

    async def confirm(self, _by: str, _path: str, content: Spec, at: datetime, *, refused: bool) -> Spec:
        """The content with the confirmation; whether it is refused, nobody judges."""
        return content if refused else confirmed(content, "The registrar", at)

    async def forget(self, agreement: UUID) -> None:
        """Nothing: there is no other case beside this one."""


class OnPaper(Stage):
    """A stage of which only the reading of a Consent says what is refused."""

    async def told(self, content: Spec, by: str) -> list[str]:
        """Where its gaps are."""
        found = self.reading(content, uuid4(), 1, by, datetime.fromisoformat(self.written))
        return [str(missing_requirement.expression) for missing_requirement in found.missing]

    def comes_to(self, spec: Spec) -> ParsedConsent:
        """What a Consent that the district would file comes to."""
        content = self.resolve(spelled.consent(spec))
        return self.reading(content, uuid4(), 1, "district", datetime.fromisoformat(self.written))


def stage(written: str = NOW) -> OnPaper:
    """A stage with the whole network, and nothing on it."""
    paper, told = Paper(), load("network.yaml")
    for name, spec in told["organizations"].items():
        paper.place(name, Drawer(uuid4()), spec)
    for discloser, recipient in told["agreements"]:
        paper.agreed(discloser, recipient)
    return OnPaper(paper, written)

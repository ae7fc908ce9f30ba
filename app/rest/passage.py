"""The dependency that every route with records has: the gate, and the caller who stands before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from app.auth.bearer import bearer
from app.auth.caller import Caller
from app.auth.scopes import allows
from app.consent.gate import Answer, Gate, Work
from app.fhir.etags import Known
from app.fhir.subset import Subset
from app.resources import ResourceType
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Passage:
    """One caller's way through the gate, for the length of one request."""

    gate: Gate
    caller: Caller
    settings: Settings
    request_id: UUID

    @property
    def base(self) -> str:
        """The FHIR service's address."""
        return self.settings.fhir_base

    def may(self, type_name: str, letter: str) -> bool:
        """Whether a scope of the caller's allows an interaction on a type."""
        return allows(self.caller.scopes, type_name, letter)

    async def one(self, interaction: str, work: Work) -> Answer:
        """Perform work that comes to one answer."""
        return (await self.gate.perform(self.caller, interaction, work, self.request_id))[0]

    async def read(
        self, declared: ResourceType, id: str, version: str | None, known: Known | None, part: Subset | None
    ) -> Answer:
        """Read one resource, or one version of it."""
        return await self.gate.read(self.caller, declared, id, version, known=known, part=part, request=self.request_id)

    async def all(self, interaction: str, work: Work) -> list[Answer]:
        """Perform work that comes to several answers, in one transaction."""
        return await self.gate.perform(self.caller, interaction, work, self.request_id)


async def passage(request: Request, caller: Annotated[Caller, Depends(bearer)]) -> Passage:
    """The way through the gate. A route without this is not served, unless it is on the short public list."""
    state = request.app.state
    await state.limits.enter(request.scope, caller.client)
    return Passage(state.gate, caller, state.settings, request.state.request_id)


Through = Annotated[Passage, Depends(passage)]

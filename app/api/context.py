"""The dependency that every route with records has: the access service, and the caller who stands before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Depends, Request

from app.api import http
from app.auth.bearer import bearer
from app.caller import Caller
from app.exchange.service import AccessService, Result, UnitOfWork
from app.exchange.validated import Draft, Validated, draft, validate_body
from app.fhir.etags import Known
from app.limits.long_work import off_loop
from app.objects import Objects
from app.resources import ResourceType
from app.scopes import allows
from app.search.subset import Subset
from app.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RequestContext:
    """One caller's way through the access service, for the length of one request."""

    access_service: AccessService
    caller: Caller
    settings: Settings
    request_id: UUID
    objects: Objects | None = None
    """The export store, where there is one."""

    @property
    def base(self) -> str:
        """The FHIR service's address."""
        return self.settings.fhir_base

    def may(self, type_name: str, letter: str) -> bool:
        """Whether a scope of the caller's allows an interaction on a type."""
        return allows(self.caller.scopes, type_name, letter)

    async def require(self, type_name: str, letters: str) -> None:
        """Raise FORBIDDEN unless a scope allows one of the interactions on the type."""
        await self.access_service.require(self.caller, type_name, letters)

    async def body(self, request: Request, type_name: str, letters: str) -> dict[str, Any]:
        """The JSON object in a request that needs a scope for its type: that is asked before a byte is read.

        Raises FORBIDDEN, and what `http.body` does.
        """
        await self.require(type_name, letters)
        return await http.body(request, self.settings, self.caller.client)

    async def off_loop(self, work: Callable[[], T], *, large: bool) -> T:
        """Work of the processor for this caller, which does not keep others waiting. Raises TOO_COSTLY, TOO_MANY."""
        return await off_loop(self.caller.client, work, large=large)

    async def validate_body(self, declared: ResourceType, content: dict[str, Any]) -> Validated:
        """A resource, judged by itself. Raises UNPROCESSABLE, TOO_COSTLY."""
        return await validate_body(self.caller.client, declared, content, self.settings)

    async def draft(self, declared: ResourceType, content: dict[str, Any]) -> Draft | Validated:
        """A resource for an update, judged once it is known to be a change. Raises as `validate_body`."""
        return await draft(self.caller.client, declared, content, self.settings)

    async def one(self, interaction: str, unit_of_work: UnitOfWork) -> Result:
        """Perform work that comes to one answer."""
        return (await self.access_service.perform(self.caller, interaction, unit_of_work, self.request_id))[0]

    async def read(
        self, declared: ResourceType, id: str, version: str | None, known: Known | None, part: Subset | None
    ) -> Result:
        """Read one resource, or one version of it."""
        return await self.access_service.read(
            self.caller, declared, id, version, known=known, part=part, request=self.request_id
        )

    async def all(self, interaction: str, unit_of_work: UnitOfWork) -> list[Result]:
        """Perform work that comes to several answers, in one transaction."""
        return await self.access_service.perform(self.caller, interaction, unit_of_work, self.request_id)


async def request_context(request: Request, caller: Annotated[Caller, Depends(bearer)]) -> RequestContext:
    """The way through the access service. A route without this is not served, unless it is on the short public list."""
    state = request.app.state
    request.state.caller = caller
    await state.limits.enter(request.scope, caller.client)
    return RequestContext(state.access_service, caller, state.settings, request.state.request_id, state.objects)


Context = Annotated[RequestContext, Depends(request_context)]

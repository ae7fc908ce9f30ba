"""The operations, each in a module of its own that declares it: a new one is a new module.

https://hl7.org/fhir/R4/operations.html
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from app.api.context import Context
from app.api.idempotency import require_none
from app.capability.operation import Call, Operation, operations
from app.resources import ResourceType


def add(router: APIRouter, declared: ResourceType) -> None:
    """The routes of a type's operations. They come before those of instances, whose paths they resemble."""
    for operation in operations():
        if operation.type in (None, declared.name):
            for call in operation.calls:
                _add(router, declared.name, declared, operation, call)


def add_to(router: APIRouter, name: str) -> None:
    """The routes of the operations of what holds no records: of AuditEvent, and of the service itself (SYSTEM)."""
    for operation in operations():
        if operation.type == name:
            for call in operation.calls:
                _add(router, name, None, operation, call)


def _add(router: APIRouter, name: str, declared: ResourceType | None, operation: Operation, call: Call) -> None:
    def begin(request: Request) -> None:
        if operation.affects_state:
            require_none(request, f"${operation.name}")

    async def of_instance(request: Request, id: str, context: Context) -> Response:
        begin(request)
        found: Response = await operation.answer(request, context, declared, id)
        return found

    async def of_type(request: Request, context: Context) -> Response:
        begin(request)
        found: Response = await operation.answer(request, context, declared, None)
        return found

    router.add_api_route(
        f"{f'/{name}' if name else ''}{'/{id}' if call.instance else ''}/${operation.name}",
        of_instance if call.instance else of_type,
        methods=[call.method],
        operation_id=f"{call.operation_id}{name}" if operation.type is None else call.operation_id,
        summary=call.summary,
    )

"""The OperationDefinitions of the exchange's own operations. https://hl7.org/fhir/R4/operationdefinition.html"""

from __future__ import annotations

from app.capability.operation import Operation, Parameter, operations
from app.terminology.definition import Json, definition


def operation_definitions() -> list[Json]:
    """An OperationDefinition for each operation of ours."""
    return [_definition(o) for o in operations() if not o.hl7 and not o.canonical]


def _definition(operation: Operation) -> Json:
    instance = any(call.instance for call in operation.calls)
    reads = all(call.method == "GET" for call in operation.calls)
    return definition(
        "OperationDefinition",
        operation.id,
        f"{operation.type or 'Resource'} ${operation.name}",
        f"{operation.note[0].upper()}{operation.note[1:]}.",
        kind="operation",
        affectsState=operation.affects_state,
        code=operation.name,
        resource=[operation.type or "Resource"],
        system=False,
        type=not instance,
        instance=instance,
        parameter=[_parameter(p) for p in operation.parameters],
        **({} if reads else {"comment": "It is asked by POST."}),
    )


def _parameter(parameter: Parameter) -> Json:
    return {
        "name": parameter.name,
        "use": parameter.use,
        "min": parameter.least,
        "max": parameter.most,
        "documentation": parameter.documentation,
        "type": parameter.type,
    }

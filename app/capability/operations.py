"""The OperationDefinitions of the exchange's own operations. https://hl7.org/fhir/R4/operationdefinition.html"""

from __future__ import annotations

from app.capability.interactions import OPERATIONS, OURS, Operation
from app.terminology.definition import Json, definition

Parameter = tuple[str, str, int, str, str, str]
"""Name, use, min, max, type, documentation."""

_OUTCOME: Parameter = ("return", "out", 1, "1", "Bundle", "AuditEvents, one for each resource version disclosed.")
_RECORD: tuple[Parameter, ...] = (
    ("start", "in", 0, "1", "dateTime", "Disclosures from this time on."),
    ("end", "in", 0, "1", "dateTime", "Disclosures before this time."),
    ("recipient", "in", 0, "1", "string", "The id of the Organization that received."),
    ("basis", "in", 0, "1", "code", "release, party, directory or emergency."),
    ("_count", "in", 0, "1", "integer", "Entries on a page."),
    _OUTCOME,
)
_PARAMETERS: dict[tuple[str, str], tuple[Parameter, ...]] = {
    ("Patient", "disclosures"): _RECORD,
    ("Organization", "disclosures"): tuple(p for p in _RECORD if p[0] != "recipient"),
    ("Consent", "disclosures"): _RECORD,
    ("Patient", "explain-access"): (
        ("recipient", "in", 1, "1", "Reference", "The Organization that asks, or would ask."),
        ("purpose", "in", 0, "*", "code", "A purpose that it asserts, from v3-ActReason."),
        ("type", "in", 0, "1", "code", "A resource type; this, or a resource."),
        ("resource", "in", 0, "1", "Reference", "One resource of the student."),
        ("return", "out", 1, "1", "Parameters", "The decision, and what each Consent and provision said."),
    ),
    ("Patient", "break-glass"): (
        ("identifier", "in", 1, "1", "Identifier", "An identifier of the student."),
        ("reason", "in", 1, "1", "string", "Why it is needed; it stands on the record of disclosures."),
        ("return", "out", 1, "1", "Patient", "The student; the records can be read for a while from then on."),
    ),
    ("Consent", "preview"): (
        ("consent", "in", 1, "1", "Consent", "The draft."),
        ("return", "out", 1, "1", "Parameters", "What the draft would open, and what it lacks."),
    ),
}


def operation_definitions() -> list[Json]:
    """An OperationDefinition for each operation of ours."""
    return [_definition(o) for o in OPERATIONS if o.definition.startswith(OURS)]


def _definition(operation: Operation) -> Json:
    name = operation.definition.rpartition("/")[2]
    kind = str(operation.type)
    instance = any("[id]" in request for request in operation.requests)
    reads = all(request.startswith("GET ") for request in operation.requests)
    return definition(
        "OperationDefinition",
        name,
        f"{operation.type} ${operation.name}",
        f"{operation.note[0].upper()}{operation.note[1:]}.",
        kind="operation",
        affectsState=name.endswith("break-glass"),
        code=operation.name,
        resource=[kind],
        system=False,
        type=not instance,
        instance=instance,
        parameter=[_parameter(*p) for p in _PARAMETERS[kind, operation.name]],
        **({} if reads else {"comment": "It is asked by POST."}),
    )


def _parameter(name: str, use: str, least: int, most: str, type_: str, documentation: str) -> Json:
    return {"name": name, "use": use, "min": least, "max": most, "documentation": documentation, "type": type_}

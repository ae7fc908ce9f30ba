"""The paths of operations, from their declarations. https://hl7.org/fhir/R4/operations.html"""

from __future__ import annotations

from typing import Any

from app.capability.operation import SYSTEM, Body, Call, Operation, operations
from app.openapi import answers, of_export
from app.openapi.examples import of_answer, of_body
from app.openapi.operation import json_body, operation
from app.openapi.parameters import ALWAYS, ref
from app.openapi.schemas import any_of
from app.openapi.schemas import ref as schema

Json = dict[str, Any]
TAG = "Every type"


def paths() -> dict[str, Json]:
    """The path items, by path. An operation of every type has the type in its path."""
    found: dict[str, Json] = {}
    for declared in operations():
        for call in declared.calls:
            kind = "" if declared.type == SYSTEM else f"/{declared.type or '{type}'}"
            path = f"/fhir{kind}{'/{id}' if call.instance else ''}/${declared.name}"
            found.setdefault(path, {})[call.method.lower()] = _operation(declared, call)
    return found


def _operation(declared: Operation, call: Call) -> Json:
    placed = [*(("type",) if declared.type is None else ()), *(("id",) if call.instance else ()), *call.asked]
    always = [ref("pretty")] if "formatOfDisclosures" in call.asked else ALWAYS
    return operation(
        call.operation_id,
        call.summary,
        of_export.TAG if declared.type == SYSTEM else declared.type or TAG,
        parameters=[*map(ref, placed), *always],
        body=_body(declared.body, call) if declared.body and call.method == "POST" else None,
        success={declared.status: _success(declared, call)},
        scopes=declared.scopes,
    )


def _body(body: Body, call: Call) -> Json:
    one = schema(body.schemas[0]) if len(body.schemas) == 1 else any_of(body.schemas)
    return {**json_body(one, body.description, shown=of_body(call.operation_id)), "required": body.required}


def _success(declared: Operation, call: Call) -> Json:
    if not declared.returns:
        return answers.empty(declared.returns_text, *declared.headers)
    shown = of_answer(call.operation_id, "200")
    found = answers.json(declared.returns_text, schema(declared.returns), *declared.headers, shown=shown)
    found["content"] |= {media: {"schema": {"type": "string"}} for media in declared.also}
    return found

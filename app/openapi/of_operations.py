"""The paths of operations, from their declarations. https://hl7.org/fhir/R4/operations.html"""

from __future__ import annotations

from typing import Any

from app.capability.operation import Body, Call, Operation, operations
from app.openapi import answers
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
            path = f"/fhir/{declared.type or '{type}'}{'/{id}' if call.instance else ''}/${declared.name}"
            found.setdefault(path, {})[call.method.lower()] = _operation(declared, call)
    return found


def _operation(declared: Operation, call: Call) -> Json:
    placed = [*(() if declared.type else ("type",)), *(("id",) if call.instance else ()), *call.asked]
    always = [ref("pretty")] if "formatOfDisclosures" in call.asked else ALWAYS
    return operation(
        call.operation_id,
        call.summary,
        declared.type or TAG,
        parameters=[*map(ref, placed), *always],
        body=_body(declared.body, call) if declared.body and call.method == "POST" else None,
        success={200: _success(declared, call)},
        scopes=declared.scopes,
    )


def _body(body: Body, call: Call) -> Json:
    one = schema(body.schemas[0]) if len(body.schemas) == 1 else any_of(body.schemas)
    return {**json_body(one, body.description, shown=of_body(call.operation_id)), "required": body.required}


def _success(declared: Operation, call: Call) -> Json:
    shown = of_answer(call.operation_id, "200")
    found = answers.json(declared.returns_text, schema(declared.returns), *declared.headers, shown=shown)
    found["content"] |= {media: {"schema": {"type": "string"}} for media in declared.also}
    return found

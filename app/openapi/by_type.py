"""The paths of one resource type: search, create, the conditional writes, and what is asked of one resource.

https://hl7.org/fhir/R4/http.html — what all types have alike below these paths is in of_any_type.
"""

from __future__ import annotations

from typing import Any

from app.openapi import answers, parameters
from app.openapi.answers import VERSION
from app.openapi.examples import of_answer, of_body
from app.openapi.links import of_resource
from app.openapi.operation import body, json_body, operation, response, scope
from app.openapi.parameters import ALWAYS, ref
from app.openapi.schemas import ref as schema
from app.resources import ResourceType

Json = dict[str, Any]


def paths(declared: ResourceType) -> dict[str, Json]:
    """The path items of a type, by path."""
    name = declared.name
    return {
        f"/fhir/{name}": {
            "parameters": [*parameters.condition(declared), *ALWAYS, ref("Prefer")],
            "get": _search(declared),
            "post": _create(declared),
            "put": _conditional_update(declared),
            "patch": _conditional_patch(declared),
            "delete": _conditional_delete(declared),
        },
        f"/fhir/{name}/{{id}}": {
            "parameters": [ref("id"), *ALWAYS, ref("Prefer")],
            "get": _read(name),
            "put": _update(name),
            "patch": _patch(name),
            "delete": _delete(name),
        },
    }


def responses(declared: ResourceType) -> dict[str, Json]:
    """The component of the answers that hold a resource of the type."""
    name = declared.name
    shown = of_answer(f"read{name}", "200")
    headers = (*VERSION, "Location")
    return {name: answers.json(f"The {name}.", schema(name), *headers, shown=shown, links=of_resource(name))}


def bodies(declared: ResourceType) -> dict[str, Json]:
    """The component of a body that is a resource of the type."""
    name = declared.name
    return {name: json_body(schema(name), f"A {name}, whole.", shown=of_body(f"create{name}"))}


def _read(name: str) -> Json:
    asked = [ref("part"), ref("elements"), ref("If-None-Match"), ref("If-Modified-Since")]
    return operation(
        f"read{name}",
        f"Read a {name}",
        name,
        parameters=asked,
        success={200: response(name), 304: response("NotModified")},
        scopes=[scope(name, "r")],
    )


def _create(declared: ResourceType) -> Json:
    name = declared.name
    return operation(
        f"create{name}",
        f"Create a {name}",
        name,
        parameters=[ref("If-None-Exist"), ref("Idempotency-Key")],
        body=body(name),
        success={"2XX": response(name)},
        scopes=[scope(name, "c")],
    )


def _update(name: str) -> Json:
    return operation(
        f"update{name}",
        f"Update a {name}",
        name,
        parameters=[ref("If-Match")],
        body=body(name),
        success={200: response(name)},
        scopes=[scope(name, "u")],
    )


def _patch(name: str) -> Json:
    return operation(
        f"patch{name}",
        f"Change parts of a {name}",
        name,
        parameters=[ref("If-Match")],
        body=body("Patch"),
        success={200: response(name)},
        scopes=[scope(name, "u")],
    )


def _delete(name: str) -> Json:
    return operation(
        f"delete{name}",
        f"Delete a {name}",
        name,
        parameters=[ref("If-Match")],
        success={204: response("Deleted")},
        scopes=[scope(name, "d")],
    )


def _conditional_update(declared: ResourceType) -> Json:
    name = declared.name
    return operation(
        f"conditionalUpdate{name}",
        f"Push a {name}: update the one that matches, or create it",
        name,
        parameters=[ref("If-Match")],
        body=body(name),
        success={"2XX": response(name)},
        scopes=[scope(name, "u"), scope(name, "c")],
    )


def _conditional_patch(declared: ResourceType) -> Json:
    name = declared.name
    return operation(
        f"conditionalPatch{name}",
        f"Change parts of the one {name} that matches",
        name,
        parameters=[ref("If-Match")],
        body=body("Patch"),
        success={200: response(name)},
        scopes=[scope(name, "u")],
    )


def _conditional_delete(declared: ResourceType) -> Json:
    name = declared.name
    return operation(
        f"conditionalDelete{name}",
        f"Delete the one {name} that matches",
        name,
        parameters=[ref("If-Match")],
        success={204: response("Deleted")},
        scopes=[scope(name, "d")],
    )


def _search(declared: ResourceType) -> Json:
    name = declared.name
    return operation(
        f"search{name}",
        f"Search {name} resources",
        name,
        parameters=parameters.search(declared),
        success={200: response("Page")},
        scopes=[scope(name, "s")],
    )

"""The paths of one resource type: every interaction and operation on it, and on its instances.

https://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

from typing import Any

from app.auth.form import TYPE as FORM
from app.errors import Kind
from app.openapi import answers, parameters
from app.openapi.answers import VERSION
from app.openapi.links import of_path, of_resource
from app.openapi.operation import json_body, operation, scope
from app.openapi.parameters import ALWAYS, ref
from app.openapi.schemas import any_of
from app.openapi.schemas import ref as schema
from app.resources import Reach, ResourceType
from app.rest.http import FHIR_JSON
from app.rest.patch import JSON_PATCH, MERGE_PATCH

Json = dict[str, Any]
CONDITION = "Of the search parameters at least one names the resource, among those that the caller holds."
MANY = "Every parameter may be repeated: all have to hold. Modifiers stand behind a name (`name:exact`), chains too"
CHAINS = f"{MANY} (`patient.name`), and `_has:Type:reference:parameter` asks from the other side."
PAGES = "The Bundle's links lead to the other pages."


def paths(declared: ResourceType) -> dict[str, Json]:
    """The path items of a type, by path."""
    name = declared.name
    own, one = f"/fhir/{name}", f"/fhir/{name}/{{id}}"
    found = {
        own: {
            "get": _search(declared),
            "post": _create(declared),
            "put": _conditional_update(declared),
            "patch": _conditional_patch(declared),
            "delete": _conditional_delete(declared),
        },
        f"{own}/_search": {"post": _search_by_post(declared)},
        f"{own}/_history": {"get": _history_of_type(name)},
        f"{own}/$validate": {"post": _validate(name)},
        one: {"get": _read(name), "put": _update(name), "patch": _patch(name), "delete": _delete(name)},
        f"{one}/_history": {"get": _history(name)},
        f"{one}/_history/{{vid}}": {"get": _vread(name)},
        f"{one}/$meta": {"get": _meta(name)},
        f"{one}/$validate": {"post": _validate_instance(name)},
    }
    return found | (compartment(declared) if declared.reach is Reach.COMPARTMENT else {})


def compartment(declared: ResourceType | None) -> dict[str, Json]:
    """The searches in a student's compartment: of one type, or of all its types."""
    segment, suffix = (declared.name, declared.name) if declared else ("*", "Any")
    own = f"/fhir/Patient/{{id}}/{segment}"
    what = f"{segment} resources" if declared else "resources of several types"
    tag = declared.name if declared else "System"
    scopes = [scope(declared.name, "s")] if declared else []
    kinds = (*answers.SEARCHING, Kind.NOT_FOUND)
    by_get = operation(
        f"searchCompartment{suffix}",
        f"Search a student's {what}",
        tag,
        parameters=[ref("id"), *parameters.search(declared), ref("Prefer")],
        success={200: _page()},
        kinds=kinds,
        scopes=scopes,
        description=CHAINS,
    )
    by_post = operation(
        f"searchCompartmentByPost{suffix}",
        f"Search a student's {what} by a form",
        tag,
        parameters=[ref("id"), ref("Prefer")],
        body=form_body(declared),
        success={200: _page()},
        kinds=(*kinds, *answers.BODY),
        scopes=scopes,
    )
    return {own: {"get": by_get}, f"{own}/_search": {"post": by_post}}


def form_body(declared: ResourceType | None) -> Json:
    """The body of a search by POST: the same parameters as a form."""
    return {"required": False, "content": {FORM: {"schema": schema(f"{declared.name if declared else 'Any'}Search")}}}


def bundle(description: str, **more: Any) -> Json:
    """An answer that is a Bundle."""
    return answers.json(description, schema("Bundle"), **more)


def _page() -> Json:
    return bundle(f"A page of what the caller may see. {PAGES}")


def _resource(name: str) -> Json:
    return answers.json(f"The {name}.", schema(name), *VERSION, links=of_resource(name))


def _written(name: str, description: str) -> Json:
    """A resource that was stored, or by `Prefer: return=` an OperationOutcome, or nothing."""
    body = any_of((name, "OperationOutcome"))
    return answers.json(description, body, *VERSION, "Location", links=of_resource(name))


def _body(name: str) -> Json:
    return json_body(schema(name), f"A {name}, whole.")


def _conditions() -> list[Json]:
    return [ref("If-None-Match"), ref("If-Modified-Since")]


def _parts(name: str) -> list[Json]:
    return [ref("part"), ref(f"{name}._elements"), *ALWAYS]


def _read(name: str) -> Json:
    return operation(
        f"read{name}",
        f"Read a {name}",
        name,
        parameters=[ref("id"), *_parts(name), *_conditions()],
        success={200: _resource(name), 304: answers.empty("The caller has it already.", *VERSION)},
        kinds=(*answers.READING, Kind.NOT_FOUND, Kind.GONE),
        scopes=[scope(name, "r")],
    )


def _vread(name: str) -> Json:
    return operation(
        f"vread{name}",
        f"Read a version of a {name}",
        name,
        parameters=[ref("id"), ref("vid"), *_parts(name), *_conditions()],
        success={200: _resource(name), 304: answers.empty("The caller has it already.", *VERSION)},
        kinds=(*answers.READING, Kind.NOT_FOUND, Kind.GONE),
        scopes=[scope(name, "r")],
    )


def _create(declared: ResourceType) -> Json:
    name = declared.name
    return operation(
        f"create{name}",
        f"Create a {name}",
        name,
        parameters=[*parameters.criteria(declared), *ALWAYS, ref("If-None-Exist"), ref("Prefer")],
        body=_body(name),
        success={
            200: _written(name, "One that If-None-Exist finds was there: this is it."),
            201: _written(name, "It was stored."),
        },
        kinds=answers.WRITING,
        scopes=[scope(name, "c")],
        description="The id is the server's. A condition stands in If-None-Exist, or else in the query; with one the"
        " scope to read is needed too.",
    )


def _update(name: str) -> Json:
    return operation(
        f"update{name}",
        f"Update a {name}",
        name,
        parameters=[ref("id"), *ALWAYS, ref("If-Match"), ref("Prefer")],
        body=_body(name),
        success={200: _written(name, "It was stored; the same content again makes no new version.")},
        kinds=(*answers.WRITING, Kind.NOT_FOUND),
        scopes=[scope(name, "u")],
        description="There is no create by PUT to an id: ids are the server's. Conditional update is the way to push.",
    )


def _patch(name: str) -> Json:
    return operation(
        f"patch{name}",
        f"Change parts of a {name}",
        name,
        parameters=[ref("id"), *ALWAYS, ref("If-Match"), ref("Prefer")],
        body=_patch_body(),
        success={200: _written(name, "It was changed.")},
        kinds=(*answers.WRITING, Kind.NOT_FOUND, Kind.GONE),
        scopes=[scope(name, "u")],
    )


def _patch_body() -> Json:
    """What a patch may be. As plain JSON either of the last two, told by `resourceType`."""
    merge = schema("MergePatch")
    content = {
        JSON_PATCH: {"schema": schema("JsonPatch")},
        FHIR_JSON: {"schema": schema("Parameters")},
        MERGE_PATCH: {"schema": merge},
        answers.PLAIN_JSON: {"schema": merge},
    }
    description = "A JSON Patch, a FHIRPath Patch as Parameters, or a JSON Merge Patch."
    return {"required": True, "description": description, "content": content}


def _delete(name: str) -> Json:
    return operation(
        f"delete{name}",
        f"Delete a {name}",
        name,
        parameters=[ref("id"), ref("If-Match")],
        success={204: answers.empty("It is deleted, now or before.", links=of_path(name))},
        kinds=(*answers.DELETING, Kind.NOT_FOUND),
        scopes=[scope(name, "d")],
    )


def _conditional_update(declared: ResourceType) -> Json:
    name = declared.name
    return operation(
        f"conditionalUpdate{name}",
        f"Update or create the one {name} that matches",
        name,
        parameters=[*parameters.criteria(declared), *ALWAYS, ref("If-Match"), ref("Prefer")],
        body=_body(name),
        success={200: _written(name, "It was updated."), 201: _written(name, "None matched: it was created.")},
        kinds=answers.WRITING,
        scopes=[scope(name, "u"), scope(name, "c")],
        description=f"{CONDITION} The push that can be repeated.",
    )


def _conditional_patch(declared: ResourceType) -> Json:
    name = declared.name
    return operation(
        f"conditionalPatch{name}",
        f"Change parts of the one {name} that matches",
        name,
        parameters=[*parameters.criteria(declared), *ALWAYS, ref("If-Match"), ref("Prefer")],
        body=_patch_body(),
        success={200: _written(name, "It was changed.")},
        kinds=(*answers.WRITING, Kind.NOT_FOUND, Kind.GONE),
        scopes=[scope(name, "u")],
        description=CONDITION,
    )


def _conditional_delete(declared: ResourceType) -> Json:
    name = declared.name
    return operation(
        f"conditionalDelete{name}",
        f"Delete the one {name} that matches",
        name,
        parameters=[*parameters.criteria(declared), ref("If-Match")],
        success={204: answers.empty("What matched is deleted; nothing may have matched.")},
        kinds=(*answers.DELETING, Kind.TOO_COSTLY),
        scopes=[scope(name, "d")],
        description=f"{CONDITION} More than one are deleted where the server is set so.",
    )


def _search(declared: ResourceType) -> Json:
    name = declared.name
    return operation(
        f"search{name}",
        f"Search {name} resources",
        name,
        parameters=[*parameters.search(declared), ref("Prefer")],
        success={200: _page()},
        kinds=answers.SEARCHING,
        scopes=[scope(name, "s")],
        description=CHAINS,
    )


def _search_by_post(declared: ResourceType) -> Json:
    name = declared.name
    return operation(
        f"searchByPost{name}",
        f"Search {name} resources by a form",
        name,
        parameters=[ref("Prefer")],
        body=form_body(declared),
        success={200: _page()},
        kinds=(*answers.SEARCHING, *answers.BODY),
        scopes=[scope(name, "s")],
        description=CHAINS,
    )


def _history(name: str) -> Json:
    return operation(
        f"history{name}",
        f"The versions of a {name}",
        name,
        parameters=[ref("id"), ref("since"), ref("at"), ref("pageCount"), *ALWAYS],
        success={200: bundle(f"The versions that the caller may see, the newest first. {PAGES}")},
        kinds=(*answers.READING, Kind.NOT_FOUND),
        scopes=[scope(name, "r")],
    )


def _history_of_type(name: str) -> Json:
    return operation(
        f"historyType{name}",
        f"The versions of all {name} resources",
        name,
        parameters=[ref("since"), ref("at"), ref("pageCount"), *ALWAYS],
        success={200: bundle(f"The versions that the caller may see, the newest first. {PAGES}")},
        kinds=answers.READING,
        scopes=[scope(name, "s")],
    )


def _meta(name: str) -> Json:
    return operation(
        f"meta{name}",
        f"The meta element of a {name}",
        name,
        parameters=[ref("id"), *ALWAYS],
        success={200: answers.json("Parameters with the meta element.", schema("Parameters"), *VERSION)},
        kinds=(*answers.READING, Kind.NOT_FOUND, Kind.GONE),
        scopes=[scope(name, "r")],
    )


def _validate(name: str) -> Json:
    return operation(
        f"validate{name}",
        f"Say whether a {name} is valid",
        name,
        parameters=[ref("modeOfType"), ref("profile"), *ALWAYS],
        body=json_body(any_of((name, "Parameters")), f"A {name}, or Parameters with resource, mode and profile."),
        success={200: answers.json("Every finding.", schema("OperationOutcome"))},
        kinds=(*answers.READING, *answers.BODY),
    )


def _validate_instance(name: str) -> Json:
    return operation(
        f"validateInstance{name}",
        f"Say whether a write of a {name} would be accepted",
        name,
        parameters=[ref("id"), ref("modeOfInstance"), ref("profile"), *ALWAYS],
        body=json_body(any_of((name, "Parameters")), f"A {name}, or Parameters with resource, mode and profile."),
        success={200: answers.json("Every finding.", schema("OperationOutcome"))},
        kinds=(*answers.READING, *answers.BODY, Kind.NOT_FOUND, Kind.GONE),
        scopes=[scope(name, "r")],
        description="With the mode update or delete the write is done and undone, so that every rule speaks.",
    )

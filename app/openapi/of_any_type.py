"""The paths that all resource types have alike: their type stands in the path.

https://hl7.org/fhir/R4/http.html#vread, #history, #search and https://hl7.org/fhir/R4/operations.html
"""

from __future__ import annotations

from typing import Any

from app.auth.form import TYPE as FORM
from app.openapi import answers
from app.openapi.answers import VERSION
from app.openapi.examples import of_answer, of_body
from app.openapi.of_operations import TAG
from app.openapi.operation import body, operation, response
from app.openapi.parameters import ALWAYS, ref
from app.openapi.patch import media_types
from app.openapi.schemas import ANY
from app.openapi.schemas import ref as schema

Json = dict[str, Any]
_ONE = "/fhir/{type}/{id}"
_AT = [ref("since"), ref("at"), ref("pageCount"), *ALWAYS]


def paths() -> dict[str, Json]:
    """The path items, by path."""
    return {
        "/fhir/{type}/_search": {"post": _search_by_post()},
        "/fhir/{type}/_history": {"get": _history_of_type()},
        f"{_ONE}/_history": {"get": _history()},
        f"{_ONE}/_history/{{vid}}": {"get": _vread()},
        "/fhir/Patient/{id}/{type}": {"get": _compartment()},
        "/fhir/Patient/{id}/{type}/_search": {"post": _compartment_by_post()},
    }


def responses() -> dict[str, Json]:
    """The components of answers that are no type's own."""
    page = "A page of what the caller may see. The Bundle's links lead to the other pages."
    versions = "The versions that the caller may see, the newest first. The Bundle's links lead to the other pages."
    bundle = schema("Bundle")
    return {
        "Page": answers.json(page, bundle, shown=of_answer("searchServiceRequest", "200")),
        "Versions": answers.json(versions, bundle, shown=of_answer("historyPatient", "200")),
        "Version": answers.json("The version.", schema(ANY), *VERSION, shown=of_answer("vreadPatient", "200")),
        "NotModified": answers.empty("The caller has it already.", *VERSION),
        "Deleted": answers.empty("It is deleted, now or before; by a condition, what matched is."),
    }


def bodies() -> dict[str, Json]:
    """The components of bodies that are no type's own."""
    patch = {"required": True, "description": "A JSON Patch, a FHIRPath Patch as Parameters, or a JSON Merge Patch."}
    form = {"required": False, "content": {FORM: {"schema": schema("SearchForm")}}}
    return {"Patch": {**patch, "content": media_types(of_body("patchPatient"))}, "SearchForm": form}


def _search_by_post() -> Json:
    return operation(
        "searchByPost",
        "Search resources of a type by a form",
        TAG,
        parameters=[ref("type"), ref("Prefer")],
        body=body("SearchForm"),
        success={200: response("Page")},
    )


def _compartment() -> Json:
    return operation(
        "searchCompartment",
        "Search a student's resources",
        TAG,
        parameters=[ref("id"), ref("compartmentType"), ref("count"), ref("total"), *ALWAYS, ref("Prefer")],
        success={200: response("Page")},
        description="It takes what the search of the type takes; with `*`, what a search of several types takes.",
    )


def _compartment_by_post() -> Json:
    return operation(
        "searchCompartmentByPost",
        "Search a student's resources by a form",
        TAG,
        parameters=[ref("id"), ref("compartmentType"), ref("Prefer")],
        body=body("SearchForm"),
        success={200: response("Page")},
    )


def _history() -> Json:
    return operation(
        "history",
        "The versions of a resource",
        TAG,
        parameters=[ref("type"), ref("id"), *_AT],
        success={200: response("Versions")},
    )


def _history_of_type() -> Json:
    return operation(
        "historyType",
        "The versions of all resources of a type",
        TAG,
        parameters=[ref("type"), *_AT],
        success={200: response("Versions")},
    )


def _vread() -> Json:
    conditions = [ref("If-None-Match"), ref("If-Modified-Since")]
    return operation(
        "vread",
        "Read a version of a resource",
        TAG,
        parameters=[ref("type"), ref("id"), ref("vid"), ref("part"), *ALWAYS, *conditions],
        success={200: response("Version"), 304: response("NotModified")},
    )

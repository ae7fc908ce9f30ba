"""The paths of the FHIR service as a whole: Bundles, searches and history over several types, and what is open.

https://hl7.org/fhir/R4/http.html#transaction, #search and #capabilities
"""

from __future__ import annotations

from typing import Any

from app.capability.catalog import TYPES as DEFINITIONS
from app.capability.searching import SEARCHED
from app.openapi import answers, parameters
from app.openapi.examples import of_answer, of_body
from app.openapi.operation import body, json_body, operation, response
from app.openapi.parameters import ALWAYS, ref
from app.openapi.schemas import ANY
from app.openapi.schemas import ref as schema

Json = dict[str, Any]
TAG, OPEN_TAG = "System", "Definitions"


def paths() -> dict[str, Json]:
    """The path items, by path."""
    return {
        "/fhir": {"get": _search(), "post": _bundle()},
        "/fhir/_search": {"post": _search_by_post()},
        "/fhir/_history": {"get": _history()},
        "/fhir/metadata": {"get": _metadata()},
        "/fhir/Library/{id}": {"get": _read("readNotice", "A notice on redisclosure", [])},
        "/fhir/SubscriptionTopic/{id}": {"get": _read("readTopic", "A topic that Subscriptions name", [])},
        "/fhir/{type}": {"get": _by_query()},
        **_forms(),
        "/fhir/{type}/{id}": {"get": _read("readDefinition", "Read a definition", [ref("definitionType")])},
    }


def _bundle() -> Json:
    text = "What each entry came to. A transaction is all of it or nothing."
    return operation(
        "bundle",
        "Process a batch or transaction Bundle",
        TAG,
        parameters=[*ALWAYS, ref("Prefer"), ref("Idempotency-Key")],
        body=json_body(schema("Bundle"), "A Bundle of type batch or transaction.", shown=of_body("bundle")),
        success={200: answers.json(text, schema("Bundle"), shown=of_answer("bundle", "200"))},
    )


def _search() -> Json:
    return operation(
        "searchSystem",
        "Search resources of several types",
        TAG,
        parameters=parameters.search(None),
        success={200: response("Page")},
    )


def _search_by_post() -> Json:
    return operation(
        "searchSystemByPost",
        "Search resources of several types by a form",
        TAG,
        parameters=[ref("Prefer")],
        body=body("SearchForm"),
        success={200: response("Page")},
    )


def _history() -> Json:
    return operation(
        "historySystem",
        "The versions of all resources",
        TAG,
        parameters=[ref("types"), ref("since"), ref("at"), ref("pageCount"), *ALWAYS],
        success={200: response("Versions")},
    )


def _metadata() -> Json:
    return operation(
        "capabilities",
        "What this server can do",
        TAG,
        parameters=ALWAYS,
        success={200: answers.json("The CapabilityStatement.", schema(ANY))},
        public=True,
    )


def _read(operation_id: str, summary: str, more: list[Json]) -> Json:
    return operation(
        operation_id,
        summary,
        OPEN_TAG,
        parameters=[*more, ref("id"), *ALWAYS],
        success={200: answers.json("The definition.", schema(ANY))},
        public=True,
    )


def _find(operation_id: str, summary: str, asked: list[Json]) -> Json:
    return operation(
        operation_id,
        summary,
        OPEN_TAG,
        parameters=[*asked, *ALWAYS],
        success={200: answers.json("Those that have the values.", schema("Bundle"))},
        public=True,
    )


def _by_query() -> Json:
    asked = [ref("definitionType"), *(ref(f"Definition.{n}") for n in (*SEARCHED, "_count", "_summary"))]
    return _find("searchDefinition", "Find definitions of a type", asked)


def _forms() -> dict[str, Json]:
    """The search of each type of definitions by a form of the same parameters."""
    forms = ((kind, f"Find definitions of type {kind} by a form of the same parameters") for kind in DEFINITIONS)
    return {f"/fhir/{kind}/_search": {"post": _find(f"searchByPost{kind}", text, [])} for kind, text in forms}

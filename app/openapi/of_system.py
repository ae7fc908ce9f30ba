"""The paths of the FHIR service as a whole: Bundles, searches and history over several types, and what is open.

https://hl7.org/fhir/R4/http.html#transaction, #search and #capabilities
"""

from __future__ import annotations

from typing import Any

from app.conformance.catalogue import TYPES as DEFINITIONS
from app.conformance.searching import SEARCHED
from app.errors import Kind
from app.openapi import answers, parameters
from app.openapi.by_type import CHAINS, PAGES, bundle, compartment, form_body
from app.openapi.links import of_definition
from app.openapi.operation import json_body, operation
from app.openapi.parameters import ALWAYS, ref
from app.openapi.schemas import ref as schema

Json = dict[str, Any]
TAG, OPEN_TAG = "System", "Definitions"


def paths() -> dict[str, Json]:
    """The path items, by path."""
    return {
        "/fhir": {"get": _search(), "post": _bundle()},
        "/fhir/_search": {"post": _search_by_post()},
        "/fhir/_history": {"get": _history()},
        **compartment(None),
        "/fhir/metadata": {"get": _metadata()},
        "/fhir/Library/{id}": {"get": _read("Library", "readNotice", "A notice on redisclosure")},
        **{f"/fhir/{t}": {"get": _find(t)} for t in DEFINITIONS},
        **{f"/fhir/{t}/{{id}}": {"get": _read(t, f"read{t}", f"Read a {t}")} for t in DEFINITIONS},
    }


def _bundle() -> Json:
    return operation(
        "bundle",
        "Process a batch or transaction Bundle",
        TAG,
        parameters=[*ALWAYS, ref("Prefer")],
        body=json_body(schema("Bundle"), "A Bundle of type batch or transaction."),
        success={200: bundle("What each entry came to. A transaction is all of it or nothing.")},
        kinds=(*answers.WRITING, Kind.TOO_COSTLY, Kind.NOT_FOUND, Kind.GONE),
    )


def _search() -> Json:
    return operation(
        "search",
        "Search resources of several types",
        TAG,
        parameters=[*parameters.search(None), ref("Prefer")],
        success={200: bundle(f"A page of what the caller may see. {PAGES}")},
        kinds=answers.SEARCHING,
        description=CHAINS,
    )


def _search_by_post() -> Json:
    return operation(
        "searchByPost",
        "Search resources of several types by a form",
        TAG,
        parameters=[ref("Prefer")],
        body=form_body(None),
        success={200: bundle(f"A page of what the caller may see. {PAGES}")},
        kinds=(*answers.SEARCHING, *answers.BODY),
        description=CHAINS,
    )


def _history() -> Json:
    return operation(
        "history",
        "The versions of all resources",
        TAG,
        parameters=[ref("types"), ref("since"), ref("at"), ref("pageCount"), *ALWAYS],
        success={200: bundle(f"The versions that the caller may see, the newest first. {PAGES}")},
        kinds=answers.READING,
    )


def _metadata() -> Json:
    return operation(
        "capabilities",
        "What this server can do",
        TAG,
        parameters=ALWAYS,
        success={200: answers.json("The CapabilityStatement.", schema("CapabilityStatement"))},
        kinds=answers.OPEN,
        public=True,
    )


def _read(name: str, operation_id: str, summary: str) -> Json:
    links = {"links": of_definition(name)} if name in DEFINITIONS else {}
    return operation(
        operation_id,
        summary,
        OPEN_TAG,
        parameters=[ref("id"), *ALWAYS],
        success={200: answers.json(f"The {name}.", schema(name), **links)},
        kinds=(*answers.OPEN, Kind.NOT_FOUND),
        public=True,
    )


def _find(name: str) -> Json:
    return operation(
        f"search{name}",
        f"Find a {name}",
        OPEN_TAG,
        parameters=[ref(f"Definition.{n}") for n in SEARCHED] + ALWAYS,
        success={200: bundle("Those that have the values.")},
        kinds=answers.OPEN,
        public=True,
    )

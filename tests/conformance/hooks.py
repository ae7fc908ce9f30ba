"""What schemathesis is told beside its settings: who calls, and which findings are none, each with its reason.

https://schemathesis.readthedocs.io/en/stable/guides/extending/
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import httpx
import schemathesis
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.openapi.checks import RejectedPositiveData, UseAfterFree

from app.fhir.xml.read import json_of
from tests.world import assertion

CLIENT, KEY, URL = (os.environ.get(f"CONFORMANCE_{name}", "") for name in ("CLIENT", "KEY", "URL"))


@schemathesis.auth(refresh_interval=200)
class Member:
    """A member's token, got as its own program gets one, before the last one ends."""

    def get(self, _case: schemathesis.Case, _context: schemathesis.AuthContext) -> str:
        """A token."""
        endpoint = f"{URL}/auth/token"
        form = {
            "grant_type": "client_credentials",
            "scope": "system/*.cruds",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion(CLIENT, json.loads(Path(KEY).read_text()), aud=endpoint),
        }
        found: str = httpx.post(endpoint, data=form).json()["access_token"]
        return found

    def set(self, case: schemathesis.Case, data: str, _context: schemathesis.AuthContext) -> None:
        """Send it."""
        case.headers["Authorization"] = f"Bearer {data}"


@dataclass(frozen=True)
class Excuse:
    """A finding that is none: the check, the operations, the status and words of the answer, and why."""

    check: type[Failure]
    operations: str
    status: int
    words: str
    why: str

    def holds(self, failure: Failure, operation: str, status: int, text: str) -> bool:
        """Whether a finding is this one."""
        fits = isinstance(failure, self.check) and status == self.status
        return fits and bool(re.fullmatch(self.operations, operation)) and self.words in text


_SEARCHES = "(read|vread|search|everything).*"
EXCUSES = (
    Excuse(
        RejectedPositiveData,
        "conditional.*",
        400,
        "The request needs a search parameter that says which resource it is about.",
        "OpenAPI cannot ask for one parameter out of many",
    ),
    Excuse(
        RejectedPositiveData,
        "conditional.*",
        400,
        "The condition has no criterion",
        "OpenAPI cannot ask for one parameter out of many",
    ),
    Excuse(RejectedPositiveData, _SEARCHES, 400, "exclude each other", "OpenAPI has no parameters that exclude others"),
    Excuse(
        RejectedPositiveData,
        _SEARCHES,
        400,
        "With '_summary=text' nothing can be included",
        "OpenAPI has no parameters that exclude others",
    ),
    Excuse(
        RejectedPositiveData,
        "(read|vread|search|everything).*",
        400,
        "'_elements' takes names of elements at the root of the type",
        "the names that there are hang on the type, and are not listed",
    ),
    Excuse(
        RejectedPositiveData,
        "search.*",
        400,
        "'_sort' ",
        "which names there are hangs on the type, and no pattern can say that the names in a list differ",
    ),
    Excuse(
        RejectedPositiveData,
        "search.*",
        400,
        "include' ",
        "which references there are hangs on the types, and they are not listed",
    ),
    Excuse(
        RejectedPositiveData,
        "search.*|conditional.*|create.*",
        400,
        "takes an id, Type/id of a type that it can refer to, or a URL",
        "one pattern serves all references: it does not say which types each may lead to",
    ),
    Excuse(
        RejectedPositiveData,
        "search.*|conditional.*",
        400,
        "takes a text with a character to search for.",
        "a text of accents alone has none once accents are taken away, and no pattern says which those are",
    ),
    Excuse(
        RejectedPositiveData,
        "everything.*",
        400,
        "The parameter 'end' is before 'start'.",
        "OpenAPI cannot compare two parameters",
    ),
    Excuse(
        RejectedPositiveData,
        "create.*|update.*|conditionalUpdate.*",
        400,
        "The body is not a JSON object.",
        "the document says that it is one; where the generator makes none of a schema in time, it sends 0",
    ),
    Excuse(
        RejectedPositiveData,
        "update.*",
        400,
        "The id in the body is not the one in the URL.",
        "OpenAPI cannot tie a body to its path",
    ),
    Excuse(
        RejectedPositiveData,
        "conditionalUpdate.*",
        400,
        "The id in the body is not the id of the resource that matches. Leave the id out.",
        "OpenAPI cannot tie a body to what its condition finds",
    ),
    Excuse(
        RejectedPositiveData,
        "(create|bundle).*",
        400,
        "The condition must be search parameters, such as identifier=system|value.",
        "If-None-Exist holds a query, which OpenAPI cannot describe in a header",
    ),
    Excuse(
        RejectedPositiveData,
        "create.*",
        400,
        "The search parameter",
        "If-None-Exist holds a query, which OpenAPI cannot describe in a header",
    ),
    Excuse(
        RejectedPositiveData,
        "create.*",
        400,
        "is not known here.",
        "OpenAPI cannot say that a condition stands in If-None-Exist or in the query, and not in both",
    ),
    Excuse(
        RejectedPositiveData,
        "(p|conditionalP)atch.*",
        400,
        "A string holds a control character",
        "what a patch puts in may be any JSON; FHIR's strings have no control characters",
    ),
    Excuse(
        RejectedPositiveData,
        "(p|conditionalP)atch.*",
        400,
        "A number has more than 40 characters or an exponent beyond 100.",
        "what a patch puts in may be any JSON; the numbers that are stored have bounds",
    ),
    Excuse(
        RejectedPositiveData,
        "(p|conditionalP)atch.*",
        400,
        "An integer has more than 64 bits.",
        "what a patch puts in may be any JSON; the numbers that are stored have bounds",
    ),
    Excuse(
        RejectedPositiveData,
        "(introspect|revoke)Token",
        400,
        "Authenticate in one way only.",
        "OpenAPI cannot say that a header and a field of the form exclude each other",
    ),
    Excuse(
        RejectedPositiveData,
        "(create|bundle).*",
        400,
        "The Idempotency-Key header must be one string",
        "a pattern would forbid the tokens that schemathesis takes for numbers, and many clients send",
    ),
    Excuse(
        RejectedPositiveData,
        "bundle.*",
        400,
        "takes no Idempotency-Key.",
        "OpenAPI cannot make a header hang on what is in the body",
    ),
    Excuse(
        AcceptedNegativeData,
        "validate.*",
        200,
        '"OperationOutcome"',
        "an invalid resource is what this operation is asked about: the answer says what is wrong with it",
    ),
    Excuse(
        UseAfterFree,
        "(history|vread|disclosures).*",
        200,
        '"resourceType"',
        "what a resource was before it was deleted, and who got it, can be read: http.html#delete of FHIR",
    ),
)


@schemathesis.hook
def filter_failure(
    _context: schemathesis.HookContext, failure: Failure, case: schemathesis.Case, response: schemathesis.Response
) -> bool:
    """Whether a finding stands."""
    name = str(case.operation.definition.raw.get("operationId"))
    content = response.content
    text = (json_of(content, len(content)) if content.startswith(b"<?xml") else content).decode(errors="replace")
    return not any(e.holds(failure, name, response.status_code, text) for e in EXCUSES)

"""[type]/[id]/$statement: a parent's statement about a record that is contested, which travels with it.

34 CFR 99.21(c). https://hl7.org/fhir/R4/operations.html
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import Request, Response

from app.api import http
from app.api.context import RequestContext
from app.api.parameters import read
from app.capability.operation import Body, Call, Operation, Parameter
from app.errors import HallpassError, Issue, Kind
from app.exchange import patching, statements
from app.exchange.service import PendingResult, Session
from app.fhir.dates import instant
from app.limits.long_work import is_large
from app.resources import ResourceType

KINDS = {"text": "valueString", "author": "valueString", "withdraw": "valueBoolean"}


async def statement(request: Request, context: RequestContext, declared: ResourceType, id: str) -> Response:
    """The record with the statement."""
    http.require_acceptable(request)
    http.parameters(request)
    content = await context.body(request, declared.name, "u")
    if declared.student is None:
        text = "A statement is about a record of a student."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, declared.name, "business-rule"))
    given = await context.off_loop(lambda: read(content, KINDS), large=is_large(content))
    if ("text" in given) == bool(given.get("withdraw")):
        text = "Give the text of a statement, or withdraw true to take all statements away."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "Parameters.parameter", "required"))
    at = instant(datetime.now(UTC))

    def change(stored: dict[str, Any]) -> dict[str, Any]:
        if given.get("withdraw"):
            return statements.withdrawn(stored)
        return statements.added(stored, given["text"], given.get("author"), at)

    async def unit_of_work(session: Session) -> list[PendingResult]:
        return [await patching.patch(session, declared, id, change, http.if_match(request), statements=True)]

    answer = await context.one("update", unit_of_work)
    return http.respond(request, answer.one.body, headers=http.version_headers(answer.one))


OPERATIONS = (
    Operation(
        name="statement",
        type=None,
        calls=(Call("POST", "statement", "Add a statement to a contested record"),),
        note="a statement about a contested record, which leaves with it wherever it goes; for its custodian",
        answer=statement,
        parameters=(
            Parameter("text", "string", "The statement, in the words of who contests the record."),
            Parameter("author", "string", "Who says so."),
            Parameter("withdraw", "boolean", "True: all statements are taken away, as who made them asked."),
            Parameter("return", "Resource", "The record with its statements.", 1, use="out"),
        ),
        affects_state=True,
        body=Body(("Parameters",), "text and author, or withdraw."),
        returns="AnyResource",
        returns_text="The record with its statements.",
        headers=("ETag", "Last-Modified"),
    ),
)

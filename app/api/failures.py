"""Every failure as an OperationOutcome, and a log line that holds no value of any record.

https://hl7.org/fhir/R4/http.html#Status-Codes
"""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from uuid import uuid4

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api import formats
from app.api.options import allowed, misdirected
from app.caller import Caller
from app.db.engine import unavailable
from app.errors import HallpassError, Issue, Kind, too_late
from app.fhir.outcome import outcome
from app.office import guard as office
from app.partner import routes as partner
from app.signing import routes as signing
from app.telemetry import measures, traces
from app.telemetry.log import RequestLine, answered

log = logging.getLogger("hallpass")
DEADLINE = "hallpass.deadline"
"""When the answer has to begin, by the event loop's clock: in the state of a request."""
_PAGES = {"office": office.failed, "partner": partner.failed, "sign": signing.failed}
"""By the first part of a path: what is for people is answered with a page."""


def install(app: FastAPI) -> None:
    """Answer errors of every origin, and log each request by its route."""
    app.add_exception_handler(HallpassError, _ours)
    app.add_exception_handler(HTTPException, _starlettes)
    app.add_exception_handler(RequestValidationError, _fastapis)
    app.add_middleware(_Around, seconds=app.state.settings.request_seconds)


def answer(request: Request, error: HallpassError) -> Response:
    """An error as a response."""
    page = _PAGES.get(request.scope["path"].strip("/").partition("/")[0])
    if page is not None:
        return page(error)
    measures.REFUSALS.labels(error.kind.value).inc()
    headers = {"Cache-Control": "no-store", **error.headers}
    return formats.refused(request, outcome(error), error.status, headers)


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, HallpassError)
    if error.kind in (Kind.UNAVAILABLE, Kind.TOO_COSTLY) and error.__cause__ is not None:
        log.error("%s %s: %s", error.kind.value, request.state.request_id, _fault(error.__cause__))
    return answer(request, error)


async def _starlettes(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        allow = {"Allow": allowed(request)}
        if request.method == "OPTIONS":
            return Response(None, 204, allow)
        return answer(
            request,
            HallpassError(
                Kind.NOT_ALLOWED,
                "This method is not served at this path. The Allow header lists those that are.",
                headers=allow,
            ),
        )
    if error.status_code == 404:
        return answer(
            request, HallpassError(Kind.NOT_FOUND, "Nothing is served at this path. GET /fhir/metadata lists what is.")
        )
    return answer(request, HallpassError(Kind.INVALID, "The request is not valid HTTP."))


async def _fastapis(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    issues = [Issue("The parameter does not take this value.", ".".join(map(str, e["loc"]))) for e in error.errors()]
    return answer(request, HallpassError(Kind.INVALID, *issues))


class _Around:
    """Gives each request an id, which its answer carries, answers what nothing else has, and writes the log's line.

    An answer has to begin in time: otherwise the work is broken off, what it did is undone, and the answer is a 503.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with traces.request() as ended:
            await self._answer(scope, receive, send, ended)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, ended: Callable[[RequestLine], None]) -> None:
        request_id = uuid4()
        scope.setdefault("state", {})["request_id"] = request_id
        request_header = (b"x-request-id", str(request_id).encode())
        started, status = time.perf_counter(), 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                with suppress(RuntimeError):  # it is over, and this answer says so
                    whole.reschedule(None)
                message = {**message, "headers": [*message.get("headers", []), request_header]}
            await send(message)

        request = Request(scope, receive)
        whole = asyncio.timeout(self._seconds)
        scope["state"][DEADLINE] = asyncio.get_running_loop().time() + self._seconds
        measures.UNDER_WAY.inc()
        try:
            app = await _starlettes(request, HTTPException(405)) if misdirected(request) else self._app
            async with whole:
                await app(scope, receive, watched)
        except Exception as error:  # the last resort: nothing of the fault is shown
            if not isinstance(error, TimeoutError):
                log.error("fault %s: %s", request_id, _fault(error))
            if status:  # a part of it has left: the connection is broken off, so that nobody takes it for the whole
                raise
            await _last_resort(error, late=whole.expired())(scope, receive, watched)
        finally:
            measures.UNDER_WAY.dec()
            ended(_note(scope, status, time.perf_counter() - started))


def _note(scope: Scope, status: int, seconds: float) -> RequestLine:
    """Count the request, and write its line."""
    path, state = getattr(scope.get("route"), "path", "(no route)"), scope["state"]
    caller: Caller | None = state.get("caller")
    measures.answered(scope["method"], path, status, seconds)
    line = RequestLine(
        scope["method"],
        path,
        status,
        round(seconds * 1000, 1),
        state["request_id"],
        caller.client if caller else None,
        caller.organization if caller else None,
    )
    answered(line)
    return line


def _last_resort(error: Exception, *, late: bool) -> ASGIApp:
    """The answer to what nobody else has answered."""
    if late:
        found = too_late()
    elif isinstance(error, TimeoutError):
        found = unavailable()
    else:
        found = HallpassError(Kind.INTERNAL, "The server failed. The failure is in its log under this request's id.")

    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(Request(scope, receive), found)(scope, receive, send)

    return respond


def _fault(error: BaseException) -> str:
    """An exception's type and place, without its text, which may quote a record."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "/app/" in f.filename] or frames
    place = " < ".join(f"{f.filename.rpartition('/app/')[2]}:{f.lineno}" for f in ours[:-6:-1])
    causes: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(causes) < 4:
        causes.append(f"{type(cause).__name__}{_state(cause)}")
        cause = cause.__cause__
    return f"{' from '.join(causes)} at {place}"


def _state(error: BaseException) -> str:
    state = getattr(getattr(error, "orig", error), "sqlstate", None)
    return f"({state})" if state else ""

"""Spans of requests, where an operator's own collector takes them (app/telemetry/collector.py); else nothing.

A span says which route was asked by which client, how it ended and how long its parts took. No value of a record, a
query or a body is ever in one, nor the text of an exception. https://opentelemetry.io/docs/specs/semconv/http/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from app.telemetry.log import RequestLine

_tracer: Tracer | None = None


def use(tracer: Tracer | None) -> None:
    """Make spans by this tracer from now on; by none."""
    global _tracer
    _tracer = tracer


@contextmanager
def request() -> Iterator[Callable[[RequestLine], None]]:
    """The span of a request; what it gives takes what the log says of the request once it has ended.

    A trace of the caller's is not gone on: whether a request is traced is for the operator alone to say.
    """
    if _tracer is None:
        yield _say_nothing
        return
    with _tracer.start_as_current_span(
        "request", kind=SpanKind.SERVER, record_exception=False, set_status_on_exception=False
    ) as span:
        yield partial(_say, span)


@contextmanager
def part(name: str) -> Iterator[None]:
    """The span of a part of a request's work, by a name of ours."""
    if _tracer is None:
        yield
        return
    with _tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False):
        yield


def _say(span: Span, line: RequestLine) -> None:
    span.update_name(f"{line.method} {line.route}")
    told: dict[str, str | int] = {
        "http.request.method": line.method,
        "http.route": line.route,
        "http.response.status_code": line.status,
    }
    told["hallpass.request_id"] = str(line.request_id)
    if line.client is not None:
        told |= {"hallpass.client": line.client, "hallpass.organization": str(line.organization)}
    for name, value in told.items():
        span.set_attribute(name, value)
    if line.status >= 500:
        span.set_status(Status(StatusCode.ERROR))


def _say_nothing(line: RequestLine) -> None:
    """There is no span."""

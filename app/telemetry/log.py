"""The log of one process, on stderr: a line for each request, by its route; never its query, body or answer.

As text for a person, or as one JSON object a line for a program (HALLPASS_LOG_FORMAT).
"""

from __future__ import annotations

import logging
import sys
import time
from dataclasses import asdict, dataclass
from uuid import UUID

import structlog

from app.settings import LogFormat

log = logging.getLogger("hallpass")


@dataclass(frozen=True, slots=True)
class RequestLine:
    """What is logged of a request. `client` and `organization` are those of its token, once it was verified."""

    method: str
    route: str
    status: int
    milliseconds: float
    request_id: UUID
    client: str | None = None
    organization: UUID | None = None

    def __str__(self) -> str:
        who = f" {self.client}" if self.client else ""
        return f"{self.method} {self.route} {self.status} {self.milliseconds:.1f}ms {self.request_id}{who}"


def answered(line: RequestLine) -> None:
    """Write the line of a request."""
    log.info("%s", line, extra={"line": line})


def to_stderr(form: LogFormat) -> None:
    """Send what is logged to stderr, in one of the two forms."""
    if log.handlers:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_json() if form == "json" else Text("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False


class Text(logging.Formatter):
    """Writes each second of the clock once: there are many lines in one."""

    _second, _written = -1, ""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        """The local time to the millisecond, as logging itself writes it."""
        if int(record.created) != self._second:
            self._second = int(record.created)
            self._written = time.strftime(datefmt or self.default_time_format, self.converter(record.created))
        return f"{self._written},{int(record.msecs):03d}"


def _json() -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        processors=[
            _fields,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(default=str),
        ],
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
    )


def _fields(_logger: object, _name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """A request's line as fields of its own."""
    line = getattr(event["_record"], "line", None)
    if isinstance(line, RequestLine):
        event.update({name: value for name, value in asdict(line).items() if value is not None})
        event["event"] = "request"
    return event

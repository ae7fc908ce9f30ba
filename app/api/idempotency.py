"""The Idempotency-Key header. https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/

It counts for a create and for a transaction without reads. Where it could not keep its promise it is refused: else
a request would be done twice in silence.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any

from fastapi import Request

from app.api.context import RequestContext
from app.errors import HallpassError, Issue, Kind
from app.exchange.idempotency import Keyed
from app.fhir.json import canonical
from app.limits.long_work import is_large

HEADER = "Idempotency-Key"
LONGEST = 255
_KEY = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"|([A-Za-z0-9._~:+/=-]+)')
"""A string as of RFC 8941, or the same without quotation marks, as many clients send a UUID."""


async def keyed(request: Request, context: RequestContext, content: dict[str, Any]) -> Keyed | None:
    """The key under which this body is sent, if any. Raises INVALID for what is no key, and TOO_COSTLY."""
    key = _key(request)
    if key is None:
        return None
    body = await context.off_loop(lambda: sha256(canonical({"body": content})).digest(), large=is_large(content))
    said = (request.url.path, request.url.query, request.headers.get("If-None-Exist", ""))
    asked = sha256("\0".join(said).encode() + b"\0" + body)
    return Keyed(sha256(key.encode()).digest(), asked.digest())


def require_none(request: Request, what: str) -> None:
    """Raise INVALID where there is a key: `what` is not done once by it."""
    if HEADER in request.headers:
        raise HallpassError(Kind.INVALID, Issue(f"{what} takes no {HEADER}.", code="not-supported"))


def _key(request: Request) -> str | None:
    given = request.headers.getlist(HEADER)
    if not given:
        return None
    found = _KEY.fullmatch(given[0].strip()) if len(given) == 1 else None
    key = re.sub(r"\\(.)", r"\1", found[1]) if found and found[1] is not None else found[2] if found else ""
    if not 0 < len(key) <= LONGEST:
        text = f'The {HEADER} header must be one string of 1 to {LONGEST} ASCII characters. Write "KEY".'
        raise HallpassError(Kind.INVALID, text)
    return key

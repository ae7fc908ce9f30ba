"""Reads the form of a request to an authorization endpoint.
https://datatracker.ietf.org/doc/html/rfc6749#section-3.2
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from fastapi import Request

from app.auth.oauth import OAuthCode, OAuthError

MAX_BYTES = 32_768
MAX_FIELDS = 32
TYPE = "application/x-www-form-urlencoded"


async def read_form(request: Request) -> dict[str, str]:
    """The fields of the body, those without a value left out.

    Raises OAuthError(invalid_request) for another media type, a body that is too large, and a field sent twice.
    """
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != TYPE:
        raise _refused(f"The request body is {TYPE}.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            raise _refused("The request body is too large.")
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:
        raise _refused("The request body cannot be read.") from None
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise _refused("A parameter is sent more than once.")
    return {name: value for name, value in fields.items() if value}


def _refused(description: str) -> OAuthError:
    return OAuthError(OAuthCode.INVALID_REQUEST, description)

"""The errors of the authorization endpoints, whose bodies are OAuth's and not OperationOutcomes.
https://datatracker.ietf.org/doc/html/rfc6749#section-5.2
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

from app.errors import HallpassError


class OAuthCode(Enum):
    """The closed set of error codes; the value is the one on the wire."""

    INVALID_REQUEST = "invalid_request"
    INVALID_CLIENT = "invalid_client"
    INVALID_TOKEN = "invalid_token"  # noqa: S105  a code, not a secret
    INVALID_SCOPE = "invalid_scope"
    UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"
    SLOW_DOWN = "slow_down"
    """Of RFC 8628; RFC 6749 has no code for it."""


class OAuthError(Exception):
    """A refusal of an authorization endpoint: its code, words that hold no value of the request, and a status."""

    def __init__(
        self, code: OAuthCode, description: str, *, status: int = 400, headers: dict[str, str] | None = None
    ) -> None:
        self.code = code
        self.description = description
        self.status = status
        self.headers: dict[str, str] = headers or {}
        super().__init__(f"{code.value}: {description}")


def slowed(count: Callable[[Any], None], value: Any) -> None:
    """Count something against its limit. Raises OAuthError(slow_down) with status 429 where the limit is reached."""
    try:
        count(value)
    except HallpassError as e:
        raise OAuthError(OAuthCode.SLOW_DOWN, e.issues[0].text, status=e.status, headers=e.headers) from None

"""Page tokens: opaque, sealed, bound to the client and the search that got them, and good for a day.

https://hl7.org/fhir/R4/http.html#paging
"""

from __future__ import annotations

import hmac
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

from app.errors import HallpassError, Issue, Kind

LIFE = 86_400
_TAG = 16


class PageTokens:
    """Seals page tokens with the key that all processes share."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def sign(self, text: str, bound: str) -> str:
        """A token around `text` that opens only for the same `bound` (client and query)."""
        body = int(time.time()).to_bytes(6, "big") + text.encode()
        return _text(self._tag(body, bound) + body)

    def verify(self, token: str, bound: str) -> str:
        """The text in a token. Raises INVALID for one that was altered, is another's, or is too old."""
        try:
            raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except ValueError:
            raw = b""
        if _text(raw) != token:  # else what is not of the alphabet would be skipped, and spare bits be lost
            raw = b""
        tag, body = raw[:_TAG], raw[_TAG:]
        if len(body) < 6 or not hmac.compare_digest(tag, self._tag(body, bound)):
            raise HallpassError(
                Kind.INVALID, Issue("The page token is not from this search. Follow the links of a page as they are.")
            )
        if time.time() - int.from_bytes(body[:6], "big") > LIFE:
            raise HallpassError(Kind.INVALID, Issue("The page token has expired. Start the search again."))
        return body[6:].decode()

    def _tag(self, body: bytes, bound: str) -> bytes:
        return hmac.new(self._key, bound.encode() + b"\0" + body, sha256).digest()[:_TAG]


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")

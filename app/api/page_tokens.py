"""Page tokens: encrypted, bound to the client and the search that got them, and good for a day.

https://hl7.org/fhir/R4/http.html#paging — a token holds where a page ended, which may count what others wrote.
"""

from __future__ import annotations

import hmac
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.errors import HallpassError, Issue, Kind

LIFE = 86_400
_NONCE = 12


class PageTokens:
    """Encrypts page tokens with a key that all processes share."""

    def __init__(self, key: bytes) -> None:
        self._nonce_key = hmac.digest(key, b"page tokens: nonce", sha256)
        self._cipher = AESGCM(hmac.digest(key, b"page tokens: cipher", sha256))

    def sign(self, text: str, bound: str) -> str:
        """A token around `text` that opens only for the same `bound` (client and query)."""
        body = int(time.time()).to_bytes(6, "big") + text.encode()
        nonce = hmac.digest(self._nonce_key, bound.encode() + b"\0" + body, sha256)[:_NONCE]  # no two bodies share one
        return _text(nonce + self._cipher.encrypt(nonce, body, bound.encode()))

    def verify(self, token: str, bound: str) -> str:
        """The text in a token. Raises INVALID for one that was altered, is another's, or is too old."""
        try:
            raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
            if _text(raw) != token:  # else what is not of the alphabet would be skipped, and spare bits be lost
                raise ValueError
            body = self._cipher.decrypt(raw[:_NONCE], raw[_NONCE:], bound.encode())
        except (ValueError, InvalidTag):
            raise HallpassError(
                Kind.INVALID,
                Issue("The page token is not from this search. Follow the links of a page as they are."),
            ) from None
        if time.time() - int.from_bytes(body[:6], "big") > LIFE:
            raise HallpassError(Kind.INVALID, Issue("The page token has expired. Start the search again."))
        return body[6:].decode()


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")

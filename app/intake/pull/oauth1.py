"""Signs a request by OAuth 1.0a with HMAC-SHA1, as one client without a user. Pure.
https://www.rfc-editor.org/rfc/rfc5849#section-3.4
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from urllib.parse import parse_qsl, quote, urlsplit

Pairs = Iterable[tuple[str, str]]


def header(method: str, url: str, key: str, secret: str, *, nonce: str, timestamp: int) -> str:
    """The Authorization header of a request without a form body."""
    given = {
        "oauth_consumer_key": key,
        "oauth_nonce": nonce,
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": str(timestamp),
        "oauth_version": "1.0",
    }
    signed = {**given, "oauth_signature": signature(method, url, given.items(), secret)}
    return "OAuth " + ", ".join(f'{name}="{_escaped(value)}"' for name, value in signed.items())


def signature(method: str, url: str, oauth: Pairs, secret: str, token_secret: str = "") -> str:
    """The signature over a request's method, address, query and OAuth parameters, in base64."""
    key = f"{_escaped(secret)}&{_escaped(token_secret)}".encode()
    return base64.b64encode(hmac.digest(key, base_string(method, url, oauth).encode(), hashlib.sha1)).decode()


def base_string(method: str, url: str, oauth: Pairs) -> str:
    """What is signed. https://www.rfc-editor.org/rfc/rfc5849#section-3.4.1"""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port not in (None, {"http": 80, "https": 443}[parts.scheme]) else ""
    address = f"{parts.scheme}://{(parts.hostname or '').lower()}{port}{parts.path or '/'}"
    pairs = [*parse_qsl(parts.query, keep_blank_values=True), *oauth]
    escaped = sorted((_escaped(name), _escaped(value)) for name, value in pairs)
    parameters = "&".join(f"{name}={value}" for name, value in escaped)
    return "&".join((method.upper(), _escaped(address), _escaped(parameters)))


def _escaped(text: str) -> str:
    return quote(text, safe="-._~")

"""One connection that asks one thing after the other."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any
from urllib.parse import urlsplit


class Asker:
    """A client, with a token where there is one. What is no success raises RuntimeError: then the figure would be of
    something else."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.netloc, timeout=120)
        self._base = parts.path
        self._headers = {"Accept": "application/fhir+json", "Cache-Control": "no-cache"}
        if token:
            self._headers["Authorization"] = token

    def ask(self, method: str, path: str, content: dict[str, Any] | None = None) -> tuple[float, Any]:
        """Milliseconds until the whole answer is there, and its JSON."""
        headers, body = dict(self._headers), None
        if content is not None:
            headers["Content-Type"] = "application/fhir+json"
            body = json.dumps(content).encode()
        began = time.perf_counter()
        self._connection.request(method, self._base + path, body, headers)
        response = self._connection.getresponse()
        answer = response.read()
        took = (time.perf_counter() - began) * 1000
        if response.status >= 300:
            raise RuntimeError(f"{method} {path}: {response.status} {answer[:300]!r}")
        return took, json.loads(answer)

    def whole(self, path: str) -> tuple[float, int]:
        """Milliseconds for all pages of a Bundle, and the entries on them."""
        took, entries = 0.0, 0
        while path:
            ms, bundle = self.ask("GET", path)
            took, entries = took + ms, entries + len(bundle.get("entry", ()))
            further = [link["url"] for link in bundle["link"] if link["relation"] == "next"]
            path = further[0].partition("://")[2].partition("/")[2] if further else ""
            path = path and f"/{path}"
        return took, entries

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

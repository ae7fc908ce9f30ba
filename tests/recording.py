"""Keeps what the server answers while tests run, for the independent validator: `pytest --emitted FOLDER`.

Answers that differ only in their values are alike, and few of each kind are kept: see `shape`.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

OF_A_KIND = 3
_CODE = re.compile(r"[A-Za-z][A-Za-z-]{0,40}")


class Recorder:
    """Writes answers to a file of its own process, each with the test that had it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / f"{os.getpid()}.ndjson"
        self._seen: Counter[str] = Counter()
        self.answers = 0

    def take(self, response: httpx.Response) -> None:
        """Keep the answer, if it is FHIR and not one of many alike."""
        if "json" not in response.headers.get("content-type", "") or not response.is_closed:
            return
        try:
            body = json.loads(response.content)
        except (ValueError, httpx.StreamError):
            return
        if not isinstance(body, dict) or not isinstance(body.get("resourceType"), str):
            return
        self.answers += 1
        alike = json.dumps(shape(body), sort_keys=True)
        self._seen[alike] += 1
        if self._seen[alike] <= OF_A_KIND:
            test = os.environ.get("PYTEST_CURRENT_TEST", "").partition(" ")[0]
            asked = f"{response.request.method} {response.request.url.path} {response.status_code}"
            with self._file.open("a") as file:
                file.write(json.dumps({"test": test, "asked": asked, "body": response.text}) + "\n")


def shape(value: Any) -> Any:
    """What makes an answer one of a kind: its elements and codes, not its texts and numbers, nor how often."""
    if isinstance(value, dict):
        return {key: shape(v) for key, v in value.items()}
    if isinstance(value, list):
        return sorted({json.dumps(shape(v), sort_keys=True) for v in value})
    if isinstance(value, str):
        return value if _CODE.fullmatch(value) else "~"
    return type(value).__name__


@contextmanager
def recording(folder: Path) -> Iterator[Recorder]:
    """Every answer to httpx, of an application in this process or of a server, goes to the recorder as well."""
    recorder = Recorder(folder)
    before = httpx.Client.send, httpx.AsyncClient.send

    def send(self: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:
        response = before[0](self, request, **options)
        recorder.take(response)
        return response

    async def asend(self: httpx.AsyncClient, request: httpx.Request, **options: Any) -> httpx.Response:
        response = await before[1](self, request, **options)
        recorder.take(response)
        return response

    _set(send, asend)
    try:
        yield recorder
    finally:
        _set(*before)


def _set(sync: Callable[..., Any], asynchronous: Callable[..., Any]) -> None:
    httpx.Client.send = sync  # type: ignore[method-assign]
    httpx.AsyncClient.send = asynchronous  # type: ignore[method-assign]

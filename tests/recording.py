"""Keeps what the server answers while tests run, for the independent validator: `pytest --emitted FOLDER`.

It listens inside the server, below every way to it: in this process and in each that the tests start, whoever asks.
Answers that are the same but for the names of records, moments and cursors are alike, and one of them is kept.
"""

from __future__ import annotations

import gzip
import json
import os
import re
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from fastapi import FastAPI

FOLDER = "EMITTED"
"""The environment variable that names the folder to the processes that tests start."""
_STARTED = Path(__file__).parent / "recorded"
"""What Python runs when it starts, if this folder is on its path: see sitecustomize.py there."""
_ROOT = Path(__file__).parents[1]
_MADE = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"), "uuid"),
    (
        re.compile(r"20\d\d-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-][01]\d:[0-5]\d)"),
        "2000-01-01T00:00:00Z",
    ),
    (re.compile(r"(?<=_cursor=)[\w.-]+"), "cursor"),
    (re.compile(r"(?<=://127\.0\.0\.1:)\d+"), "8000"),
)
"""What the server makes up, as it has to look, and what is put in its place to compare."""

Message = MutableMapping[str, Any]


class Recorder:
    """Writes answers to a file of each process, with the test that was under way and the request's path."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._seen: set[bytes] = set()

    def take(self, asked: str, content: bytes) -> None:
        """Count the answer, and keep it if none that is alike was kept by this process."""
        alike = sha256(likeness(content.decode()).encode()).digest()
        kept: dict[str, str] = {"alike": alike.hex()}
        if alike not in self._seen:
            self._seen.add(alike)
            test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
            kept |= {"test": test, "asked": asked, "body": content.decode()}
        with (self._folder / f"{os.getpid()}.ndjson").open("a") as file:
            file.write(json.dumps(kept) + "\n")


class _Answer:
    """One response as it is sent."""

    def __init__(self, send: Any) -> None:
        self._send = send
        self._status = 0
        self._headers: dict[bytes, bytes] = {}
        self._parts: list[bytes] = []
        self._whole = False

    async def send(self, message: Message) -> None:
        """Send on, and remember."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = dict(message.get("headers", ()))
        elif message["type"] == "http.response.body":
            self._parts.append(message.get("body", b""))
            self._whole = not message.get("more_body", False)
        await self._send(message)

    def fhir(self) -> bytes | None:
        """The body, if it came to its end and is a resource."""
        if not self._whole or b"json" not in self._headers.get(b"content-type", b""):
            return None
        body = b"".join(self._parts)
        if self._headers.get(b"content-encoding") == b"gzip":
            body = gzip.decompress(body)
        return body if _is_resource(body) else None

    @property
    def status(self) -> int:
        """As HTTP has it."""
        return self._status


def _is_resource(body: bytes) -> bool:
    try:
        found = json.loads(body)
    except ValueError:
        return False
    return isinstance(found, dict) and isinstance(found.get("resourceType"), str)


def likeness(body: str) -> str:
    """The body with one name, moment and cursor in the place of each that the server made up."""
    for made, instead in _MADE:
        body = made.sub(instead, body)
    return body


def listen(recorder: Recorder) -> None:
    """From now on every FHIR answer of an application in this process goes to the recorder as well."""
    before = FastAPI.__call__

    async def call(self: FastAPI, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await before(self, scope, receive, send)
            return
        answer = _Answer(send)
        try:
            await before(self, scope, receive, answer.send)
        finally:
            if (body := answer.fhir()) is not None:
                recorder.take(f"{scope['method']} {scope['path']} {answer.status}", body)

    FastAPI.__call__ = call  # type: ignore[method-assign]


@contextmanager
def recording(folder: Path) -> Iterator[None]:
    """Every FHIR answer of an application in this process, or in one that is started from it, is kept in the folder."""
    before, kept = FastAPI.__call__, {name: os.environ.get(name) for name in (FOLDER, "PYTHONPATH")}
    path = (str(_STARTED), str(_ROOT), *filter(None, [kept["PYTHONPATH"]]))
    os.environ |= {FOLDER: str(folder.resolve()), "PYTHONPATH": os.pathsep.join(path)}
    listen(Recorder(folder))
    try:
        yield
    finally:
        FastAPI.__call__ = before  # type: ignore[method-assign]
        for name, value in kept.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})

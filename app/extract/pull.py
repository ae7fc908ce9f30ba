"""Pulls a bulk export into a directory: kick-off, status, every file, and again from where it stopped.

https://hl7.org/fhir/uv/bulkdata/STU2/export.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson

from app.errors import HallpassError, Kind
from app.extract.server import ATTEMPTS, BUSY, Server, document
from app.extract.state import NAME, PART, State, load, mend, replace, save

MANIFEST = "manifest.json"
_FILE = re.compile(r"[A-Za-z]+(-[0-9]+)?\.ndjson")
Tell = Callable[[str, int, int | None], None]
"""What is being done, how much of it is done, and of how much."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a directory holds in the end: lines by file, and the moment to ask from the next time."""

    files: dict[str, int]
    transaction_time: str


class Pull:
    """One export into one directory."""

    def __init__(self, server: Server, folder: Path, client: str, request: dict[str, str], tell: Tell) -> None:
        self._server, self._folder, self._tell = server, folder, tell
        self._fresh = State(server.base, client, request)
        self._state = self._fresh

    async def run(self) -> Pulled:
        """Pull to the end; answers what there is. Raises HallpassError where it cannot go on: run it again then."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._state = self._found()
        manifest = await self._manifest()
        listed = [part["url"] for kind in ("output", "deleted", "error") for part in manifest.get(kind, [])]
        for number, url in enumerate(listed):
            self._tell("Fetching", number, len(listed))
            name = _name(url)
            if name not in self._state.done:
                self._state.done[name] = await self._file(url, name)
                save(self._folder, self._state)
        self._tell("Fetching", len(listed), len(listed))
        replace(self._folder / MANIFEST, orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
        await self._server.ask("DELETE", self._state.status)  # it takes room there until then
        (self._folder / NAME).unlink()
        return Pulled(dict(self._state.done), str(manifest["transactionTime"]))

    def _found(self) -> State:
        """The pull that the directory holds, or a new one. Raises HallpassError where it holds another."""
        held = load(self._folder)
        if held is None:
            if any(self._folder.glob("*.ndjson")):
                text = f"{self._folder} holds the files of an export that is complete. Name another directory."
                raise HallpassError(Kind.CONFLICT, text)
            return self._fresh
        if (held.server, held.client, held.request) != (self._fresh.server, self._fresh.client, self._fresh.request):
            text = f"{self._folder} holds part of another export. Name another directory, or remove {NAME} there."
            raise HallpassError(Kind.CONFLICT, text)
        return held

    async def _manifest(self) -> dict[str, Any]:
        """The manifest, once the export is complete. One that is gone on the server is begun again."""
        attempt = 0
        while True:
            if not self._state.status:
                await self._begin()
            answer = await self._server.ask("GET", self._state.status)
            if answer.status_code == httpx.codes.NOT_FOUND and attempt < ATTEMPTS:
                self._forget()
            elif answer.status_code == httpx.codes.ACCEPTED:
                self._tell(f"Choosing: {answer.headers.get('X-Progress', '')[:100]}", 0, None)
                await self._server.pause(0, answer)
                continue
            else:
                return document(answer)
            attempt += 1

    async def _begin(self) -> None:
        query = {k: v for k, v in self._state.request.items() if k != "path"}
        answer = await self._server.ask("GET", f"{self._server.base}/{self._state.request['path']}", query)
        place = answer.headers.get("Content-Location", "")
        if answer.status_code != httpx.codes.ACCEPTED or not place:
            document(answer)
            raise HallpassError(Kind.INVALID, "The exchange did not start an export.")
        self._state.status = place
        save(self._folder, self._state)

    def _forget(self) -> None:
        """What came of an export that is gone: the next one brings it again."""
        for name in [*self._state.done, *(p.name for p in self._folder.glob(f"*{PART}"))]:
            (self._folder / name).unlink(missing_ok=True)
        self._state.status, self._state.done = "", {}
        save(self._folder, self._state)

    async def _file(self, url: str, name: str) -> int:
        """Fetch a file, from where it broke off; answers its lines."""
        part, whole = self._folder / f"{name}{PART}", self._folder / name
        if whole.exists():  # it was killed before it kept that
            return mend(whole)[0]
        part.touch(mode=0o600)
        attempt, before = 0, -1
        while True:
            lines, last = mend(part)
            attempt = 0 if lines > before else attempt + 1
            before = lines
            if attempt == ATTEMPTS:
                raise HallpassError(Kind.UNAVAILABLE, f"{name} cannot be fetched now. Run it again: it goes on there.")
            if lines and not last:  # what names no record is short, and begun again
                part.write_bytes(b"")
            try:
                async with self._server.lines(url, {"_after": last} if last else {}) as answer:
                    if answer.status_code in BUSY:
                        await self._server.pause(attempt, answer)
                        continue
                    if not answer.is_success:
                        await answer.aread()
                        document(answer)
                    with part.open("ab") as file:
                        async for chunk in answer.aiter_bytes():
                            file.write(chunk)
            except (httpx.RequestError, httpx.HTTPStatusError):
                await self._server.pause(attempt, None)
                continue
            lines, _ = mend(part)
            part.rename(whole)
            return lines


def _name(url: str) -> str:
    """The name under which a file is kept. Raises HallpassError for one that would lead out of the directory."""
    name = url.rpartition("/")[2]
    if not _FILE.fullmatch(name):
        raise HallpassError(Kind.INVALID, f"The exchange names a file {name!r}, which is not [type]-[number].ndjson.")
    return name

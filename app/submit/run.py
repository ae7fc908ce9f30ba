"""Takes a submission from where it stands: manifests are read, their files fetched, and line after line is taken.

It may be killed at any time. A line and what became of it are one transaction, so none is taken twice or left out.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from itertools import islice
from typing import IO, Any
from urllib.parse import urljoin
from uuid import UUID

import orjson

from app.auth.addresses import MAX_URL
from app.caller import Caller
from app.errors import HallpassError, Kind
from app.exchange.bulk import submission, taken
from app.exchange.bulk.callers import unpacked
from app.exchange.bulk.taken import Gone, SubmittedFile
from app.exchange.bulk.taking import Place, Taker
from app.exchange.service import AccessService
from app.keyring import Keyring, WrongKey
from app.resources import TYPES, Visibility
from app.settings import Settings
from app.submit.fetch import MOST_FILE, MOST_MANIFEST, Fetcher, NotFetched

WINDOW = 16
"""Lines that are taken at once; those of them that refer to each other are taken again one by one."""
TRANSIENT = frozenset({Kind.UNAVAILABLE, Kind.TOO_MANY})
_RANK = {"Organization": -1, "Patient": 1, "RelatedPerson": 2, "ServiceRequest": 3, "Task": 5, "Consent": 6}
TOO_MANY = f"A submission has at most {submission.MOST_FILES} files and manifests. Send the rest in another."
CHANGED = "The file is not what it was when it was begun. Send it in another submission."


async def steps(
    service: AccessService, settings: Settings, fetcher: Fetcher, payload: dict[str, Any]
) -> AsyncIterator[bool]:
    """Take what waits, some lines at a time, and say where a file is at its end. Raises what is transient: run again,
    it goes on."""
    run = _Run(service, settings, fetcher, unpacked(payload["caller"]), UUID(payload["submission"]))
    while (file := await run.due()) is not None:
        async for _ in run.take(file):
            yield False
        yield True


class _Run:
    def __init__(self, service: AccessService, settings: Settings, fetcher: Fetcher, caller: Caller, id: UUID) -> None:
        self._service, self._settings, self._fetcher = service, settings, fetcher
        self._caller, self._id = caller, id

    async def due(self) -> SubmittedFile | None:
        """The next file: manifests first, then by what others refer to. What was uploaded waits for the end."""
        found = await taken.waiting(self._service, self._caller, self._id)
        return min(found, key=lambda f: (f.kind != "manifest", _rank(f.type), f.n), default=None)

    async def take(self, file: SubmittedFile) -> AsyncIterator[None]:
        """Take a file to its end, or say why it cannot be."""
        problem = None
        try:
            with tempfile.TemporaryFile() as held:
                digest = await self._content(file, held)
                same = await taken.begin(self._service, self._caller, self._id, file.n, digest)
                if not same and file.kind == "lines":
                    raise NotFetched(CHANGED)
                held.seek(0)
                if file.kind == "manifest":
                    listed = _listed(file, held.read())
                    if not await taken.list_files(self._service, self._caller, self._id, file, listed):
                        raise NotFetched(TOO_MANY)
                else:
                    async for _ in self._lines(file, held):
                        yield
        except NotFetched as e:
            problem = str(e)
        except Gone:
            return
        await taken.end(self._service, self._caller, self._id, file.n, problem)

    async def _content(self, file: SubmittedFile, into: IO[bytes]) -> str:
        if file.url is None:
            content = await taken.uploaded(self._service, self._caller, self._id, file.n)
            into.write(content)
            return sha256(content).hexdigest()
        most = MOST_MANIFEST if file.kind == "manifest" else MOST_FILE
        return await self._fetcher.fetch(file.url, self._headers(file), into, most)

    def _headers(self, file: SubmittedFile) -> dict[str, str]:
        if not file.headers:
            return {}
        try:
            found = orjson.loads(Keyring.of(self._settings).open(submission.JOB, file.headers))
        except WrongKey:
            raise NotFetched("The headers to fetch it with cannot be opened any more. Send it again.") from None
        return {str(k): str(v) for k, v in found.items()}

    async def _lines(self, file: SubmittedFile, held: IO[bytes]) -> AsyncIterator[None]:
        place = Place(self._id, file.n, file.base, file.type)
        taker = Taker(self._service, self._caller, self._settings, place)
        numbered = enumerate(_bounded(held, self._settings.max_body_bytes), 1)
        for _ in islice(numbered, file.line):
            pass
        while window := list(islice(numbered, WINDOW)):
            done = await taken.noted(self._service, self._caller, self._id, file.n, window[0][0] - 1, window[-1][0])
            await self._window(taker, [(n, raw) for n, raw in window if n not in done and raw.strip()])
            await taken.reach(self._service, self._caller, self._id, file.n, window[-1][0])
            yield

    async def _window(self, taker: Taker, lines: list[tuple[int, bytes]]) -> None:
        """Take lines at once, and those that failed once more, in order: they may refer to one beside them."""
        found = await asyncio.gather(*(_tried(taker, n, raw) for n, raw in lines))
        for (n, raw), error in zip(lines, found, strict=True):
            again = await _tried(taker, n, raw) if error else None
            if again is not None:
                await taker.refuse(n, raw, again)


async def _tried(taker: Taker, number: int, raw: bytes) -> HallpassError | None:
    """Take a line; answers what is wrong with it. Raises what is wrong with the exchange, for another run."""
    try:
        await taker.take(number, raw)
    except HallpassError as e:
        if e.kind in TRANSIENT or e.kind is Kind.LOGIN:
            raise
        return e
    return None


def _listed(file: SubmittedFile, content: bytes) -> list[tuple[str, str]]:
    """Type and address of each file of a manifest. Raises NotFetched for what is none."""
    try:
        manifest = orjson.loads(content)
        listed = manifest["output"]
        found = [(str(part["type"]), urljoin(str(file.url), str(part["url"]))) for part in listed]
    except (KeyError, TypeError, ValueError):
        raise NotFetched("The manifest is none: it lists files in output, each with type and url.") from None
    if not all(len(url) <= MAX_URL and url.isprintable() for _, url in found):
        raise NotFetched(f"The manifest lists an address that is none, or has more than {MAX_URL} characters.")
    strange = sorted({t for t, _ in found} - TYPES.keys())
    if strange:
        raise NotFetched(f"The manifest lists {strange[0][:40]}, which is not served here.")
    return found


def _bounded(held: IO[bytes], most: int) -> Iterator[bytes]:
    """The lines of a file, of one that is too long no more than its beginning."""
    while line := held.readline(most + 2):
        yield line
        while not line.endswith(b"\n") and (line := held.readline(1_000_000)):
            pass


def _rank(name: str | None) -> int:
    declared = TYPES.get(name or "")
    if declared is None:
        return 4
    return _RANK.get(declared.name, 0 if declared.visibility is Visibility.DIRECTORY else 4)

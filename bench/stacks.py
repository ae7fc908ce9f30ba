"""What py-spy saw of a process, summed up by layer and by function. https://github.com/benfred/py-spy

A sample belongs to the innermost of its frames that lies in a layer: what json, re or pydantic do is on the account of
whoever called them. Compiled code has no frames of its own: the sockets of uvloop and the protocol of asyncpg show as
the event loop, orjson and httptools as who calls them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

LAYERS = {
    "authentication": ("app/auth/",),
    "exchange and ledger": ("app/consent/", "app/exchange/", "app/projections/", "app/ledger/"),
    "FHIR: JSON, validation, search": (
        "app/fhir/", "app/search/", "app/resources/", "app/capability/", "fhir/", "fhirpathpy/", "fhir_core/",
    ),
    "database, SQLAlchemy, asyncpg": ("app/db/", "sqlalchemy/", "asyncpg/"),
    "routes": ("app/",),
    "uvicorn, Starlette, FastAPI": ("uvicorn/protocols/", "uvicorn/middleware/", "starlette/", "fastapi/"),
    "event loop, sockets": ("uvloop/", "asyncio/", "uvicorn/"),
}  # fmt: skip
"""Each layer, and the beginnings of its files' names; the first that fits."""
OTHER = "other"
_FRAME = re.compile(r"^(?P<function>.*) \((?P<file>[^()]*?)(?::\d+)?\)$")
_LIBRARY = re.compile(r"^.*/(?:site-packages|python3\.\d+)/")


@dataclass(frozen=True, slots=True)
class Frame:
    """A function, and its file as a package names it."""

    function: str
    file: str


def samples(raw: str, home: str) -> Iterator[tuple[list[Frame], int]]:
    """The stacks in py-spy's `raw` format, outermost first, and how often each was seen; `home` holds `app`."""
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        if stack and count.isdigit():
            yield [_frame(text, home) for text in stack.split(";")], int(count)


def _frame(text: str, home: str) -> Frame:
    found = _FRAME.match(text)
    if found is None:
        return Frame(text, "")
    file = _LIBRARY.sub("", found["file"])
    return Frame(found["function"], file.removeprefix(home.rstrip("/") + "/"))


def layer(stack: list[Frame]) -> str:
    """The layer that a sample belongs to."""
    for frame in reversed(stack):
        for name, files in LAYERS.items():
            if frame.file.startswith(files):
                return name
    return OTHER


def by_layer(raw: str, home: str) -> dict[str, float]:
    """The share of each layer, between 0 and 1, in the order of LAYERS."""
    found: Counter[str] = Counter()
    for stack, count in samples(raw, home):
        found[layer(stack)] += count
    return {name: found[name] / max(1, found.total()) for name in (*LAYERS, OTHER)}


def heaviest(raw: str, home: str, most: int) -> list[tuple[str, float]]:
    """The functions that most samples were in, without what they called, and the share of each."""
    found: Counter[str] = Counter()
    for stack, count in samples(raw, home):
        found[f"{stack[-1].file}: {stack[-1].function}"] += count
    return [(name, count / found.total()) for name, count in found.most_common(most)]

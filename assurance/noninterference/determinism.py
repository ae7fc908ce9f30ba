"""Ids, secrets and clocks as functions of a step's label and time, so that two worlds give the same object one id.

The product has no hook for this: what its modules took from `uuid`, `secrets`, `time` and `datetime` is replaced
while the prover runs. Whatever a step draws depends on the step and on how many ids the step drew before; so a world
that draws one more because of hidden data gives itself away by the next id.
"""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from hashlib import sha256
from importlib import import_module
from itertools import count
from pkgutil import walk_packages
from types import ModuleType
from typing import Any
from uuid import UUID, uuid4

import pytest

import app

EPOCH = datetime(2026, 10, 1, 12, tzinfo=UTC)
"""When the worlds begin."""


class Source:
    """What is drawn within one step."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._numbers = count()

    def draw(self) -> bytes:
        """The next 32 bytes."""
        return sha256(f"{self._label}/{next(self._numbers)}".encode()).digest()


_source: ContextVar[Source | None] = ContextVar("source", default=None)


@contextmanager
def drawing(label: str) -> Iterator[None]:
    """Ids that are drawn inside come from this label."""
    token = _source.set(Source(label))
    try:
        yield
    finally:
        _source.reset(token)


@dataclass
class Clock:
    """The time of both worlds, in seconds since EPOCH."""

    seconds: int = 0
    _looks: int = 0

    @property
    def now(self) -> datetime:
        """The moment."""
        return EPOCH + timedelta(seconds=self.seconds)

    def time(self) -> float:
        """The moment in seconds of the epoch, as time.time() gives it."""
        return self.now.timestamp()

    def apart(self) -> float:
        """A minute later than at the last look: what is done once in a while is done each time, in both worlds."""
        self._looks += 1
        return self._looks * 60.0


@contextmanager
def deterministic(clock: Clock) -> Iterator[None]:
    """While inside, the application's modules draw ids from the step, and read this clock.

    All of them are imported first: one that a server imports as it starts would draw ids of its own.
    """
    for module in walk_packages(app.__path__, f"{app.__name__}."):
        import_module(module.name)
    with pytest.MonkeyPatch.context() as patch:
        for imported in [m for name, m in sys.modules.items() if name.partition(".")[0] == app.__name__]:
            _fix(patch, imported, clock)
        yield


def _fix(patch: pytest.MonkeyPatch, module: ModuleType, clock: Clock) -> None:
    found = vars(module)
    if found.get("uuid4") is uuid4:
        patch.setattr(module, "uuid4", _uuid)
    if found.get("secrets") is secrets:
        patch.setattr(module, "secrets", _Instead(secrets, token_urlsafe=_token))
    if found.get("time") is time:
        patch.setattr(module, "time", _Instead(time, time=clock.time, monotonic=clock.apart))
    if found.get("datetime") is datetime:
        patch.setattr(module, "datetime", _frozen(clock))


class _Instead:
    """A module of which some functions are replaced."""

    def __init__(self, module: ModuleType, **functions: Any) -> None:
        self._module = module
        self.__dict__.update(functions)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def _uuid() -> UUID:
    source = _source.get()
    return UUID(bytes=source.draw()[:16], version=4) if source else uuid4()


def _token(size: int = 24) -> str:
    source = _source.get()
    return source.draw().hex()[:size] if source else secrets.token_urlsafe(size)


def _frozen(clock: Clock) -> type[datetime]:
    """datetime whose `now` is the clock's; what was made before is an instance of it as well."""

    class Kind(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, datetime)

    class Frozen(datetime, metaclass=Kind):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return clock.now.astimezone(tz)

    return Frozen

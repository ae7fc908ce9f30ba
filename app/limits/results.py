"""How much one request may be given: bytes and records. What is beyond is asked for in another request. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.errors import HallpassError, Kind
from app.settings import Settings


@dataclass(slots=True)
class Budget:
    """What is left for one request."""

    bytes: int
    records: int

    @classmethod
    def of_batch(cls, settings: Settings) -> Budget:
        """Of a batch, which is answered entry by entry."""
        return cls(settings.max_batch_bytes, settings.max_released)

    @classmethod
    def of_whole(cls, settings: Settings) -> Budget:
        """Of what is answered as a whole."""
        return cls(settings.max_result_bytes, settings.max_released)

    def require_left(self) -> None:
        """Raise TOO_COSTLY where nothing is left."""
        if self.bytes <= 0 or self.records <= 0:
            text = "This request has been given as much as one request may be. Ask for the rest in another."
            raise HallpassError(Kind.TOO_COSTLY, text)

    def spend(self, size: int, records: int) -> None:
        """Count what is given."""
        self.bytes -= size
        self.records -= records

    def require(self, size: int, records: int) -> None:
        """Count what is about to be given as a whole. Raises TOO_COSTLY where it is more than is left."""
        self.spend(size, records)
        if self.bytes < 0 or self.records < 0:
            raise too_large()


def too_large() -> HallpassError:
    """The one error of an answer that would hold too much."""
    text = "The answer would hold more than one answer may. Ask for less: fewer entries, or smaller pages."
    return HallpassError(Kind.TOO_COSTLY, text)


def fitting(sizes: Sequence[int], most: int) -> int:
    """How many of these, from the first on, are within `most` bytes together; one at the least."""
    left = most
    for n, size in enumerate(sizes):
        left -= size
        if left < 0:
            return max(1, n)
    return len(sizes)

"""Decks: every kind of thing that can be asked is drawn before any is drawn again, and what was not is told."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class Deck(Generic[T]):
    """Cards in a shuffled order, shuffled anew when all are drawn."""

    def __init__(self, rng: Random, cards: Iterable[T]) -> None:
        self._rng = rng
        self._cards = list(cards)
        self._left: list[T] = []
        self._drawn: set[T] = set()

    def draw(self) -> T:
        """The next card."""
        if not self._left:
            self._left = self._rng.sample(self._cards, len(self._cards))
        card = self._left.pop()
        self._drawn.add(card)
        return card

    @property
    def missing(self) -> list[T]:
        """The cards that were never drawn."""
        return [c for c in self._cards if c not in self._drawn]

    def __len__(self) -> int:
        return len(self._cards)

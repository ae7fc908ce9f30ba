"""SMART scopes of a backend service: reading them, what they allow, what a client gets of what it asks. Pure.
https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from app.errors import HallpassError, Kind

LETTERS = "cruds"
V1 = {"read": "rs", "write": "cud", "*": "cruds"}
ANY = "*"
_SYSTEM = re.compile(r"system/(\*|[A-Z][A-Za-z]{1,63})\.(read|write|\*|c?r?u?d?s?)(?:\?([!#-\[\]-~]+))?")


@dataclass(frozen=True, slots=True)
class Scope:
    """A permission: letters of `cruds`, in that order, on a resource type or on any (`*`).

    `query` is what a v2 scope narrows itself by. `EMERGENCY` alone has no letters.
    """

    type: str
    letters: str
    query: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        """The scope in its v2 spelling."""
        if self == EMERGENCY:
            return EMERGENCY_TEXT
        return f"system/{self.type}.{self.letters}" + (f"?{urlencode(self.query)}" if self.query else "")


EMERGENCY = Scope("emergency", "")
"""The right to ask under an emergency: the network's own scope, for the clients registered for it."""
EMERGENCY_TEXT = "hallpass/emergency"


@dataclass(frozen=True, slots=True)
class Granted:
    """What a client got: the scopes, and their spelling for the token response. Nothing granted: both empty."""

    scopes: frozenset[Scope]
    text: str


def parse_scope(text: str) -> Scope:
    """The Scope that `text` spells in v1 or v2.

    Raises HallpassError(INVALID) for one that a backend service has no use of (`user/`, `patient/`, `openid`),
    or whose letters are out of order.
    """
    if text == EMERGENCY_TEXT:
        return EMERGENCY
    match = _SYSTEM.fullmatch(text)
    if not match or not match[2] or (match[2] in V1 and match[3] is not None):
        raise _not_a_scope()
    try:
        query = parse_qsl(match[3] or "", keep_blank_values=True, strict_parsing=match[3] is not None)
    except ValueError:
        raise _not_a_scope() from None
    return Scope(match[1], V1.get(match[2], match[2]), tuple(query))


def allows(scopes: Iterable[Scope], type_name: str, letter: str) -> bool:
    """Whether one of `scopes` permits the interaction `letter` (one of c, r, u, d, s) on every resource of a type."""
    return len(letter) == 1 and any(letter in s.letters and s.type in (ANY, type_name) and not s.query for s in scopes)


def grant(asked: str, held: frozenset[Scope]) -> Granted:
    """The intersection of the space-separated scopes `asked` with those `held`, in the order of asking.

    What cannot be had is left out, as RFC 6749 3.3 permits: what is not held, what is not for a backend service,
    and scopes with a query, which the exchange cannot narrow by. A v1 scope is answered in v1 where what was
    granted of it is that whole permission on the type.
    """
    texts: dict[str, Scope] = {}
    for text in dict.fromkeys(asked.split(" ")):
        for scope in _had(text, held):
            texts[_spelled(scope, text)] = scope
    return Granted(frozenset(texts.values()), " ".join(texts))


def _had(text: str, held: frozenset[Scope]) -> list[Scope]:
    """The part of one asked scope that is held, as scopes of distinct types, the wildcard first."""
    try:
        wanted = parse_scope(text)
    except HallpassError:
        return []
    if wanted == EMERGENCY:
        return [EMERGENCY] if EMERGENCY in held else []
    if wanted.query:
        return []
    types = {s.type for s in held if s != EMERGENCY} if wanted.type == ANY else {wanted.type}
    letters = {t: "".join(x for x in wanted.letters if allows(held, t, x)) for t in types}
    everywhere = letters.get(ANY, "")
    return [Scope(t, x) for t, x in sorted(letters.items()) if x and (t == ANY or x != everywhere)]


def _spelled(scope: Scope, asked: str) -> str:
    """The scope's text, in the asking scope's v1 word where it means just that."""
    word = asked.rpartition(".")[2]
    return f"system/{scope.type}.{word}" if V1.get(word) == scope.letters else scope.text


def _not_a_scope() -> HallpassError:
    return HallpassError(Kind.INVALID, "A scope must be system/Type.letters, with letters of cruds in that order.")

"""Links, one-time codes and passes. Each is bound to one partner and one referral's Task, and expires. Pure.

A link is not enough: behind it a code goes to the registered address, and the code gives a pass, which the browser
keeps for half an hour. The key is derived from the server's, so that every process reads them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from hashlib import sha256

from app import one_time
from app.keyring import Keyring, WrongKey

LINK_SECONDS = 14 * 86_400
PASS_SECONDS = 1_800
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,1024}")
"""What base64 would skip is no part of a token: it goes into a header and a path."""
_LINK, _PASS = "partner link", "partner pass"


@dataclass(frozen=True, slots=True)
class Link:
    """Whose link it is, and to which Task."""

    client: str
    task: str
    until: int


class Links:
    """Makes and reads them by the server's key."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._codes = keyring.derive("partner codes")

    def link(self, client: str, task: str, now: float) -> str:
        """A link's token, good for two weeks."""
        return self._seal(_LINK, Link(client, task, int(now) + LINK_SECONDS))

    def read_link(self, token: str, now: float) -> Link | None:
        """What a link is to; None for one that is not ours, or has expired."""
        return self._open(_LINK, token, now)

    def code(self, link: Link, now: float, *, ago: int = 0) -> str:
        """The code of a link in a stretch of ten minutes, or one before."""
        return one_time.code(self._codes, mark(link), now, ago=ago)

    def fits(self, link: Link, code: str, now: float) -> bool:
        """Whether a code is the link's, of this stretch or the one before."""
        return one_time.fits(self._codes, mark(link), code, now)

    def permit(self, link: Link, now: float) -> str:
        """A pass, for who has shown the code."""
        return self._seal(_PASS, Link(link.client, link.task, min(link.until, int(now) + PASS_SECONDS)))

    def permits(self, link: Link, given: str, now: float) -> bool:
        """Whether a pass is one for this link."""
        found = self._open(_PASS, given, now)
        return found is not None and (found.client, found.task) == (link.client, link.task)

    def _seal(self, use: str, link: Link) -> str:
        return self._keyring.seal(use, json.dumps([link.client, link.task, link.until])).rstrip("=")

    def _open(self, use: str, token: str, now: float) -> Link | None:
        if not _TOKEN.fullmatch(token):
            return None
        try:
            found = Link(*json.loads(self._keyring.open(use, token + "=" * (-len(token) % 4))))
        except (WrongKey, ValueError):
            return None
        return found if now < found.until else None


def mark(link: Link) -> str:
    """By which what was done with a partner's links to a Task is remembered, however a link is spelled."""
    return sha256(f"{link.client}\0{link.task}".encode()).hexdigest()[:32]

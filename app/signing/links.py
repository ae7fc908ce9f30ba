"""Links, codes and passes of who signs. Each is for one person, one release and one act, and expires. Pure.

A link is sealed by the server's key, and stands nowhere in the database. It is not enough by itself: a code goes to the
contact on file, or is given out in the office, and gives a pass, which the browser keeps for half an hour.
"""

from __future__ import annotations

import hmac
import json
import re
from dataclasses import astuple, dataclass
from hashlib import sha256
from typing import Any

from app import one_time
from app.keyring import Keyring, WrongKey

SIGN, END = "sign", "end"
MAIL, OFFICE = "mail", "office"
LINK_SECONDS = {SIGN: 14 * 86_400, END: 366 * 86_400}
OFFICE_SECONDS = 1_800
"""A link that is signed in the office is for now."""
PASS_SECONDS = 1_800
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,1024}")
_LINK, _PASS = "signing link", "signing pass"


@dataclass(frozen=True, slots=True)
class Link:
    """Who sent it (a client of the custodian's), to which Consent, for whom, for what, and how they prove themselves.

    `signer` is a reference. `language` is the one that it opens in.
    """

    client: str
    consent: str
    signer: str
    act: str
    proof: str
    language: str
    until: int

    @property
    def mark(self) -> str:
        """By which what was done with links to one act is remembered, however a link is spelled."""
        told = "\0".join((self.client, self.consent, self.signer, self.act, self.proof))
        return sha256(told.encode()).hexdigest()[:32]


class Links:
    """Makes and reads them by the server's key."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._codes = keyring.derive("signing codes")

    def token(self, link: Link) -> str:
        """A link as it stands in an address."""
        return self._seal(_LINK, list(astuple(link)))

    def read(self, token: str, now: float) -> Link | None:
        """What a link is to; None for one that is not ours, or has expired."""
        try:
            link = Link(*self._open(_LINK, token))
        except (WrongKey, ValueError, TypeError):
            return None
        return link if now < link.until else None

    def code(self, link: Link, now: float) -> str:
        """The code of a link now."""
        return one_time.code(self._codes, link.mark, now)

    def fits(self, link: Link, code: str, now: float) -> bool:
        """Whether a code is the link's."""
        return one_time.fits(self._codes, link.mark, code, now)

    def permit(self, link: Link, now: float) -> str:
        """A pass, for who has shown the code."""
        return self._seal(_PASS, [link.mark, int(now) + PASS_SECONDS])

    def permits(self, link: Link, given: str, now: float) -> bool:
        """Whether a pass is one for this link."""
        try:
            mark, until = self._open(_PASS, given)
        except (WrongKey, ValueError, TypeError):
            return False
        return bool(mark == link.mark and now < until)

    def form_token(self, given: str) -> str:
        """What a form carries, so that another site cannot send it: bound to the browser's own pass."""
        return hmac.digest(self._keyring.derive("signing forms"), given.encode(), sha256).hex()

    def _seal(self, use: str, told: list[object]) -> str:
        return self._keyring.seal(use, json.dumps(told)).rstrip("=")

    def _open(self, use: str, token: str) -> list[Any]:
        if not _TOKEN.fullmatch(token):
            raise ValueError(use)
        found: list[Any] = json.loads(self._keyring.open(use, token + "=" * (-len(token) % 4)))
        return found

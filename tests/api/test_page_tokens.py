"""Page tokens tell nothing and open only for whom and for what they were made. http.html#paging"""

from __future__ import annotations

from base64 import urlsafe_b64decode

import pytest

from app.api.page_tokens import PageTokens
from app.errors import HallpassError

TEXT = "2026-09-15T10:00:00.123456+00:00 c757873d-ec9a-4326-a141-556f43239520 7"
TOKENS = PageTokens(b"k" * 32)


def test_a_token_opens_for_its_query_and_says_nothing_of_what_it_holds() -> None:
    token = TOKENS.sign(TEXT, "client Patient?")
    raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    assert TOKENS.verify(token, "client Patient?") == TEXT
    assert not [word for word in TEXT.split() if len(word) > 1 and word.encode() in raw]


@pytest.mark.parametrize(
    "change",
    [lambda t: t[:-1], lambda t: f"{t}A", lambda t: ("B" if t[0] == "A" else "A") + t[1:], lambda t: "", lambda t: "é"],
)
def test_an_altered_token_is_refused(change: object) -> None:
    token = TOKENS.sign(TEXT, "a")
    assert callable(change)
    with pytest.raises(HallpassError):
        TOKENS.verify(change(token), "a")
    with pytest.raises(HallpassError):
        TOKENS.verify(token, "b")
    with pytest.raises(HallpassError):
        PageTokens(b"o" * 32).verify(token, "a")

"""Version numbers and tokens by the order in which they are first met: names instead of numbers.

A version that the caller may not see shifts the numbers of those it may (docs: a version id is an id), and the
signature of a token is random. Nothing else is renamed: ids, times, links and cursors are compared as they are. The
n-th number that is met of a resource becomes that resource's name n; that hides how great the numbers are and no
more: which versions there are, their order and their content are compared.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tests.prove.wire import Response

_ID = rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_PLACES = re.compile(
    rb'"fullUrl":\s*"[^"]*/(?P<url>' + _ID + rb')"'
    rb'|"id":\s*"(?P<own>' + _ID + rb')",\s*"meta":\s*\{\s*"versionId":\s*"(?P<version>\d+)'
    rb"|(?P<of>" + _ID + rb")/_history/(?P<named>\d+)"
    rb"|(?P<paged>" + _ID + rb")/_history\?_count=\d+&_before=(?P<before>\d+)"
    rb'|"etag":\s*"W/\\"(?P<etag>\d+)'
    rb"|(?P<token>eyJ[\w-]+\.[\w-]+\.[\w-]+)"
)
_NUMBERS = ("version", "named", "before", "etag")
_HOLDER = re.compile(r"\{\{(version|token):([^:}]*):(\d+)\}\}")
_IN_PATH = re.compile(rb".*?/(" + _ID + rb")(?:/|\?|$)")
ABSENT = 999_999
"""The version that a name stands for that was never met."""


@dataclass
class Names:
    """What one world's numbers and tokens are called."""

    versions: dict[str, list[int]] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)

    def plain(self, text: str) -> str:
        """A text of a request with each name replaced by what it stands for in this world."""
        return _HOLDER.sub(lambda m: self._meant(m[1], m[2], int(m[3])), text) if "{{" in text else text

    def _meant(self, kind: str, of: str, n: int) -> str:
        known: list[int] | list[str] = self.versions.get(of, []) if kind == "version" else self.tokens
        return str(known[n]) if n < len(known) else str(ABSENT)

    def normal(self, path: str, response: Response) -> Response:
        """The response with names for numbers. `path` is the request's, for the ETag of what has no body."""
        found = _IN_PATH.match(path.encode())
        about = found[1].decode() if found else ""
        body, about = self._renamed(response.body, about)
        location = response.header("Location")
        if location:
            _, about = self._renamed(location.encode(), about)
        headers = tuple((k, self._header(k, v, about, len(response.body))) for k, v in response.headers)
        return Response(response.status, headers, body)

    def _header(self, name: str, value: str, about: str, length: int) -> str:
        if name.lower() == "etag":
            return re.sub(r"\d+", lambda m: self._version(about, int(m[0])), value)
        if name.lower() == "content-length":  # a number of the body may have one digit more
            return f"{int(value) - length:+d}"
        return self._renamed(value.encode(), about)[0].decode()

    def _renamed(self, body: bytes, about: str) -> tuple[bytes, str]:
        """The text with names, and the id of the first resource in it (or what it was taken to be about)."""
        first: list[str] = []
        current = about

        def rename(match: re.Match[bytes]) -> bytes:
            nonlocal current
            groups = {k: v.decode() for k, v in match.groupdict().items() if v is not None}
            if "token" in groups:
                return self._token(groups["token"]).encode()
            of = next((groups[k] for k in ("url", "own", "of", "paged") if k in groups), current)
            if "url" in groups or "own" in groups:
                current = of
                first.append(of)
            number = next((k for k in _NUMBERS if k in groups), None)
            if number is None:
                return match[0]
            start, end = match.span(number)
            at = match.start()
            return match[0][: start - at] + self._version(of, int(groups[number])).encode() + match[0][end - at :]

        done = _PLACES.sub(rename, body)
        return done, first[0] if first else current

    def _version(self, of: str, number: int) -> str:
        known = self.versions.setdefault(of, [])
        if number not in known:
            known.append(number)
        return f"<{known.index(number)}>"

    def _token(self, text: str) -> str:
        if text not in self.tokens:
            self.tokens.append(text)
        return f"<token {self.tokens.index(text)}>"

    def order(self) -> dict[str, list[int]]:
        """For each resource the names of its versions from the oldest on: equal in equal worlds."""
        return {of: sorted(range(len(known)), key=known.__getitem__) for of, known in self.versions.items()}

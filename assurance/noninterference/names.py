"""Version numbers, tokens and page cursors by the order in which they are first met: names instead of numbers.

A version that the caller may not see shifts the numbers of those it may (a version id is an id), a page cursor can
hold such a number, and the signature of a token is random. Nothing else is renamed: ids, times and links
are compared as they are. The n-th number that is met of a resource becomes that resource's name n; that
hides how great the numbers are and no more: which versions there are, their order and their content are compared.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from uuid import UUID

from assurance.noninterference.wire import Response

_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_PLACES = re.compile(
    rf'"fullUrl":\s*"[^"]*/(?P<url>{_ID})"'
    rf'|"id":\s*"(?P<own>{_ID})",\s*"meta":\s*\{{\s*"versionId":\s*"(?P<version>\d+)'
    rf'|"valueMeta":\s*\{{\s*"versionId":\s*"(?P<meta>\d+)'
    rf"|(?P<of>{_ID})(?:/_history/| version )(?P<named>\d+)"
    r'|"etag":\s*"W/\\"(?P<etag>\d+)'
    r"|-(?P<ground>[0-9a-f]{32})\.(?P<signed>\d+)"
    r"|(?P<token>eyJ[\w-]+\.[\w-]+\.[\w-]+)"
    r"|_cursor=(?P<cursor>[\w-]+)"
)
_NUMBERS = ("version", "meta", "named", "etag", "signed")
_HOLDER = re.compile(r"\{\{(version|token|cursor):([^:}]*):(\d+)\}\}")
_IN_PATH = re.compile(rf".*?/({_ID})(?:/|\?|$)")
ABSENT = 999_999
"""The version that a name stands for that was never met."""


@dataclass
class Names:
    """What one world's numbers, tokens and cursors are called."""

    versions: dict[str, list[int]] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    cursors: list[str] = field(default_factory=list)

    def plain(self, text: str) -> str:
        """A text of a request with each name replaced by what it stands for in this world."""
        return _HOLDER.sub(lambda m: self._meant(m[1], m[2], int(m[3])), text) if "{{" in text else text

    def _meant(self, kind: str, of: str, n: int) -> str:
        lists: dict[str, list[int] | list[str]] = {"token": [*self.tokens], "cursor": [*self.cursors]}
        known = lists.get(kind, self.versions.get(of, []))
        return str(known[n]) if n < len(known) else str(ABSENT)

    def held(self, link: str) -> str:
        """A link with a name in the place of its cursor, so that each world follows its own."""
        return re.sub(r"_cursor=([\w-]+)", lambda m: f"_cursor={{{{cursor::{self.cursors.index(m[1])}}}}}", link)

    def normal(self, path: str, response: Response) -> Response:
        """The response with names for numbers. `path` is the request's, for the ETag of what has no body."""
        found = _IN_PATH.match(path)
        body, about = self._renamed(response.body.decode("utf-8", "backslashreplace"), found[1] if found else "")
        location = response.header("Location")
        if location:
            _, about = self._renamed(location, about)
        headers = tuple(
            (k, self._header(k, v, about, len(response.body)))
            for k, v in response.headers
            if k.lower() != "x-request-id"
        )
        return Response(response.status, headers, body.encode())

    def _header(self, name: str, value: str, about: str, length: int) -> str:
        if name.lower() == "etag":
            value = re.sub(r"(?<=\")\d+", lambda m: self._version(about, int(m[0])), value)
        if name.lower() == "content-length":  # a number of the body may have one digit more
            return f"{int(value) - length:+d}"
        return self._renamed(value, about)[0]

    def _renamed(self, text: str, about: str) -> tuple[str, str]:
        """The text with names, and the id of the first resource in it (or what it was taken to be about)."""
        first: list[str] = []
        current = about

        def rename(match: re.Match[str]) -> str:
            nonlocal current
            groups = {k: v for k, v in match.groupdict().items() if v is not None}
            if "token" in groups:
                return f"<token {_place(self.tokens, groups['token'])}>"
            if "cursor" in groups:
                return f"_cursor=<{self._cursor(groups['cursor'])}>"
            of = str(UUID(groups["ground"])) if "ground" in groups else current
            of = next((groups[k] for k in ("url", "own", "of") if k in groups), of)
            if "url" in groups or "own" in groups:
                current = of
                first.append(of)
            number = next((k for k in _NUMBERS if k in groups), None)
            if number is None:
                return match[0]
            start, end, at = *match.span(number), match.start()
            return match[0][: start - at] + self._version(of, int(groups[number])) + match[0][end - at :]

        done = _PLACES.sub(rename, text)
        return done, first[0] if first else current

    def _version(self, of: str, number: int) -> str:
        return f"<{_place(self.versions.setdefault(of, []), number)}>"

    def _cursor(self, token: str) -> str:
        """A page token's name: it is encrypted, so that where it stands is all that it tells."""
        return f"cursor {_place(self.cursors, token)}"

    def order(self) -> dict[str, list[int]]:
        """For each resource the names of its versions from the oldest on: equal in equal worlds."""
        return {of: sorted(range(len(known)), key=known.__getitem__) for of, known in self.versions.items()}


def _place(known: list[int] | list[str], item: int | str) -> int:
    """The place of an item in the order of first meeting."""
    if item not in known:
        known.append(item)  # type: ignore[arg-type]
    return known.index(item)  # type: ignore[arg-type]

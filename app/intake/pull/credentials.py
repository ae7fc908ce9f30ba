"""How a provider knows us: a fixed token, OAuth 2 client credentials, or OAuth 1.0a. Read from a TOML file.
docs/guides/roster.md

A secret is never on a command line, in a message or in a representation.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeAlias

from app.errors import HallpassError, Issue, Kind


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token that the provider gave once and for all."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class OAuth2:
    """A client that fetches its tokens. `token_url` may be left out where the provider tells it (Ed-Fi)."""

    client_id: str
    secret: str = field(repr=False)
    token_url: str = ""
    scope: str = ""


@dataclass(frozen=True, slots=True)
class OAuth1:
    """A consumer that signs each request."""

    key: str
    secret: str = field(repr=False)


Credentials: TypeAlias = Bearer | OAuth2 | OAuth1
KINDS: dict[str, type[Bearer] | type[OAuth2] | type[OAuth1]] = {
    "bearer": Bearer,
    "oauth2": OAuth2,
    "oauth1": OAuth1,
}
EXPECTED = (
    "It has one table: [bearer] with token; [oauth2] with client_id, secret, token_url and scope;"
    " or [oauth1] with key and secret."
)


def read(path: Path) -> Credentials:
    """The credentials in a file. Raises HallpassError, which never tells what is in it."""
    try:
        return parsed(path.read_text())
    except (OSError, UnicodeDecodeError):
        raise HallpassError(Kind.INVALID, f"The file of credentials {path} cannot be read.") from None


def parsed(text: str) -> Credentials:
    """The credentials that a TOML text states. Raises HallpassError, which never tells what is in it."""
    try:
        held: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise HallpassError(Kind.INVALID, f"The file of credentials is not TOML. {EXPECTED}") from None
    if len(held) != 1 or not (held.keys() <= KINDS.keys()):
        raise HallpassError(Kind.INVALID, f"The file of credentials is of no known kind. {EXPECTED}")
    ((name, given),) = held.items()
    return _of(name, given)


def _of(name: str, given: Any) -> Credentials:
    kind = KINDS[name]
    known = [f.name for f in fields(kind)]
    needed = [n for n in known if n not in ("token_url", "scope")]
    if not isinstance(given, dict) or not all(isinstance(v, str) for v in given.values()):
        raise HallpassError(Kind.INVALID, f"In [{name}] of the file of credentials each value is a text.")
    problems = [f"In [{name}] of the file of credentials {n} is missing." for n in needed if not given.get(n)]
    problems += [f"In [{name}] of the file of credentials {n} is unknown." for n in given if n not in known]
    if problems:
        raise HallpassError(Kind.INVALID, *map(Issue, problems))
    return kind(**given)


def written(credentials: Credentials) -> str:
    """The credentials as TOML, as `parsed` reads them."""
    name = next(n for n, kind in KINDS.items() if isinstance(credentials, kind))
    lines = [f"{f.name} = {_quoted(getattr(credentials, f.name))}" for f in fields(credentials)]
    return "\n".join([f"[{name}]", *lines, ""])


def _quoted(text: str) -> str:
    escaped = "".join(c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08X}" for c in text)
    return f'"{escaped}"'

"""DATABASE_URL as libpq reads it, for our driver: several hosts, TLS files, time-outs.

https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
"""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from sqlalchemy import URL
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from app.db.hosts import connect

DRIVER = "postgresql+asyncpg"
CONNECT_SECONDS = 10
FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl", "passfile")
CHOICES = {
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "target_session_attrs": ("any", "primary", "standby", "read-write", "read-only", "prefer-standby"),
    "pgbouncer": ("false", "true"),
}
TLS = frozenset(
    {
        *(*FILES, "sslmode", "target_session_attrs"),
        *("sslpassword", "sslnegotiation", "ssl_min_protocol_version", "ssl_max_protocol_version"),
        *("krbsrvname", "gsslib", "service", "application_name", "options"),
    }
)
"""What the driver reads from a URL of its own, which travels within ours as `dsn`."""
PLACE = frozenset({"host", "port", "user", "password", "dbname"})
_TIMEOUT = "connect_timeout"
_POOLED = "pgbouncer"
OURS = frozenset({_TIMEOUT, _POOLED})
"""Parameters that the driver does not know."""
_asyncpg: Any = asyncpg
_DIALECT = _asyncpg.dialect()
_WRITABLE = "read-write"


class BadAddress(ValueError):
    """DATABASE_URL cannot be used as it is written. The text holds no password."""


def owner_url(text: str) -> URL:
    """The URL of the owner's role for our driver. Raises BadAddress, which says what is wrong and what to write."""
    try:
        parts = urlsplit(text)
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise BadAddress("it is not a URL. Write postgresql://user:password@host:5432/database") from None
    if parts.scheme not in ("postgresql", "postgres", DRIVER):
        raise BadAddress("it must begin with postgresql://, since Hallpass runs on PostgreSQL 15 or later alone")
    query = {**dict(pairs), **{k: ",".join(v for n, v in pairs if n == k) for k, _ in pairs if k == "host"}}
    _only_known(query)
    login, _, hosts = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    places = _places(query.get("host") or hosts, query.get("port"))
    dsn = query.get("dsn") or _dsn({k: v for k, v in query.items() if k in TLS}, several=len(places) > 1)
    kept: dict[str, str | tuple[str, ...] | None] = {"dsn": dsn, _TIMEOUT: _seconds(query.get(_TIMEOUT))}
    kept[_POOLED] = "true" if query.get(_POOLED) == "true" else None
    alone = places[0] if len(places) == 1 and not places[0][0].startswith("/") else None
    if alone is None and places:
        kept["host"] = places[0][0] if len(places) == 1 else tuple(f"{host}:{port or 5432}" for host, port in places)
        kept["port"] = str(places[0][1]) if len(places) == 1 and places[0][1] else None
    return URL.create(
        DRIVER,
        username=query.get("user") or unquote(user) or None,
        password=query.get("password") or unquote(password) or None,
        host=alone[0] if alone else None,
        port=alone[1] if alone else None,
        database=query.get("dbname") or unquote(parts.path.removeprefix("/")) or None,
        query={k: v for k, v in kept.items() if v},
    )


def open_engine(url: URL, **options: Any) -> AsyncEngine:
    """An engine on a URL of `owner_url`, which gives up on a host that does not answer. Errors quote no value."""
    arguments = {**_ours(url), **options.pop("connect_args", {})}
    if isinstance(url.query.get("host"), tuple):
        whole = {**driver_arguments(url), **arguments}
        options.setdefault("async_creator", lambda: connect(whole))
    return create_async_engine(_plain(url), hide_parameters=True, connect_args=arguments, **options)


def driver_arguments(url: URL) -> dict[str, Any]:
    """What the driver itself is called with for a URL of `owner_url`."""
    return {**_DIALECT.create_connect_args(_plain(url))[1], **_ours(url)}


def pooled(url: URL) -> bool:
    """Whether a pooler stands between that gives each transaction another connection: no prepared statement lasts."""
    return url.query.get(_POOLED) == "true"


def _plain(url: URL) -> URL:
    return url.difference_update_query(OURS)


def _ours(url: URL) -> dict[str, Any]:
    """Without a cache the driver names no statement, and parses it in the message that executes it.

    SQLAlchemy names none either, and what it keeps of one is parsed again likewise.
    https://magicstack.github.io/asyncpg/current/faq.html
    """
    timeout = float(str(url.query.get(_TIMEOUT, CONNECT_SECONDS)))
    return {"timeout": timeout, **({"statement_cache_size": 0} if pooled(url) else {})}


def spelled(url: URL) -> str:
    """Where a URL leads, for people: hosts and database, and never a password."""
    named = url.query.get("host") or f"{url.host or 'localhost'}:{url.port or 5432}"
    return f"{', '.join(named) if isinstance(named, tuple) else named}, database {url.database or url.username}"


def _only_known(query: dict[str, str]) -> None:
    unknown = sorted(set(query) - TLS - PLACE - OURS - {"dsn"})
    if unknown:
        known = ", ".join(sorted(TLS | PLACE | OURS))
        raise BadAddress(f"the parameter {', '.join(unknown)} is not supported; remove it. Supported are: {known}")
    for name in FILES:
        if name in query and not os.access(query[name], os.R_OK):
            raise BadAddress(f"{name} names a file that cannot be read: {query[name]}")
    for name, values in CHOICES.items():
        if query.get(name, values[0]) not in values:
            raise BadAddress(f"{name} must be one of: {', '.join(values)}")


def _places(hosts: str, ports: str | None) -> list[tuple[str, int | None]]:
    """Each host with its port, if one is named. A host that begins with / is the folder of a socket."""
    names = [unquote(h) for h in hosts.split(",")] if hosts else []
    given = ports.split(",") if ports else []
    if given and len(given) not in (1, len(names)):
        raise BadAddress("it names several ports, but not one for each host")
    found = []
    for n, name in enumerate(names):
        host, port = _split(name)
        if not host:
            raise BadAddress("a host is empty. Write host1:5432,host2:5432")
        found.append((host, port or (_port(given[n if len(given) > 1 else 0]) if given else None)))
    return found


def _split(name: str) -> tuple[str, int | None]:
    if name.startswith("["):
        host, _, rest = name[1:].partition("]")
        return host, _port(rest.removeprefix(":")) if rest else None
    if name.startswith("/") or ":" not in name:
        return name, None
    host, _, port = name.rpartition(":")
    return host, _port(port)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65_536:
        raise BadAddress("a port is not a number from 1 to 65535. Write host:5432, and in a password %2F for /")
    return int(text)


def _dsn(parameters: dict[str, str], *, several: bool) -> str | None:
    """The parameters as the driver reads them. Of several hosts the one that takes writes is wanted."""
    if several:
        parameters.setdefault("target_session_attrs", _WRITABLE)
    return f"postgresql://?{urlencode(parameters)}" if parameters else None


def _seconds(text: str | None) -> str | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit():
        raise BadAddress("connect_timeout is not a whole number of seconds")
    return text if int(text) else None  # libpq's 0 is no limit of the caller's: ours stays

"""What a source keeps secret, sealed under its name: the client's private key, and what the provider knows us by."""

from __future__ import annotations

from dataclasses import dataclass, field

import orjson

from app.auth.jose import Jwk
from app.errors import HallpassError, Kind
from app.intake.pull.credentials import Credentials, parsed, written
from app.keyring import Keyring, WrongKey


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets of one source; an inbox has no provider."""

    key: Jwk = field(repr=False)
    credentials: Credentials | None = field(repr=False, default=None)


def sealed(keyring: Keyring, name: str, secrets: Secrets) -> str:
    """The secrets as they are kept."""
    credentials = written(secrets.credentials) if secrets.credentials else ""
    return keyring.seal(_under(name), orjson.dumps({"key": secrets.key, "credentials": credentials}).decode())


def opened(keyring: Keyring, name: str, text: str) -> Secrets:
    """The secrets of a source. Raises HallpassError where they were sealed by another key, or for another source."""
    try:
        held = orjson.loads(keyring.open(_under(name), text))
    except WrongKey:
        told = f"The secrets of {name} cannot be opened with HALLPASS_KEY. Remove the source and add it again."
        raise HallpassError(Kind.INVALID, told) from None
    return Secrets(held["key"], parsed(held["credentials"]) if held["credentials"] else None)


def _under(name: str) -> str:
    return f"sync source {name}"

"""The keys that seal what is secret in the database, and that never are in it: from the environment or a file.

HALLPASS_KEY or HALLPASS_KEY_FILE holds one key or more, 32 bytes each in base64, separated by commas or lines. The
first one seals; each opens. Without either a key is made in the data directory, for a server of one machine.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.settings import Settings, UnsafeSettings

LENGTH = 32
HELP = "`hallpass keys new` prints one"


class WrongKey(Exception):
    """What is sealed was sealed by none of these keys, or under another name."""


class Keyring:
    """Seals and opens texts, and derives keys for other uses."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._fernet = MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])
        self._first = keys[0]

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The keyring that the settings name. Raises UnsafeSettings, which names the variable."""
        if settings.key is not None and settings.key_file is not None:
            raise UnsafeSettings("HALLPASS_KEY and HALLPASS_KEY_FILE are both set: keep one of them")
        if settings.key is not None:
            return cls(_parsed(settings.key.get_secret_value(), "HALLPASS_KEY"))
        if settings.key_file is not None:
            return cls(_parsed(_read(settings.key_file), "HALLPASS_KEY_FILE"))
        return cls(_parsed(_kept(default_file(settings)), str(default_file(settings))))

    def seal(self, name: str, text: str) -> str:
        """The text, sealed under a name."""
        return self._fernet.encrypt(f"{name}\0{text}".encode()).decode()

    def open(self, name: str, sealed: str) -> str:
        """What was sealed under that name. Raises WrongKey."""
        try:
            found, _, text = self._fernet.decrypt(sealed.encode()).decode().partition("\0")
        except InvalidToken as e:
            raise WrongKey from e
        if found != name:
            raise WrongKey
        return text

    def derive(self, use: str) -> bytes:
        """A key of its own for another use, the same in every process."""
        return HKDF(SHA256(), LENGTH, salt=None, info=use.encode()).derive(self._first)


def new() -> str:
    """A key, as HALLPASS_KEY takes it."""
    return base64.b64encode(os.urandom(LENGTH)).decode()


def default_file(settings: Settings) -> Path:
    """Where the key is that was made here."""
    return settings.data_dir.expanduser() / "key"


def _parsed(text: str, variable: str) -> list[bytes]:
    try:
        keys = [
            base64.b64decode(part.strip().replace("-", "+").replace("_", "/"), validate=True)
            for part in text.replace("\n", ",").split(",")
            if part.strip()
        ]
    except ValueError:
        keys = [b""]
    if not keys or any(len(key) != LENGTH for key in keys):
        raise UnsafeSettings(f"{variable}: each key is {LENGTH} bytes in base64; {HELP}")
    return keys


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, ValueError) as e:
        reason = e.strerror if isinstance(e, OSError) else "it is not text"
        raise UnsafeSettings(f"HALLPASS_KEY_FILE: {file} cannot be read: {reason}") from None


def _kept(file: Path) -> str:
    """The key in a file that only its owner can read, made if there is none; of several that make it one wins."""
    try:
        return file.read_text()
    except FileNotFoundError:
        pass
    file.parent.mkdir(parents=True, exist_ok=True)
    made = file.with_name(f"{file.name}.{os.getpid()}")
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
        opened.write(new() + "\n")
        opened.flush()
        os.fsync(opened.fileno())
    try:
        os.link(made, file)
    except FileExistsError:
        pass
    finally:
        made.unlink()
    return file.read_text()

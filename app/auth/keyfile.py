"""A private key in a file that only its owner can read."""

from __future__ import annotations

import json
import os
from pathlib import Path

from app.auth.jose import Jwk
from app.errors import HallpassError, Kind


def write_key(path: Path | None, key: Jwk | None) -> None:
    """Write a private key to a new file that only its owner can read; nothing where there is none.

    Inside the transaction that registers it: without the file there is no registration.
    """
    if path is None or key is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(key, file)
    except OSError as e:
        raise HallpassError(Kind.INVALID, f"The key cannot be written to {path}: {e.strerror}.") from e

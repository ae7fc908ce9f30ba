"""Content that is kept outside the database, sealed: in a folder, or in any store that speaks S3 (obstore).

Each object is encrypted and bound to its name (AES-256-GCM) by a key derived from HALLPASS_KEY: who has the folder or
the bucket reads nothing, and puts nothing into another's place. Credentials of S3 come from where its own tools find
them (AWS_ACCESS_KEY_ID and the like, or the machine's role).
"""

from __future__ import annotations

import logging
import os
from datetime import timedelta
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import obstore
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, ObjectStore, S3Store

from app.keyring import Keyring
from app.settings import Settings

USE = "hallpass export store"
NONCE = 12
TIMEOUT = timedelta(seconds=10)
RETRIES = 3
PATIENCE = timedelta(seconds=20)
log = logging.getLogger("hallpass")


class StoreFails(Exception):
    """The store cannot be reached, or does not do what it was asked."""


class Objects:
    """Sealed content by name."""

    def __init__(self, store: ObjectStore, keyring: Keyring) -> None:
        self._store = store
        self._seal = AESGCM(keyring.derive(USE))

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """The store that the settings name; None: none."""
        place = settings.export_store
        if not place:
            return None
        store = _s3(place, settings.export_store_endpoint) if place.startswith("s3://") else _folder(place)
        return cls(store, Keyring.of(settings))

    async def put(self, name: str, content: bytes) -> None:
        """Keep content under a name, in the place of what was there. Raises StoreFails."""
        nonce = os.urandom(NONCE)
        sealed = nonce + self._seal.encrypt(nonce, content, name.encode())
        try:
            await obstore.put_async(self._store, name, sealed)
        except (BaseError, OSError) as e:
            raise StoreFails(str(e)) from e

    async def get(self, name: str) -> bytes | None:
        """The content under a name. None where there is none, or none that this exchange sealed under that name."""
        try:
            found = await obstore.get_async(self._store, name)
            sealed = bytes(await found.bytes_async())
            return self._seal.decrypt(sealed[:NONCE], sealed[NONCE:], name.encode())
        except NotFoundError:
            return None
        except (InvalidTag, ValueError):
            log.warning("an object of the export store cannot be opened: it was altered, or HALLPASS_KEY was changed")
        except (BaseError, OSError) as e:
            log.warning("the export store could not be read: %s", type(e).__name__)
        return None

    async def folders(self) -> list[str]:
        """The first parts of all names. Raises StoreFails."""
        try:
            found = await obstore.list_with_delimiter_async(self._store)
        except (BaseError, OSError) as e:
            raise StoreFails(str(e)) from e
        return [str(prefix).strip("/") for prefix in found["common_prefixes"]]

    async def remove(self, folder: str) -> None:
        """Remove all whose name begins with a part. Raises StoreFails."""
        try:
            async for listed in obstore.list(self._store, f"{folder}/"):
                await obstore.delete_async(self._store, [str(one["path"]) for one in listed])
        except (BaseError, OSError) as e:
            raise StoreFails(str(e)) from e


def _s3(place: str, endpoint: str | None) -> ObjectStore:
    parts = urlsplit(place)
    return S3Store(
        parts.netloc,
        prefix=parts.path.strip("/") or None,
        endpoint=endpoint,
        client_options={"timeout": TIMEOUT, "allow_http": bool(endpoint and endpoint.startswith("http://"))},
        retry_config={"max_retries": RETRIES, "retry_timeout": PATIENCE},
    )


def _folder(place: str) -> ObjectStore:
    folder = Path(place).expanduser()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return LocalStore(folder.resolve(), automatic_cleanup=True)

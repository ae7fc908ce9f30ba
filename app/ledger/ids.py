"""Ids of AuditEvents: where an entry stands on the ledger, so that it is found again and no second table is kept."""

from __future__ import annotations

from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from app.ledger.entries import Entry

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LETTERS = b"-."
"""With letters and digits, the 64 that an id may hold. https://hl7.org/fhir/R4/datatypes.html#id"""


class Place(NamedTuple):
    """Student (or resource), moment and request of an entry, and a hash that tells it from others of the request."""

    compartment: UUID
    at: datetime
    request: UUID
    mark: bytes


def entry_id(entry: Entry) -> str:
    """The id of the AuditEvent that an entry is: 64 characters."""
    micros = (entry.at - _EPOCH) // timedelta(microseconds=1)
    raw = entry.compartment.bytes + micros.to_bytes(8, "big", signed=True) + entry.request.bytes + mark(entry)
    return b64encode(raw, altchars=_LETTERS).decode()


def mark(entry: Entry) -> bytes:
    """Eight bytes that tell the versions of one request apart."""
    return sha256(entry.id.bytes + entry.version.to_bytes(4, "big")).digest()[:8]


def place(text: str) -> Place | None:
    """The place that an id tells of; None for one that is no entry's."""
    if len(text) != 64 or not text.isascii():
        return None
    try:
        raw = b64decode(text, altchars=_LETTERS, validate=True)
        moment = _EPOCH + timedelta(microseconds=int.from_bytes(raw[16:24], "big", signed=True))
    except (ValueError, OverflowError):
        return None
    return Place(UUID(bytes=raw[:16]), moment, UUID(bytes=raw[24:40]), raw[40:])

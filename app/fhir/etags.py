"""Entity tags as FHIR uses them: a version's number, and under which Consent it left. Pure.

https://hl7.org/fhir/R4/http.html#versioning and https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from app.errors import HallpassError, Issue, Kind

_TAG = re.compile(r'\s*(?:(?:W/)?"([A-Za-z0-9\-.]{1,64})"|([A-Za-z0-9\-.]{1,64}))\s*')
_SECOND = timedelta(seconds=1)

Known = Callable[[int, datetime, str], bool]
"""Whether a client has the version with this number and time already, on this basis."""


def etag(version: int, basis: str = "") -> str:
    """The tag of a version, with the basis on which it left its custodian, where that is a release."""
    return f'W/"{_value(version, basis)}"'


def names(header: str, version: int) -> bool:
    """Whether an If-Match names the version: `W/"3"`, `"3"`, a bare 3, several between commas, or `*` for any.

    On what basis the version left is nothing to a write. Raises INVALID for what is no such list.
    """
    found = tags(header, "If-Match")
    return found is None or str(version) in {tag.partition("-")[0] for tag in found}


def tags(header: str, header_name: str) -> frozenset[str] | None:
    """The tags of a list; None for `*`, which is any. Raises INVALID for what is no such list."""
    if header.strip() == "*":
        return None
    found = [m[1] or m[2] if (m := _TAG.fullmatch(part)) else "" for part in header.split(",")]
    if not all(found):
        raise HallpassError(Kind.INVALID, Issue(f"The header {header_name} is a list of entity tags."))
    return frozenset(found)


def known(if_none_match: str | None, if_modified_since: str | None) -> Known | None:
    """What a conditional read asks; None where it sets no condition. If-None-Match counts before the date.

    What left under a release is known by its whole tag alone: a date, or the version's number, would hide that it
    leaves under another Consent now. A date that cannot be read is no condition (RFC 9110 13.1.3). HTTP dates have
    whole seconds. Raises INVALID for what is no list of tags.
    https://hl7.org/fhir/R4/http.html#cread
    """
    if if_none_match is not None:
        asked = tags(if_none_match, "If-None-Match")
        return lambda version, _updated, basis: asked is None or _value(version, basis) in asked
    if if_modified_since is None:
        return None
    since = _moment(if_modified_since)
    return None if since is None else lambda _version, updated, basis: not basis and updated < since


def _value(version: int, basis: str) -> str:
    return f"{version}-{basis}" if basis else str(version)


def _moment(text: str) -> datetime | None:
    """The end of the second that an HTTP date names; None for what is none, or lies beyond the calendar's end."""
    try:
        found = parsedate_to_datetime(text)
        return None if found.tzinfo is None else found.astimezone(UTC) + _SECOND
    except (ValueError, OverflowError):
        return None

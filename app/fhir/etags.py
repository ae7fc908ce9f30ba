"""Entity tags as FHIR uses them: a version's number. Pure.

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

Known = Callable[[int, datetime], bool]
"""Whether a client has the version with this number and time already."""


def etag(version: int) -> str:
    """The tag of a version: weak, because the label of a released copy is no part of it."""
    return f'W/"{version}"'


def names(header: str, version: int, header_name: str = "If-Match") -> bool:
    """Whether a list of tags names the version: `W/"3"`, `"3"`, a bare 3, several between commas, or `*` for any.

    Raises INVALID for what is no such list.
    """
    if header.strip() == "*":
        return True
    found = [_TAG.fullmatch(part) for part in header.split(",")]
    if not all(found):
        raise HallpassError(Kind.INVALID, Issue(f"The header {header_name} is a list of entity tags."))
    return str(version) in {m[1] or m[2] for m in found if m}


def known(if_none_match: str | None, if_modified_since: str | None) -> Known | None:
    """What a conditional read asks; None where it sets no condition. If-None-Match counts before the date.

    A date that cannot be read is no condition (RFC 9110 13.1.3). HTTP dates have whole seconds.
    https://hl7.org/fhir/R4/http.html#cread
    """
    if if_none_match is not None:
        tags = if_none_match
        return lambda version, _updated: names(tags, version, "If-None-Match")
    if if_modified_since is None:
        return None
    since = _moment(if_modified_since)
    return None if since is None else lambda _version, updated: updated < since


def _moment(text: str) -> datetime | None:
    """The end of the second that an HTTP date names; None for what is none, or lies beyond the calendar's end."""
    try:
        found = parsedate_to_datetime(text)
        return None if found.tzinfo is None else found.astimezone(UTC) + _SECOND
    except (ValueError, OverflowError):
        return None

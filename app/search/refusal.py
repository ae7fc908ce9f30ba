"""The errors of a search: they name the parameter, and never its value. Pure.

https://hl7.org/fhir/R4/search.html#errors
"""

from __future__ import annotations

import re

from app.errors import HallpassError, Issue, Kind

_NAME = re.compile(r"[A-Za-z0-9_:.*-]{1,120}")


def shown(key: str) -> str:
    """A parameter's name for a message; what cannot be one is not repeated."""
    return f"'{key}'" if _NAME.fullmatch(key) else "with an unreadable name"


def unknown(key: str, why: str = "is not known here") -> HallpassError:
    """400: a parameter or a modifier that is not served."""
    return HallpassError(Kind.UNKNOWN_PARAM, Issue(f"The search parameter {shown(key)} {why}."))


def invalid(key: str, why: str) -> HallpassError:
    """400: a value that cannot be understood; `why` says what is expected."""
    return HallpassError(Kind.INVALID, Issue(f"The search parameter {shown(key)} {why}."))


def too_costly(why: str) -> HallpassError:
    """422: a search over one of its bounds."""
    return HallpassError(Kind.TOO_COSTLY, Issue(f"The search is too costly: {why}."))

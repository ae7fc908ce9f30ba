"""What the text of a reference points at: a resource of ours, or a URL. Pure.

https://hl7.org/fhir/R4/references.html#literal
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

_TYPED = re.compile(r"(?:^|/)([A-Z][A-Za-z]{1,63})/([A-Za-z0-9.-]{1,64})(?:/_history/[A-Za-z0-9.-]{1,64})?\Z")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a reference points: `type` '' when unknown; `id` for a resource of this server; else `url`."""

    type: str
    id: UUID | None
    url: str


def target(text: str, base_url: str) -> Target:
    """The target of `Reference.reference`. A version behind the id is left away; `#contained` has no target."""
    if text.startswith("#"):
        return Target("", None, "")
    found = _TYPED.search(text)
    if found is None:
        return Target("", None, text)
    own = found.start() == 0 or text[: found.start()] == base_url
    id_ = uuid_of(found[2]) if own and text[0] != "/" else None
    return Target(found[1], id_, "" if id_ else text)


def uuid_of(text: str) -> UUID | None:
    """The UUID that `text` writes in the one form that ids have here, or None: ids differ by case."""
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text else None

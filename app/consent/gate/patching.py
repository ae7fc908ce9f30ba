"""Patch: what is stored, changed, and judged as an update with the result would be.

https://hl7.org/fhir/R4/http.html#patch — read and written under one lock, so that no change in between is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.consent.gate import writes
from app.consent.gate.door import Door
from app.consent.gate.parties import require_party
from app.consent.gate.prepared import prepare
from app.consent.gate.released import Found
from app.errors import HallpassError, Kind
from app.fhir.json import dump, parse
from app.resources import ResourceType

Change = Callable[[dict[str, Any]], dict[str, Any]]
"""Makes the next content of a resource from a copy of the last. Raises UNPROCESSABLE where it cannot."""


async def patch(door: Door, declared: ResourceType, resource_id: str, change: Change, if_match: str | None) -> Found:
    """Store what `change` makes of the current version. Raises as an update, and GONE for what was deleted."""
    door.require(declared.name, "u")
    old, _ = await writes.locked(door, declared, resource_id, if_match)
    if old.deleted:
        raise HallpassError(Kind.GONE, "The resource was deleted.")
    content = parse(old.body)
    if not await door.holds(old.custodian):
        # Before it is changed: whether a patch fits tells what is stored, and nobody is told that off the ledger.
        require_party(declared, content, door.above)
    prepared = prepare(declared, _sound(change(content)), door.settings.fhir_base)
    return await writes.update(door, declared, prepared, resource_id, None, method="PATCH", seen=old)


def _sound(content: dict[str, Any]) -> dict[str, Any]:
    """The content, if it could have been sent as a body. Raises UNPROCESSABLE: a patch can nest without end."""
    try:
        return parse(dump(content))
    except (TypeError, HallpassError):
        raise HallpassError(Kind.UNPROCESSABLE, "What the patch makes is not JSON that FHIR allows.") from None

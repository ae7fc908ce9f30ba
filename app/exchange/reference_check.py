"""References of a write must lead to what the writer may see; to it, the invisible and the absent are one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.db import read as store
from app.errors import HallpassError, Issue, Kind
from app.fhir.references import references
from app.resources.refs import local_targets, parse_local
from app.session import Session

UNRESOLVED = "The reference does not lead to a resource that you can see."


async def check_references(
    session: Session, content: dict[str, Any], before: dict[str, Any], itself: tuple[str, UUID]
) -> None:
    """Raise UNPROCESSABLE with each reference that leads nowhere. One that stood there before may stay."""
    own = session.pending | {itself}
    known = set(local_targets(before))
    wanted = {}
    for reference in references(content):
        text = reference.value.get("reference")
        if text is None or text.startswith("#"):
            continue  # a logical reference names nothing here; a contained one was checked with the resource
        target = parse_local(text)
        if target not in known:
            wanted[f"{reference.path}.reference"] = target
    seen = await store.visible(session.connection, {t[1] for t in wanted.values() if t})
    lost = [
        path
        for path, target in wanted.items()
        if target is None or (target not in own and (target[1] not in seen or seen[target[1]].type != target[0]))
    ]
    if lost:
        raise HallpassError(Kind.UNPROCESSABLE, *(Issue(UNRESOLVED, path, "not-found") for path in lost))

"""References of a write must lead to what the writer may see; to it, the invisible and the absent are one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from app.db import read as store
from app.errors import HallpassError, Issue, Kind
from app.fhir.references import references
from app.resources.refs import attached, local_targets, parse_local
from app.session import Session

UNRESOLVED = "The reference does not lead to a resource that you can see."


def _attached(node: Any, path: str) -> Iterator[tuple[str, tuple[str, UUID]]]:
    """Path and target of each Attachment whose bytes are a Binary of this server."""
    if isinstance(node, dict):
        if found := attached(node):
            yield f"{path}.url", found
        for name, value in node.items():
            yield from _attached(value, f"{path}.{name}")
    elif isinstance(node, list):
        for i, value in enumerate(node):
            yield from _attached(value, f"{path}[{i}]")


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
    wanted |= {path: target for path, target in _attached(content, itself[0]) if target not in known}
    seen = await store.visible(session.connection, {t[1] for t in wanted.values() if t})
    lost = [
        path
        for path, target in wanted.items()
        if target is None or (target not in own and (target[1] not in seen or seen[target[1]].type != target[0]))
    ]
    if lost:
        raise HallpassError(Kind.UNPROCESSABLE, *(Issue(UNRESOLVED, path, "not-found") for path in lost))

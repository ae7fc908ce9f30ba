"""References of a write must lead to what the writer may see; to it, the invisible and the absent are one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from app.errors import HallpassError, Issue, Kind
from app.fhir.references import references
from app.resources.refs import attached, local_targets, parse_local
from app.session import Session

UNRESOLVED = "The reference does not lead to a resource that you can see."

Target = tuple[str, UUID]


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


def targets(
    session: Session, content: dict[str, Any], before: dict[str, Any], itself: Target
) -> dict[str, Target | None]:
    """What the references lead to that have to be looked up, by their paths; None: to no resource of this server.

    One that stood there before may stay, and so may one to what this transaction writes.
    """
    own, known = session.pending | {itself}, set(local_targets(before))
    wanted = {}
    for reference in references(content):
        text = reference.value.get("reference")
        if text is None or text.startswith("#"):
            continue  # a logical reference names nothing here; a contained one was checked with the resource
        target = parse_local(text)
        if target not in known and target not in own:
            wanted[f"{reference.path}.reference"] = target
    wanted |= {p: t for p, t in _attached(content, itself[0]) if t not in known and t not in own}
    return wanted


def require_seen(wanted: Mapping[str, Target | None], types: Mapping[UUID, str]) -> None:
    """Raise UNPROCESSABLE with each reference that leads nowhere. `types`: of the resources that the caller sees."""
    lost = [path for path, target in wanted.items() if target is None or types.get(target[1]) != target[0]]
    if lost:
        raise HallpassError(Kind.UNPROCESSABLE, *(Issue(UNRESOLVED, path, "not-found") for path in lost))


async def check_references(session: Session, wanted: Mapping[str, Target | None]) -> None:
    """Look up the targets, and raise as `require_seen`."""
    seen = await session.visible({t[1] for t in wanted.values() if t}) if wanted else {}
    require_seen(wanted, {i: s.type for i, s in seen.items()})

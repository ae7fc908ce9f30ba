"""References of a write must lead to what the writer may see; to it, the invisible and the absent are one.

https://hl7.org/fhir/R4/references.html — a logical reference names a thing by identifier, and is taken as it is. One to
another server is kept where the setting lets it and a display says in words what it leads to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from app.errors import HallpassError, Issue, Kind
from app.fhir.references import Form, form, references
from app.resources.refs import attached, local_targets, nodes, parse_local
from app.session import Session

EXTERNAL = "The reference leads to another server. Refer by identifier or by display alone."
UNDISPLAYED = "The reference leads to another server: it needs a display that says what it is."
UNRESOLVED = "The reference does not lead to a resource that you can see."

Target = tuple[str, UUID]


def _attachments(content: dict[str, Any], path: str) -> Iterator[tuple[str, tuple[str, UUID]]]:
    """Path and target of each Attachment whose bytes are a Binary of this server; most content has none."""
    return _attached(content, path) if any(attached(node) for node in nodes(content)) else iter(())


def _attached(node: Any, path: str) -> Iterator[tuple[str, tuple[str, UUID]]]:
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

    One that stood there before may stay, and so may one to what this transaction writes. Raises UNPROCESSABLE for
    those to other servers that are not kept.
    """
    own, known = session.pending | {itself}, set(local_targets(before))
    stood = {r.value.get("reference") for r in references(before)}
    wanted = {}
    external: dict[str, str] = {}
    for reference in references(content):
        text = reference.value.get("reference")
        if text is None or text.startswith("#"):
            continue  # a logical reference names nothing here; a contained one was checked with the resource
        target = parse_local(text)
        if form(text, session.settings.fhir_base) is Form.FOREIGN:
            why = _external(session, reference.value)
            external |= {f"{reference.path}.reference": why} if why and text not in stood else {}
        elif target not in known and target not in own:
            wanted[f"{reference.path}.reference"] = target
    if external:
        raise HallpassError(Kind.UNPROCESSABLE, *(Issue(why, path, "not-found") for path, why in external.items()))
    wanted |= {p: t for p, t in _attachments(content, itself[0]) if t not in known and t not in own}
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


def _external(session: Session, reference: dict[str, Any]) -> str | None:
    """Why a reference to another server is not kept; None where it is."""
    if session.settings.external_references == "refuse":
        return EXTERNAL
    return None if reference.get("display") else UNDISPLAYED

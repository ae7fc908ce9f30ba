"""The links between a Patient and the one that replaced it. Pure.

https://hl7.org/fhir/R4/patient.html#links
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.resources.merges import REPLACED_BY, REPLACES
from app.resources.refs import local_id

Json = dict[str, Any]


def with_link(patient: Json, other: UUID, kind: str) -> Json:
    """The Patient with a link, once."""
    link = {"other": {"reference": f"Patient/{other}"}, "type": kind}
    links = patient.get("link", [])
    return {**patient, "link": links if any(_same(link, x) for x in links) else [*links, link]}


def keep_links(content: Json, before: Json) -> Json:
    """A Patient as a source system pushes it, with the links of merges that were there, and inactive if replaced.

    A push knows nothing of a merge, and does not undo it.
    """
    kept = [x for x in before.get("link", []) if x.get("type") in (REPLACES, REPLACED_BY)]
    if not kept:
        return content
    pushed = content.get("link", [])
    links = pushed + [x for x in kept if not any(_same(x, y) for y in pushed)]
    replaced = any(x.get("type") == REPLACED_BY for x in kept)
    return {**content, "link": links, **({"active": False} if replaced else {})}


def _same(one: Json, other: Json) -> bool:
    return one.get("type") == other.get("type") and local_id(one.get("other")) == local_id(other.get("other"))

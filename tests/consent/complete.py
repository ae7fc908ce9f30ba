"""The Consents of completeness.yaml: complete ones under each law, and the student that they are about."""

from __future__ import annotations

from typing import Any, Protocol

Spec = dict[str, Any]


class Puts(Protocol):
    """Whatever a case is played on: on paper, or on a server."""

    async def put(self, name: str, spec: Spec, kind: str) -> Any:
        """Store what a spec tells of."""


def complete(law: list[str], **more: Any) -> Spec:
    """A Consent that lacks nothing under these regimes, but for what `more` changes."""
    return {"law": law, **({"intermediary": ["agency"]} if "42CFRPart2" in law else {}), **more}


async def furnish(stage: Puts) -> None:
    """A student with a mother, an aunt, a visit and an earlier release."""
    await stage.put("student", {}, "student")
    await stage.put("mother", {}, "person")
    await stage.put("aunt", {"is": "AUNT"}, "person")
    await stage.put("visit", {"type": "Encounter"}, "record")
    await stage.put("earlier", complete(["FERPA"]), "release")
    await stage.put("earlier", complete(["FERPA"], status="inactive"), "release")

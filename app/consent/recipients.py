"""Classes of recipients: kinds of members that a release may name in place of an organization, each declared once.

34 CFR 99.30(b)(3), 42 CFR 2.31(a)(4). Which organization is of which class the network's operator says, by a coding in
`Organization.type`; a release names a class by an identifier in an actor's reference. It is expanded when it is judged.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from app.consent.codes import RECIPIENT_CLASS
from app.resources.paths import values

_NAMES = UUID("8f4b1c52-93d0-5a2e-9f6a-2c0f1f1c7a10")


@dataclass(frozen=True, slots=True)
class RecipientClass:
    """A kind of member. `treats`: its members treat patients, so that a release under 42 CFR Part 2 may name it."""

    code: str
    display: str
    treats: bool = False

    @property
    def id(self) -> UUID:
        """What stands for it where organizations do: the same everywhere, and no organization's."""
        return uuid5(_NAMES, self.code)


CLASSES: tuple[RecipientClass, ...] = (
    RecipientClass("health-care-provider", "Health care providers", treats=True),
    RecipientClass("behavioral-health-provider", "Behavioral health providers", treats=True),
    RecipientClass("food", "Food programs"),
    RecipientClass("housing", "Housing programs"),
    RecipientClass("tutoring", "Tutoring programs"),
    RecipientClass("youth-program", "After-school and youth programs"),
)
BY_CODE = {c.code: c for c in CLASSES}
BY_ID = {c.id: c for c in CLASSES}
"""By what stands for it among the recipients of a provision."""


def named_class(reference: Any) -> RecipientClass | str | None:
    """The class that a Reference names by its identifier; a text: a code that there is not; None: it names no class."""
    identifier = reference.get("identifier") if isinstance(reference, dict) else None
    if not isinstance(identifier, dict) or identifier.get("system") != RECIPIENT_CLASS or "reference" in reference:
        return None
    code = str(identifier.get("value"))
    return BY_CODE.get(code, code)


def classes_of(organization: dict[str, Any]) -> frozenset[UUID]:
    """The classes that an Organization says it is of. Raises KeyError for a code that there is not."""
    codings = values(organization, "type.coding")
    return frozenset(BY_CODE[x["code"]].id for x in codings if x.get("system") == RECIPIENT_CLASS)


def not_treating(recipients: Iterable[UUID]) -> list[RecipientClass]:
    """Of what a provision names, the classes whose members treat nobody."""
    return [BY_ID[r] for r in sorted(recipients) if r in BY_ID and not BY_ID[r].treats]

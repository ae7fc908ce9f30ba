"""Values out of a small common stock, so that what is hidden and what is visible collide."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from app.consent.codes import CONTACT_PERMISSION

Body = dict[str, Any]
Pick = Callable[..., dict[str, str] | None]
"""A Reference to a resource of one of these types; None where there is none."""

FAMILIES = ("Rivera", "Okafor", "Smith", "Zhang", "Núñez")
GIVEN = ("Ana", "Luz", "Chidi", "Wei", "Omar")
CITIES = ("Albany", "Ithaca", "Troy")
SERVICES = ("counseling", "speech", "evaluation")
EXCEPTED = "substance-use"
"""A code of service that releases in the worlds except: what has it is in the access index, and not visible."""
DAYS = ("2026-09-14", "2026-09-16", "2026-09-20", "2025-01-31", "2026-10-01")
MOMENTS = ("2026-09-14T09:00:00-04:00", "2026-09-20T10:30:00Z", "2026-10-01T08:00:00-05:00")
STUDENT, SERVICE, KIND = "urn:test:student", "urn:test:service", "urn:test:kind"
ROLES = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"


class OutOfReach(Exception):
    """Something of the product that the prover cannot draw: it has to be taught before anything is proved."""


def coded(code: str, system: str = KIND, text: str | None = None) -> Body:
    """A CodeableConcept."""
    return {"coding": [{"system": system, "code": code}], **({"text": text} if text else {})}


class Draw:
    """Values for one resource."""

    def __init__(self, rng: Random, pick: Pick) -> None:
        self.rng = rng
        self.pick = pick

    def maybe(self, value: Any, chance: float = 0.5) -> Any:
        return value if self.rng.random() < chance else None

    def one(self, *values: Any) -> Any:
        return self.rng.choice(values)

    def ref(self, *types: str, chance: float = 0.6) -> Any:
        return self.maybe(self.pick(*types), chance)

    def refs(self, *types: str, chance: float = 0.6) -> Any:
        found = self.ref(*types, chance=chance)
        return [found] if found else None

    def identifier(self) -> list[Body]:
        found: Body = {"system": STUDENT, "value": f"S-{self.rng.randrange(1, 7)}"}
        if self.rng.random() < 0.4:
            found["type"] = coded("MR", "http://terminology.hl7.org/CodeSystem/v2-0203", "Medical record")
        return [found]

    def name(self) -> list[Body]:
        return [{"family": self.one(*FAMILIES), "given": [self.one(*GIVEN)]}]

    def telecom(self) -> list[Body]:
        phone = {"system": "phone", "value": f"+1 607 555 010{self.rng.randrange(4)}"}
        return [phone, {"system": "email", "value": f"{self.one(*GIVEN).lower()}@example.org"}]

    def address(self) -> Body:
        place = {"city": self.one(*CITIES), "state": "NY", "postalCode": f"1485{self.rng.randrange(3)}"}
        return {"use": self.one("home", "work"), "country": "US", **place}

    def permission(self) -> Any:
        """How a person may be contacted; what is not permitted leaves with nobody, and is found by no search."""
        return self.maybe([{"url": CONTACT_PERMISSION, "valueCode": self.one("call", "write", "none")}], 0.3)

    def concept(self, *values: str, system: str = KIND) -> Body:
        code = self.one(*values)
        return coded(code, system, self.maybe(code.title()))

    def period(self) -> Body:
        start = self.one(*DAYS[:4])
        return {"start": start, **({"end": "2027-06-30"} if self.rng.random() < 0.5 else {})}

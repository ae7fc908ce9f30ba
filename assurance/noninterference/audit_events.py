"""AuditEvents as the caller asks for them. A search parameter that is not here is out of reach."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from app.capability.interactions import LEDGER_PARAMETERS
from assurance.noninterference.draw import OutOfReach
from assurance.noninterference.routes import Route
from assurance.noninterference.wire import Request

if TYPE_CHECKING:
    from assurance.noninterference.asks import Asks


def require_audited() -> None:
    """Raise OutOfReach when AuditEvents can be searched by something that nothing here asks for."""
    unknown = LEDGER_PARAMETERS.keys() - AUDITED.keys()
    if unknown:
        raise OutOfReach(f"nothing in assurance/noninterference/audit_events.py asks for {', '.join(sorted(unknown))}")


def audit(asks: Asks, route: Route) -> Request:
    """An entry of the ledger or the trail that was shown before, or a search for some."""
    rng = asks.rng
    if "{id}" in route.path:
        found = rng.choice([*asks.scene.events, "none", ABSENT_EVENT])
        return Request(route.method, route.path.replace("{id}", found), asks.client())
    kinds = {name: draw for name, draw in AUDITED.items() if rng.random() < 0.2}
    query = urlencode({name: draw(asks) for name, draw in kinds.items()})
    if route.method == "POST":
        form = (("Content-Type", "application/x-www-form-urlencoded"),)
        return Request("POST", route.path, asks.client(), form, query)
    return Request("GET", f"{route.path}?{query}", asks.client())


def audits(asks: Asks) -> Iterator[Callable[[], Request]]:
    """How to search AuditEvents by each parameter alone, and by each student whose records may have gone to others."""
    for name in AUDITED:
        yield partial(_audited, asks, name)
    for student in asks.scene.students.values():
        for name in ("patient", "entity"):
            yield partial(_audited, asks, name, f"Patient/{student}")


def _audited(asks: Asks, name: str, value: str | None = None) -> Request:
    pairs = {"_total": "accurate", name: value or AUDITED[name](asks)}
    return Request("GET", f"/fhir/AuditEvent?{urlencode(pairs)}", "caller")


ABSENT_EVENT = "A" * 64
AUDITED: dict[str, Callable[[Asks], str]] = {
    "_id": lambda asks: asks.rng.choice([*asks.scene.events, ABSENT_EVENT]),
    "_lastUpdated": lambda asks: asks.rng.choice(["ge2026-10-01", "lt2026-10-01T12:05:00Z", "2026-10"]),
    "agent": lambda asks: f"Organization/{asks.id('Organization')}",
    "consent": lambda asks: f"Consent/{asks.id('Consent')}",
    "date": lambda asks: asks.rng.choice(["ge2026-10-01", "lt2026-10-01T12:05:00Z", "2026-10"]),
    "entity": lambda asks: (kind := asks.rng.choice(["Patient", "ServiceRequest", "Encounter"])) + f"/{asks.id(kind)}",
    "outcome": lambda asks: asks.rng.choice(["0", "4", "8"]),
    "patient": lambda asks: f"Patient/{asks.id('Patient')}",
    "purpose": lambda asks: asks.rng.choice(["TREAT", "HPAYMT"]),
    "subtype": lambda asks: asks.rng.choice(["release", "party", "query", "login", "scope"]),
    "_count": lambda asks: asks.rng.choice(["1", "2", "5"]),
    "_sort": lambda asks: asks.rng.choice(["date", "-date"]),
    "_total": lambda asks: asks.rng.choice(["none", "accurate"]),
}
"""Every search parameter of AuditEvent, and how a value is drawn."""

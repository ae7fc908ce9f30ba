"""Batches and transactions of the caller's: reads, searches and writes, with references between their entries."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from app.resources import TYPES
from assurance.noninterference.draw import STUDENT, Body
from assurance.noninterference.wire import BASE

if TYPE_CHECKING:
    from assurance.noninterference.asks import Asks


KINDS = (*("read", "search", "create") * 2, "history", "vread", "update", "delete", "other")


def bundle(asks: Asks) -> str:
    """A Bundle of one to four entries, as JSON."""
    rng = asks.rng
    entries = [_entry(asks, n) for n in range(rng.choice([1, 2, 2, 3, 4]))]
    if rng.random() < 0.4:
        _refer(asks, entries)
    return json.dumps({"resourceType": "Bundle", "type": rng.choice(["batch", "transaction"]), "entry": entries})


def _entry(asks: Asks, n: int) -> Body:
    rng = asks.rng
    name = rng.choice(list(TYPES))
    kind = rng.choice(KINDS)
    of = asks.id(name)
    gets: dict[str, Callable[[], str]] = {
        "read": lambda: f"{name}/{of}",
        "search": lambda: f"{name}?{asks.queries.query(asks.scene, name)}",
        "history": lambda: f"{name}/{of}/_history",
        "vread": lambda: f"{name}/{of}/_history/{asks.version(of)}",
    }
    if kind in gets:
        return {"request": {"method": "GET", "url": gets[kind]()}}
    if kind == "other":
        return _asked(asks)
    if kind == "create":
        request: dict[str, Any] = {"method": "POST", "url": name}
        if rng.random() < 0.4:
            request["ifNoneExist"] = asks.condition(name)
        full = f"urn:uuid:{n:08x}-1111-4000-8000-00000000abcd"
        return {"fullUrl": full, "resource": asks.bodies.resource(asks.scene, name), "request": request}
    if kind == "update":
        if rng.random() < 0.4:
            body = asks.bodies.resource(asks.scene, name)
            return {"resource": body, "request": {"method": "PUT", "url": f"{name}?{asks.condition(name)}"}}
        of, text = asks.bodies.changed(asks.scene, name, of)
        return {"resource": json.loads(text), "request": {"method": "PUT", "url": f"{name}/{of}"}}
    url = f"{name}?{asks.condition(name)}" if rng.random() < 0.4 else f"{name}/{of}"
    return {"request": {"method": "DELETE", "url": url}}


def _asked(asks: Asks) -> Body:
    """An operation, as an entry; in a transaction it is refused."""
    request = asks.of(asks.rng.choice(asks.routes["operation"]))
    entry: Body = {"request": {"method": request.method, "url": request.path.removeprefix("/fhir/")}}
    if request.body.startswith("{"):
        entry["resource"] = json.loads(request.body)
    return entry


def _refer(asks: Asks, entries: list[Body]) -> None:
    """Let one entry's resource refer to another's, or by a condition to something stored."""
    written = [e for e in entries if "resource" in e]
    if not written:
        return
    entry = asks.rng.choice(written)
    value = f"{STUDENT}|S-{asks.rng.randrange(1, 7)}"
    texts = [e["fullUrl"] for e in written if "fullUrl" in e] + [f"Patient?identifier={value}"]
    texts.append(f"{BASE}/fhir/Patient/{asks.id('Patient')}")
    entry["resource"] = {
        **entry["resource"],
        "extension": [{"url": "urn:test:see", "valueReference": {"reference": asks.rng.choice(texts)}}],
    }

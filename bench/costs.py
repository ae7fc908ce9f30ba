"""What each interaction costs on one connection: milliseconds, and processor time of the API and the database."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from bench.asker import Asker
from bench.cpu import Meter
from bench.network import copy_id
from bench.serving import Server
from bench.sign import Releases
from bench.stage import Stage

MOST_SECONDS = 2.0
LEAST, MOST = 2, 60
"""How often each is asked in one turn."""
PAGE = "/fhir/ServiceRequest?_count=50"
SEARCH = "/fhir/ServiceRequest?status=active&_count=50"
INTERACTIONS = ("read", "page", "search", "sign", "revoke", "export")


@dataclass(slots=True)
class Cost:
    """What was heard of one interaction."""

    ms: list[float] = field(default_factory=list)
    cpu: float = 0.0
    """Seconds of the API and the database, of all together."""

    @property
    def p50(self) -> float:
        """Milliseconds at the median."""
        return median(self.ms)

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of processor for one."""
        return 1000 * self.cpu / len(self.ms)


Costs = dict[str, Cost]


def measure(stage: Stage, server: Server, referrals: int, costs: Costs) -> None:
    """One turn of each interaction. Raises RuntimeError where the clinic does not see just so many referrals."""
    network = stage.network
    clinic, district = (m.headers["Authorization"] for m in (network.clinic, network.district))
    with closing(Asker(server.url, clinic)) as reader, closing(Asker(server.url, district)) as writer:
        seen = reader.ask("GET", PAGE)[1]["total"]
        if seen != referrals:
            raise RuntimeError(f"the clinic sees {seen} referrals, not {referrals}")
        releases = Releases(stage, writer)
        referral, student = network.sample["ServiceRequest"], network.sample["Patient"]
        reads = [copy_id(referral, n) for n in range(1, min(referrals, 50))] or [referral]

        asks: dict[str, Callable[[int], float]] = {
            "read": lambda n: reader.ask("GET", f"/fhir/ServiceRequest/{reads[n % len(reads)]}")[0],
            "page": lambda _: reader.ask("GET", PAGE)[0],
            "search": lambda _: reader.ask("GET", SEARCH)[0],
            "export": lambda _: reader.whole(f"/fhir/Patient/{student}/$everything")[0],
        }
        for name, ask in asks.items():
            _turn(costs.setdefault(name, Cost()), stage, server, ask)
        _signed(costs, stage, server, releases)


def _turn(cost: Cost, stage: Stage, server: Server, ask: Callable[[int], float]) -> None:
    ask(0)
    meter, until, asked = Meter(server, stage), time.monotonic() + MOST_SECONDS, 0
    while asked < LEAST or (asked < MOST and time.monotonic() < until):
        cost.ms.append(ask(asked))
        asked += 1
    cost.cpu += sum(meter.read())


def _signed(costs: Costs, stage: Stage, server: Server, releases: Releases) -> None:
    """Sign and revoke in turn, one more release than there was: none stands at the end that did not at the start."""
    until, asked = time.monotonic() + 2 * MOST_SECONDS, 0
    while asked < LEAST or (asked < MOST // 2 and time.monotonic() < until):
        cost, meter = costs.setdefault("sign", Cost()), Meter(server, stage)
        took, release = releases.sign()
        cost.ms.append(took)
        cost.cpu += sum(meter.read())
        cost, meter = costs.setdefault("revoke", Cost()), Meter(server, stage)
        cost.ms.append(releases.end(release))
        cost.cpu += sum(meter.read())
        asked += 1


def plain(costs: Costs) -> dict[str, dict[str, Any]]:
    """As JSON keeps them."""
    return {
        name: {
            "p50_ms": round(costs[name].p50, 2),
            "cpu_ms": round(costs[name].cpu_ms, 2),
            "asked": len(costs[name].ms),
        }
        for name in INTERACTIONS
    }

"""The figures: what is measured against what, and the least ratio that is wanted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from statistics import median

from bench import load
from bench.load import Ask, Heard
from bench.network import copy_id
from bench.serving import fetched
from bench.stage import Stage
from tests import build
from tests.world import BASE

PAGES = 50


@dataclass(frozen=True, slots=True)
class Figure:
    """A ratio of the processor time of two requests, with the spread of the rounds; `rate`: of their rates."""

    name: str
    what: str
    wanted: float
    found: float
    spread: float
    at_most: bool = False
    rate: float | None = None

    @property
    def met(self) -> bool:
        """Whether it is what is wanted."""
        return self.found <= self.wanted if self.at_most else self.found >= self.wanted


Rates = dict[str, list[Heard]]


def asks(stage: Stage, own: str, bare: str) -> dict[str, Ask]:
    """What is asked in turn: of the product, and of the bare limit."""
    network = stage.network
    clinic, district, nobody = (m.headers["Authorization"] for m in (network.clinic, network.district, network.nobody))
    page = str(network.clinic.organization)
    search = f"{own}/fhir/ServiceRequest?_count={PAGES}"
    included = f"{search}&_include=ServiceRequest:patient"
    reads, bare_reads = _each("/fhir/ServiceRequest", stage), _each("/read", stage)
    return {
        "bare read": Ask(bare, None, turns=bare_reads),
        "read under a release": Ask(own, clinic, turns=reads),
        "read by the custodian": Ask(own, district, turns=reads),
        "bare page": Ask(f"{bare}/page/{page}"),
        "page under a release": Ask(own, clinic, turns=_walk(search, clinic)),
        "these 50 under a release": Ask(f"{search}&_id={_own(stage)}", clinic),
        "these 50 by the custodian": Ask(f"{search}&_id={_own(stage)}", district),
        "page for who sees nothing": Ask(search, nobody),
        "bare join": Ask(f"{bare}/joined/{page}"),
        "page with students": Ask(own, clinic, turns=_walk(included, clinic)),
        "bare create": Ask(f"{bare}/create", None, "POST", tuple(("/create", b) for b in _bodies(stage))),
        "create": Ask(
            f"{own}/fhir/ServiceRequest", district, "POST", tuple(("/fhir/ServiceRequest", b) for b in _bodies(stage))
        ),
        "update of nothing": Ask(f"{own}/fhir/ServiceRequest", district, "PUT", tuple(_unchanged(stage, own))),
    }


def ratios(rates: Rates) -> list[Figure]:
    """The table's figures out of the rates."""
    return [
        _ratio(rates, "read", "read by id under a release : bare read", "read under a release", "bare read", 0.70),
        _ratio(rates, "custodian", "the same by the custodian : bare read", "read by the custodian", "bare read", 0.85),
        _ratio(rates, "disclosure", "read under a release : read by the custodian", "read under a release",
               "read by the custodian", 0.85),
        _ratio(rates, "page", "page of 50 under a release, exact total : bare page", "page under a release",
               "bare page", 0.15),
        _ratio(rates, "page_disclosure", "page of 50 under a release : the same request by the custodian",
               "these 50 under a release", "these 50 by the custodian", 0.85),
        _ratio(rates, "include", "page of 50 with its students : bare join", "page with students", "bare join", 0.13),
        _ratio(rates, "create", "create : bare insert with the same validation", "create", "bare create", 0.45),
        _ratio(rates, "unchanged", "conditional update that changes nothing : bare read", "update of nothing",
               "bare read", 0.35),
        _ratio(rates, "nothing", "page for who sees nothing, time : full page, time", "page under a release",
               "page for who sees nothing", 1.0, at_most=True),
    ]  # fmt: skip


def _ratio(rates: Rates, name: str, what: str, one: str, other: str, wanted: float, *, at_most: bool = False) -> Figure:
    pairs = list(zip(rates[one], rates[other], strict=True))
    found = [b.cpu / a.cpu for a, b in pairs]
    rate = median(a.rate / b.rate for a, b in pairs)
    return Figure(name, what, wanted, median(found), max(found) - min(found), at_most, rate)


def tail(stage: Stage, own: str, seconds: float) -> Figure:
    """The 99th percentile against the median under half of the load that the server can take."""
    clinic = stage.network.clinic.headers["Authorization"]
    ask = Ask(own, clinic, turns=_each("/fhir/ServiceRequest", stage))
    most = load.hammer(ask, seconds)
    pause = max(1, round(1000 * load.CONNECTIONS / (most.rate / 2) - most.p50))
    found = [heard.p99 / heard.p50 for heard in (load.hammer(ask, seconds, pause=pause) for _ in range(3))]
    return Figure("tail", "p99 : p50, under half of the most load", 5, median(found), max(found) - min(found), True)


def _bodies(stage: Stage) -> list[str]:
    """Referrals to create: about many students, so that no two wait for each other, and about such as the clinic does
    not see, so that its pages and their totals stay what they are."""
    network = stage.network
    students = [str(copy_id(network.sample["Patient"], n)) for n in range(stage.students - 99, stage.students)]
    made = (build.referral({"resourceType": "Patient", "id": s}, network.clinic.reference) for s in students)
    return [json.dumps(m, separators=(",", ":")) for m in made]


def _unchanged(stage: Stage, own: str) -> list[tuple[str, str]]:
    """Conditional updates of referrals as they are stored."""
    network, found = stage.network, []
    for n in range(1, PAGES):
        one = copy_id(network.sample["ServiceRequest"], n)
        content = fetched(f"{own}/fhir/ServiceRequest/{one}", network.district.headers["Authorization"])
        value = content["identifier"][0]["value"]
        kept = {k: v for k, v in content.items() if k not in ("id", "meta")}
        found.append((f"/fhir/ServiceRequest?identifier=urn:bench:referral%7C{value}", json.dumps(kept)))
    return found


def _each(path: str, stage: Stage) -> tuple[tuple[str, str], ...]:
    """The referrals that the clinic sees, one after the other."""
    one = stage.network.sample["ServiceRequest"]
    return tuple((f"{path}/{copy_id(one, n)}", "") for n in range(1, PAGES + 1))


def _walk(first: str, token: str) -> tuple[tuple[str, str], ...]:
    """The full pages of a search, one after the other."""
    found: list[tuple[str, str]] = []
    server, url = first.partition("/fhir")[0], first
    while True:
        links = {x["relation"]: x["url"] for x in fetched(url, token)["link"]}
        if "next" not in links:
            return tuple(found) or ((url.removeprefix(server), ""),)
        found.append((url.removeprefix(server), ""))
        url = server + links["next"].removeprefix(BASE)


def _own(stage: Stage) -> str:
    """The ids of fifty of the referrals that the clinic sees."""
    return ",".join(str(copy_id(stage.network.sample["ServiceRequest"], n)) for n in range(1, PAGES + 1))

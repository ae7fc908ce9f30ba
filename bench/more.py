"""What others' releases, renewals and holdings add to a page: the processor time of the API and the database.

A querier with one policy and with a thousand; a student with one release and with fifty; each release renewed once; a
custodian that holds 2,000 records and one that holds 200,000.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import closing
from statistics import median

from bench.asker import Asker
from bench.copies import copies
from bench.cpu import Meter
from bench.figures import Figure
from bench.network import copy_id
from bench.serving import Server, product
from bench.sign import Releases, renew
from bench.stage import LEAN, Stage, run, stage
from bench.swell import swell

PAGE = "/fhir/ServiceRequest?_count=50"
WARM, TIMES, ROUNDS = 10, 30, 5
POLICIES, RELEASES, RENEWED = 1_000, 50, 200
HELD = (2_000, 200_000)


def more(held: tuple[int, int] = HELD) -> list[Figure]:
    """All of them."""
    return [*_policies(), _renewed(), _custody(held)]


def _policies() -> list[Figure]:
    """Pages of fifty referrals of one student, as the reader is named by more releases, and the student has more."""
    with stage(1, 1) as there, product(there) as server:
        swell(there, "ServiceRequest", range(1, 50))
        one = _page(there, server, "clinic")
        types = ("Patient", "RelatedPerson", "Consent")
        asyncio.run(copies(there.database, there.network, range(1, POLICIES), released=True, types=types))
        asyncio.run(run(there.database, "VACUUM ANALYZE"))
        many = _page(there, server, "clinic")
        other = str(there.network.nobody.organization)
        clinic = str(there.network.clinic.organization)
        with closing(Asker(server.url, there.network.district.headers["Authorization"])) as asker:
            releases = Releases(there, asker)
            for _ in range(RELEASES - 1):
                releases.sign({clinic: other})
        asyncio.run(run(there.database, "VACUUM ANALYZE"))
        crowded = _page(there, server, "clinic")
    return [
        _figure("policies", f"page for a querier with {POLICIES:,} policies : with 1, processor time", 1.25, many, one),
        _figure(
            "releases", f"page about a student with {RELEASES} releases : with 1, processor time", 1.25, crowded, many
        ),
    ]


def _renewed() -> Figure:
    """Pages over many students, before and after each release is renewed once."""
    with stage(RENEWED, RENEWED) as there, product(there) as server:
        before = _page(there, server, "clinic")
        consent = there.network.sample["Consent"]
        with closing(Asker(server.url, there.network.district.headers["Authorization"])) as asker:
            for n in range(1, RENEWED):
                content = asker.ask("GET", f"/fhir/Consent/{copy_id(consent, n)}")[1]
                renew(asker, content)
            renew(asker, asker.ask("GET", f"/fhir/Consent/{consent}")[1])
        asyncio.run(run(there.database, "VACUUM ANALYZE"))
        after = _page(there, server, "clinic")
    return _figure(
        "renewed", "page where each release was renewed once : where none was, processor time", 1.5, after, before
    )


def _custody(held: tuple[int, int]) -> Figure:
    """A custodian's own page with its exact total, asked in turn of both databases."""
    found: dict[int, list[float]] = {n: [] for n in held}
    few, many = held
    with stage(few, 1, LEAN) as small, stage(many, 1, LEAN) as large, product(small) as one, product(large) as other:
        for _ in range(ROUNDS):
            found[few].append(_once(small, one, "district"))
            found[many].append(_once(large, other, "district"))
    what = f"a custodian's page with exact total at {many:,} records : at {few:,}, processor time"
    return _figure("custody", what, 1.25, found[many], found[few])


def _page(there: Stage, server: Server, member: str) -> list[float]:
    return [_once(there, server, member) for _ in range(ROUNDS)]


def _once(there: Stage, server: Server, member: str) -> float:
    """Milliseconds of processor for one page."""
    token = getattr(there.network, member).headers["Authorization"]
    with closing(Asker(server.url, token)) as asker:
        for _ in range(WARM):
            asker.ask("GET", PAGE)
        meter = Meter(server, there)
        for _ in range(TIMES):
            asker.ask("GET", PAGE)
        return 1000 * sum(meter.read()) / TIMES


def _figure(name: str, what: str, wanted: float, found: list[float], base: list[float]) -> Figure:
    sys.stderr.write(f"  {name}: {median(found):.2f} ms against {median(base):.2f}\n")
    ratios = [a / b for a, b in zip(found, base, strict=True)]
    return Figure(name, what, wanted, median(found) / median(base), max(ratios) - min(ratios), True)

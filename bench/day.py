"""A state's day at two scales: what a student costs is the same, however many there are beside it.

    python -m bench.day --sizes 2000 --sizes 20000

At night a district pushes its roster, what changed of it in transactions of 50; in the morning clinics look at their
work lists and search for the referrals of the students released to them, and read each; at noon a clinic exports all
that it may see; in the afternoon families sign and end releases. Everything grows with the students: docs/sizing.md
says how often each is in a day. Processor time, of the server with its worker and of the database.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from statistics import median
from typing import Annotated

import httpx
import typer

from bench.asker import Asker
from bench.bulk import pull, token
from bench.cpu import Meter
from bench.network import SAMPLE, copy_id
from bench.serving import Server, product
from bench.sign import Releases
from bench.stage import HELD, Stage, stage
from tests import build
from tests.world import EVERYTHING

CHANGED = 0.06
"""Records that a push changes, for each student."""
RELEASED = 0.1
"""Of the students."""
AT_ONCE = 50
ENDED = 0.005
"""Releases that are signed and ended, for each student."""


@dataclass
class Day:
    """One size: the network, its server, and milliseconds of processor for each student by part of the day."""

    there: Stage
    server: Server
    spent: dict[str, list[float]] = field(default_factory=dict)

    @property
    def students(self) -> int:
        """How many."""
        return self.there.students

    def live(self, round_: int) -> None:
        """Live a day, and note what each part took."""
        parts: dict[str, Callable[[int], None]] = {
            "night: push": self._push,
            "morning: work lists and searches": self._search,
            "noon: export": self._export,
            "afternoon: sign and end": self._end,
        }
        for name, part in parts.items():
            meter = Meter(self.server, self.there)
            part(round_)
            self.spent.setdefault(name, []).append(1000 * sum(meter.read()) / self.students)

    def _push(self, round_: int) -> None:
        with self._asking("district") as asker:
            numbers = range(1, round(self.students * CHANGED) + 1)
            for first in range(0, len(numbers), AT_ONCE):
                entries = [_changed(n, round_) for n in numbers[first : first + AT_ONCE]]
                asker.ask("POST", "/fhir", {"resourceType": "Bundle", "type": "transaction", "entry": entries})

    def _search(self, _round: int) -> None:
        own = self.there.network.sample
        with self._asking("clinic") as asker:
            for n in range(1, round(self.students * RELEASED)):
                if n % AT_ONCE == 1:
                    asker.ask("GET", f"/fhir/ServiceRequest?_count={AT_ONCE}")
                asker.ask("GET", f"/fhir/ServiceRequest?patient={copy_id(own['Patient'], n)}")
                asker.ask("GET", f"/fhir/ServiceRequest/{copy_id(own['ServiceRequest'], n)}")

    def _export(self, _round: int) -> None:
        asyncio.run(pull(self.there, self.server, self.there.network.clinic))

    def _end(self, _round: int) -> None:
        with self._asking("district") as asker:
            releases = Releases(self.there, asker)
            for _ in range(round(self.students * ENDED)):
                releases.end(releases.sign()[1])

    def _asking(self, member: str) -> closing[Asker]:
        async def ask() -> str:
            async with httpx.AsyncClient() as http:
                return await token(http, self.server, getattr(self.there.network, member), EVERYTHING)

        return closing(Asker(self.server.url, f"Bearer {asyncio.run(ask())}"))


def _changed(number: int, round_: int) -> dict[str, object]:
    value = SAMPLE[:-8] + f"{number:08d}"
    city = {"city": f"Grand Bend {round_}", "postalCode": "48001"}
    patient = build.patient(value, address=[city])
    url = f"Patient?identifier={patient['identifier'][0]['system']}|{value}"
    return {"resource": patient, "request": {"method": "PUT", "url": url}}


def main(
    sizes: Annotated[list[int] | None, typer.Option(help="Students; again for another size.")] = None,
    rounds: Annotated[int, typer.Option(help="Days, of which the median counts.")] = 3,
) -> None:
    """Live some days at each size, in turn, and print what a student costs."""
    with ExitStack() as stack:
        days = []
        for size in sizes or [2_000, 20_000]:
            there = stack.enter_context(stage(size, round(size * RELEASED), HELD))
            days.append(Day(there, stack.enter_context(product(there, own_address=True))))
        for round_ in range(rounds + 1):
            for day in days:
                day.live(round_)
                sys.stderr.write(f"day {round_} with {day.students} students\n")
    sys.stdout.write(table(days))


def table(days: list[Day]) -> str:
    """Milliseconds of processor for each student and day, at the median, the first day left out; and the ratios."""
    head = "| part of the day | " + " | ".join(f"{d.students:,} students" for d in days) + " | ratio |"
    lines = [head, "|---" * (len(days) + 2) + "|"]
    found = {name: [median(d.spent[name][1:]) for d in days] for name in days[0].spent}
    for name, values in {**found, "the day": [sum(v) for v in zip(*found.values(), strict=True)]}.items():
        lines.append(f"| {name} | " + " | ".join(f"{v:.2f} ms" for v in values) + f" | {values[-1] / values[0]:.2f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    typer.run(main)

"""The measurements, in one run on this machine: bench/results.json, docs/performance.md, docs/profile.md.

    python -m bench [--parts ratios more growth processes roster notify profile] [--quick]

`ratios` are against a bare limit, `more` is what renewals, policies and a custodian's holdings add to a page,
`growth` is cost against students and against what is visible (a million students take minutes to load: `--sizes`;
`--sizes` or `--visible` without a number leaves one of the two out), `processes` is what a second process brings,
`roster` is the import of a district (`--roster` students),
`notify` is how soon and how fast subscribers are told, and what a million waiting events cost a read,
`profile` is where the time goes. What is not among the parts keeps its last results. `--quick` measures the ratios
alone, less long and over fewer students, and says what fell by more than 15 % against the results that are kept.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

from bench import growth, load, more, notify, processes, profile, report, roster
from bench.cpu import family, spent
from bench.figures import Figure, asks, ratios, tail
from bench.load import alternated
from bench.serving import bare, product
from bench.sign import signing
from bench.stage import lay_bare, stage


def main() -> int:
    """Run, and answer the exit status: 1 where `--quick` finds that a figure fell."""
    chosen = _chosen()
    if chosen.quick:
        chosen.parts, chosen.students, chosen.seconds, chosen.rounds = ("ratios",), 1_000, 2, 2
    try:
        load.require()
        if "profile" in chosen.parts:
            profile.require()
    except (load.NoLoadTool, profile.NoProfiler) as e:
        sys.stderr.write(f"{e}\n")
        return 2
    fell: list[str] = []
    for part in (p for p in PARTS if p in chosen.parts):
        began, busy, before = time.monotonic(), os.getloadavg()[1], report.kept()
        found = PARTS[part](chosen)
        now = report.merged(before, found, busy, chosen.students)
        sys.stdout.write(report.table({f.name: now[f.name] for f in found}))
        sys.stderr.write(f"{part}: {time.monotonic() - began:.0f} s\n")
        fell += report.fallen(before, found)
        if not chosen.quick:
            report.keep(now)
    if chosen.quick:
        sys.stdout.write("".join(f"{line}\n" for line in fell))
    return 1 if chosen.quick and fell else 0


def _ratios(chosen: argparse.Namespace) -> list[Figure]:
    """What is asked of the product against the same of the bare limit; the tail; signing."""
    with stage(chosen.students, chosen.released) as there:
        lay_bare(there)
        with product(there) as own, bare(there) as limit:
            asked = asks(there, own.url, limit.url)

            def ran(ask: load.Ask) -> float:
                server = own if ask.url.startswith(own.url) else limit
                return sum(spent([*family(server.pid), *family(there.postmaster)]).values())

            return [
                *ratios(alternated(asked, chosen.seconds, chosen.rounds, chosen.connections, ran)),
                tail(there, own.url, chosen.seconds),
                *signing(there, own),
            ]


def _processes(chosen: argparse.Namespace) -> list[Figure]:
    with stage(chosen.students, chosen.released) as there:
        return [processes.second(there, chosen.seconds, chosen.rounds)]


def _growth(chosen: argparse.Namespace) -> list[Figure]:
    if chosen.visible:
        growth.visible(chosen.visible)
    return [growth.students(chosen.sizes, chosen.released, chosen.seconds, chosen.rounds)] if chosen.sizes else []


def _more(chosen: argparse.Namespace) -> list[Figure]:
    return more.more((min(chosen.held), max(chosen.held)))


def _profile(chosen: argparse.Namespace) -> list[Figure]:
    with stage(chosen.students, chosen.released) as there:
        profile.profile(there, chosen.seconds)
    return []


def _roster(chosen: argparse.Namespace) -> list[Figure]:
    return roster.roster(chosen.roster)


def _notify(chosen: argparse.Namespace) -> list[Figure]:
    return notify.notify(chosen.events, chosen.waiting)


PARTS = {
    "ratios": _ratios,
    "more": _more,
    "processes": _processes,
    "growth": _growth,
    "roster": _roster,
    "notify": _notify,
    "profile": _profile,
}


def _chosen() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=tuple(PARTS))
    parser.add_argument("--students", type=int, default=10_000)
    parser.add_argument("--released", type=int, default=200)
    parser.add_argument("--sizes", type=int, nargs="*", default=growth.SIZES, help="students, for growth")
    parser.add_argument("--visible", type=int, nargs="*", default=growth.VISIBLE, help="resources, for growth")
    parser.add_argument("--held", type=int, nargs=2, default=more.HELD, help="records of a custodian, for its page")
    parser.add_argument("--roster", type=int, default=roster.STUDENTS, help="students of the roster that is imported")
    parser.add_argument("--events", type=int, default=notify.EVENTS, help="events that are sent, for notify")
    parser.add_argument("--waiting", type=int, default=notify.WAITING, help="events that wait, for notify")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--connections", type=int, default=load.CONNECTIONS, help="of the load tool, for ratios")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    chosen = parser.parse_args()
    if chosen.released > min([chosen.students, *chosen.sizes]):
        parser.error("there are not so many students to release")
    return chosen


if __name__ == "__main__":
    sys.exit(main())

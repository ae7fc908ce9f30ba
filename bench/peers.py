"""Hallpass beside another FHIR R4 server, asked the same in turns: the processor time of all of each one's processes.

    make bench-peers PEER=http://127.0.0.1:8080/fhir PEER_PIDS=4711,4712   (the server's, and its database's)
    make bench-peers PEER=self                                             (a second Hallpass, or PEER=path of another)

Both get the same students, referrals and releases by the same transactions, and one client. There the release is but a
record; here the reader is a clinic that sees what is released to it, and each of its reads is on the ledger. Without
PEER_PIDS only time is compared, which is the machine's as much as the servers'.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from bench.asker import Asker
from bench.cpu import family, spent
from bench.peer_data import Loaded, load, roster
from bench.serving import product
from bench.stage import stage

REPORT = Path(__file__).parents[1] / "docs" / "peers.md"
RUNS = {
    "read by id": 100,
    "search by patient": 60,
    "page of 50, exact total": 20,
    "the same with its students": 20,
    "create": 60,
    "transaction of 50 creates": 4,
    "conditional update that changes nothing": 60,
    "transaction of 50 conditional updates, each a change": 4,
    "transaction of 50 conditional updates that change nothing": 4,
}
"""What is compared, and how often each is asked in one turn, unless it takes longer than MOST_SECONDS."""
MOST_SECONDS = 3.0


@dataclass(frozen=True)
class Side:
    """A server that is measured: where it is, who writes and who reads, two organizations, and its processes."""

    url: str
    writer: str = ""
    reader: str = ""
    organizations: tuple[str, ...] = ()
    pids: tuple[int, ...] = ()

    def processor(self) -> dict[int, float]:
        """Seconds that its processes have run."""
        return spent({p for pid in self.pids for p in family(pid)})


@dataclass
class Heard:
    """Milliseconds of processor and of the clock for one request, round by round."""

    cpu: list[float] = field(default_factory=list)
    clock: list[float] = field(default_factory=list)


def main() -> int:
    """Run, and write the table."""
    chosen = _chosen()
    if chosen.stand:
        return _stand()
    with own() as here, _peer(chosen) as there:
        sides = {"Hallpass": here, "peer": there}
        loaded = {name: load(Asker(s.url, s.writer), s.organizations, chosen.students) for name, s in sides.items()}
        found = {name: {row: Heard() for row in RUNS} for name in sides}
        for n in range(chosen.rounds + 1):
            for row, times in RUNS.items():
                for name, side in sides.items():
                    _turn(side, loaded[name], row, times, found[name][row] if n else Heard(), n)
            sys.stderr.write(f"round {n} of {chosen.rounds}\n")
        text = table(found, measured=bool(there.pids))
        sys.stdout.write(text)
        sys.stdout.flush()
        if chosen.write:
            REPORT.write_text(_page(chosen.name or chosen.peer, text))
    return 0


@contextmanager
def own() -> Iterator[Side]:
    """This Hallpass with a district and a clinic."""
    with stage(1, 1) as there, product(there) as server:
        network = there.network
        yield Side(
            f"{server.url}/fhir",
            network.district.headers["Authorization"],
            network.clinic.headers["Authorization"],
            (str(network.district.organization), str(network.clinic.organization)),
            (server.pid, there.postmaster),
        )


@contextmanager
def _peer(chosen: argparse.Namespace) -> Iterator[Side]:
    if chosen.peer.startswith("http"):
        yield Side(chosen.peer.rstrip("/"), pids=tuple(int(p) for p in chosen.pids.split(",") if p))
        return
    folder = Path(__file__).parents[1] if chosen.peer == "self" else Path(chosen.peer).resolve()
    command = [sys.executable, "-m", "bench.peers", "--stand"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield Side(**json.loads(process.stdout.readline()))
        process.stdin.close()  # it ends by that


def _stand() -> int:
    """Stand as a peer until the other side closes the line."""
    with own() as side:
        sys.stdout.write(json.dumps(asdict(side)) + "\n")
        sys.stdout.flush()
        sys.stdin.read()
    return 0


def _turn(side: Side, data: Loaded, row: str, times: int, heard: Heard, turn: int) -> None:
    """Ask so many times, one after the other, on one connection."""
    asker = Asker(side.url, side.writer if "create" in row or "update" in row else side.reader)
    ask = _asks(data, asker, turn)[row]
    ask(0)
    before, began, asked = side.processor(), time.perf_counter(), 0
    while asked < 2 or (asked < times and time.perf_counter() < began + MOST_SECONDS):
        asked += 1
        ask(asked)
    heard.clock.append(1000 * (time.perf_counter() - began) / asked)
    now = side.processor()
    heard.cpu.append(1000 * sum(ran - before.get(pid, 0.0) for pid, ran in now.items()) / asked)
    asker.close()


def _asks(data: Loaded, asker: Asker, turn: int) -> dict[str, Callable[[int], object]]:
    """The requests by their row. What is created is about students who are on no page of the reader's."""
    page = "/ServiceRequest?_count=50&_total=accurate"
    few = data.students[:50]

    def student(n: int) -> Any:
        return few[n % len(few)]

    return {
        "read by id": lambda n: asker.ask("GET", f"/ServiceRequest/{student(n).referral}"),
        "search by patient": lambda n: asker.ask("GET", f"/ServiceRequest?patient={student(n).id}"),
        "page of 50, exact total": lambda _: asker.ask("GET", page),
        "the same with its students": lambda _: asker.ask("GET", f"{page}&_include=ServiceRequest:patient"),
        "create": lambda n: asker.ask("POST", "/ServiceRequest", data.referral(n)),
        "transaction of 50 creates": lambda n: asker.ask("POST", "", data.creates(50)),
        "conditional update that changes nothing": lambda n: asker.ask(
            "PUT", f"/Patient?identifier={student(n).query}", student(n).patient
        ),
        "transaction of 50 conditional updates, each a change": lambda n: asker.ask(
            "POST", "", roster(data.others, f"{turn}-{n}")
        ),
        "transaction of 50 conditional updates that change nothing": lambda _: asker.ask("POST", "", roster(few, None)),
    }


def table(found: dict[str, dict[str, Heard]], *, measured: bool) -> str:
    """The rows as Markdown: the peer's time by ours; above 1 Hallpass is cheaper."""
    lines = [
        "| interaction | Hallpass, ms of processor | peer, ms of processor | peer : Hallpass | by the clock |",
        "|---|---|---|---|---|",
    ]
    for row in RUNS:
        here, there = found["Hallpass"][row], found["peer"][row]
        clock = median(there.clock) / median(here.clock)
        cpu = f"{median(there.cpu):.2f} | {median(there.cpu) / median(here.cpu):.2f}" if measured else "- | -"
        lines.append(f"| {row} | {median(here.cpu):.2f} | {cpu} | {clock:.2f} |")
    return "\n".join(lines) + "\n"


def _page(peer: str, text: str) -> str:
    return (
        "# Beside another FHIR server\n"
        f"`make bench-peers` wrote this page: Hallpass beside {peer}, the same bodies, data and client, in turns, on"
        f" {os.cpu_count()} cores.\nHallpass validates, enforces releases and writes its ledger; the main figure is the"
        " processor time of all processes, the database's\nincluded. Above 1 Hallpass is cheaper.\n\n" + text
    )


def _chosen() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", default="self", help="a FHIR base URL, `self`, or the folder of another Hallpass")
    parser.add_argument("--pids", default="", help="processes of the peer and of its database, separated by commas")
    parser.add_argument("--name", default="", help="what the peer is called in docs/peers.md")
    parser.add_argument("--students", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="write docs/peers.md")
    parser.add_argument("--stand", action="store_true", help="stand as a peer, and say where")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

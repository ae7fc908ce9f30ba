"""The load: wrk, a load generator that takes little of the machine itself. https://github.com/wg/wrk"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

CONNECTIONS = 64
WARM = 4
"""Seconds at the least of the first round: the first plans of all connections are made in it."""
_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


class NoLoadTool(Exception):
    """wrk is not installed."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What is sent: a URL, with a token, a method, and what is asked in turn, each with a path of its own."""

    url: str
    token: str | None = None
    method: str = "GET"
    turns: tuple[tuple[str, str], ...] = ()
    """Path and body (empty: none), so that it is not one record that all connections ask for; none: the URL."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Requests per second, milliseconds at the median and the 99th percentile, and of processor for each."""

    rate: float
    p50: float
    p99: float
    cpu: float = 0.0


def require() -> None:
    """Raise NoLoadTool where the load tool is missing."""
    if not shutil.which("wrk"):
        raise NoLoadTool("make bench needs the load generator wrk: apt-get install wrk")


def hammer(ask: Ask, seconds: float, *, connections: int = CONNECTIONS, pause: int = 0) -> Heard:
    """Ask as fast as answers come; with `pause`, each connection waits so many milliseconds in between.

    Raises RuntimeError when an answer is not a success: then the figure would be of something else.
    """
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "ask.lua"
        script.write_text(_script(ask, pause))
        lasting = f"-d{max(1, round(seconds))}s"
        command = ["wrk", "-t1", f"-c{connections}", lasting, "--latency", "-s", str(script), ask.url]
        found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if refused := re.search(r"Non-2xx or 3xx responses: (\d+)", found):
        raise RuntimeError(f"{ask.url}: {refused[1]} answers were no success")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", found)
    if rate is None or not float(rate[1]):
        raise RuntimeError(f"{ask.url}: no answers\n{found}")
    return Heard(float(rate[1]), _at(found, 50), _at(found, 99))


def _at(text: str, percentile: int) -> float:
    found = re.search(rf"{percentile}%\s+([\d.]+)(us|ms|s)\b", text)
    if found is None:
        raise RuntimeError(text)
    return float(found[1]) * _UNITS[found[2]]


def _script(ask: Ask, pause: int) -> str:
    headers = {"Authorization": ask.token} if ask.token else {}
    if any(body for _, body in ask.turns):
        headers["Content-Type"] = "application/fhir+json"
    lines = [f"wrk.headers[{json.dumps(k)}] = {json.dumps(v)}" for k, v in headers.items()]
    if ask.turns:
        sent = ",".join(f"{{{json.dumps(path)},{json.dumps(body) if body else 'nil'}}}" for path, body in ask.turns)
        lines += [
            f"local asks, n = {{{sent}}}, 0",
            "request = function()",
            "  n = n % #asks + 1",
            f'  return wrk.format("{ask.method}", asks[n][1], nil, asks[n][2])',
            "end",
        ]
    if pause:
        lines.append(f"delay = function() return {pause} end")
    return "\n".join(lines) + "\n"


def alternated(
    asks: dict[str, Ask], seconds: float, rounds: int, connections: int, spent: Callable[[Ask], float]
) -> dict[str, list[Heard]]:
    """Each in turn, `rounds` times over, so that what else the machine does falls on all; the first round warms up.

    `spent`: the processor time so far of all that answers an ask.
    """
    found: dict[str, list[Heard]] = {name: [] for name in asks}
    for n in range(rounds + 1):
        for name, ask in asks.items():
            before = spent(ask)
            heard = hammer(ask, seconds if n else max(WARM, seconds / 2), connections=connections)
            heard = replace(heard, cpu=1000 * (spent(ask) - before) / heard.rate / max(1, round(seconds)))
            if n:
                found[name].append(heard)
                sys.stderr.write(
                    f"  {name}: {heard.rate:.0f}/s, median {heard.p50:.1f} ms, {heard.cpu:.2f} ms of processor\n"
                )
    return found

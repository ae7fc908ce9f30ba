"""`hallpass serve` looks after a worker in a process of its own, and does not outlive it, nor the reverse."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator

import httpx
import psutil
import pytest

from tests.running import Running, serving

SECONDS = 60


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with serving(alone=True, HALLPASS_WORKER="true", HALLPASS_DRAIN_SECONDS="0") as found:
        yield found


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def workers(running: Running) -> list[psutil.Process]:
    """The workers whose data directory is this server's."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if "worker" in (process.info["cmdline"] or []) and "--beside" in process.info["cmdline"]:
            try:
                mine = process.environ().get("HALLPASS_DATA_DIR") == str(running.data)
            except psutil.Error:
                continue
            if mine and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def ready(running: Running) -> dict[str, str]:
    answer: dict[str, str] = httpx.get(f"http://127.0.0.1:{running.port}/health/ready").json()
    return answer


def test_the_server_is_ready_and_knows_that_its_worker_lives(running: Running) -> None:
    until(lambda: ready(running) == {"status": "ok", "worker": "ok"})
    listed = running.hallpass("jobs")
    assert listed.exit_code == 0, listed.output
    assert {"forget_tokens", "partition_ledger"} <= set(listed.output.split())
    assert "worker on " in listed.output


def test_a_worker_that_was_killed_is_started_again(running: Running) -> None:
    (worker,) = workers(running)
    worker.kill()
    until(lambda: [w.pid for w in workers(running)] not in ([], [worker.pid]))


def test_a_worker_ends_with_its_server_however_that_ends(running: Running) -> None:
    until(lambda: len(workers(running)) == 1)
    running.stop(signal.SIGKILL)
    until(lambda: not workers(running))
    running.start()
    until(lambda: len(workers(running)) == 1)
    running.stop(signal.SIGTERM)
    assert not workers(running)

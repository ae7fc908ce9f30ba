"""Long work has a thread of its own, an end, and clients in turns."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import time
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import HallpassError, Kind
from app.fhir.json import dump
from app.limits import long_work
from app.limits.content import more_values, require_few
from app.limits.long_work import LongWork


def forever() -> None:
    while True:
        pass


async def test_work_without_an_end_is_stopped_and_the_next_piece_is_not() -> None:
    found = LongWork(0.1)
    for _ in range(3):
        with pytest.raises(HallpassError) as refused:
            await found.run("a", forever)
        assert refused.value.kind is Kind.TOO_COSTLY
        assert await found.run("a", lambda: sum(range(1_000))) == 499_500


class Held:
    """Of a circle, so that the garbage collector alone takes it away."""

    def __init__(self) -> None:
        self.me = self


def busy(seconds: float) -> None:
    """Use so much processor time."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


async def test_what_the_garbage_collector_takes_is_not_the_work_s(recwarn: pytest.WarningsRecorder) -> None:
    """It walks what the whole process holds, and calls what others hung on it."""

    def collect() -> int:
        held = Held()
        called = weakref.ref(held, lambda _: busy(1))
        del held
        gc.collect()
        assert called() is None
        busy(0.2)
        return 1

    assert await LongWork(0.7).run("a", collect) == 1
    assert not recwarn, "it was raised in the callback"


def test_work_that_is_done_leaves_the_interpreter_as_it_was() -> None:
    """What is sent to a thread and taken back slows every call of the process, and a traced one never begins."""
    script = (
        "import asyncio, sys\n"
        "from app.limits.long_work import LongWork\n"
        "asyncio.run(LongWork().run('a', lambda: 1))\n"
        "sys.settrace(lambda *_: None)\n"
        "(lambda: 1)()\n"
        "print('done')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "done\n"


async def test_what_work_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        await LongWork().run("a", lambda: 1 // 0)


async def test_work_that_nobody_waits_for_any_more_gives_the_thread_back() -> None:
    found = LongWork(60)
    task = asyncio.create_task(found.run("a", forever))
    await asyncio.sleep(0.1)
    task.cancel()
    async with asyncio.timeout(5):
        assert await found.run("b", lambda: 1) == 1


async def test_a_client_with_many_pieces_takes_turns_with_others() -> None:
    found, order = LongWork(), list[str]()

    def work(name: str) -> None:
        time.sleep(0.02)
        order.append(name)

    many = [asyncio.create_task(found.run("many", lambda: work("many"))) for _ in range(10)]
    await asyncio.sleep(0)
    await found.run("one", lambda: work("one"))
    assert order.index("one") <= 2
    await asyncio.gather(*many)


async def test_a_client_that_uses_up_its_processor_time_is_told_to_slow_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_work, "BURST_SECONDS", 2)
    found = LongWork(1.5)
    with pytest.raises(HallpassError, match="processor time to read"):
        await found.run("a", forever)
    with pytest.raises(HallpassError) as refused:
        await found.run("a", lambda: 1)
    assert refused.value.kind is Kind.TOO_MANY
    assert await found.run("b", lambda: 1) == 1


TEXT = st.text(alphabet='ab\\",[{', max_size=5)
JSON = st.recursive(
    st.none() | st.integers(0, 9) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


def refused(body: bytes, most: int) -> bool:
    try:
        require_few(body, most)
    except HallpassError:
        return True
    return False


@given(st.dictionaries(st.sampled_from("abcdef"), JSON, min_size=1), st.integers(1, 30))
def test_what_is_counted_before_it_is_parsed_is_what_is_counted_after(content: dict[str, object], most: int) -> None:
    """But for what is empty, of which the brackets tell one too many."""
    if refused(dump(content), most):
        assert more_values(content, most // 2 - 1)
    else:
        assert not more_values(content, most)

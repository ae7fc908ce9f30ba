"""The log's lines are as logging writes them, though the clock is spelled out once a second."""

from __future__ import annotations

import logging

import pytest

from app.telemetry.log import Text


@pytest.mark.parametrize("moments", [(0.0, 0.0004), (1_790_000_000.999, 1_790_000_001.0), (1_790_000_000.25,) * 2])
def test_a_line_has_the_time_that_logging_gives_it(moments: tuple[float, float]) -> None:
    form = "%(asctime)s %(levelname)s %(message)s"
    ours, theirs = Text(form), logging.Formatter(form)
    for moment in moments:
        record = logging.LogRecord("hallpass", logging.INFO, "", 0, "line", None, None)
        record.created, record.msecs = moment, int((moment % 1) * 1000) + 0.0
        assert ours.format(record) == theirs.format(record)

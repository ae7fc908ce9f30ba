"""How long the stages of a request's work take: in the metrics, and in its trace where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from app.telemetry import measures, traces

Stage = Literal["validate", "judge", "write"]
"""A body is judged as FHIR; what leaves is judged by the rule and entered on the ledger; versions are stored."""


@contextmanager
def stage(name: Stage) -> Iterator[None]:
    """Measure what is done within."""
    with measures.STAGE_SECONDS.labels(name).time(), traces.part(name):
        yield

"""Tells subscribers what was written and what became visible to them."""

from __future__ import annotations

from datetime import timedelta

from app.jobs.job import Loop, Tools
from app.notify.deliver import Deliverer


def _start(tools: Tools) -> Deliverer:
    return Deliverer(tools.db, tools.settings, tools.access_service)


JOB = Loop(
    name="notify",
    summary="Tell subscribers what was written and what became visible to them.",
    start=_start,
    every=timedelta(seconds=0.25),
)

"""Keeps the witness (HALLPASS_WITNESS) up to date with the database, and stops a database that is older."""

from __future__ import annotations

from datetime import timedelta

from app.jobs.job import Loop, Tools
from app.witness.keeper import Keeper


def _start(tools: Tools) -> Keeper:
    return Keeper(tools.db.owner, tools.settings)


JOB = Loop(
    name="witness",
    summary="Keep what ended and what was disclosed elsewhere, against a restore.",
    start=_start,
    every=timedelta(seconds=0.25),
)

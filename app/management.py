"""The management port: what Prometheus reads of all processes of a server, and of its database.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator

from prometheus_client import REGISTRY, CollectorRegistry, Metric, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy import URL, text
from sqlalchemy.exc import SQLAlchemyError

from app.db.engine import owner_transaction
from app.errors import HallpassError
from app.settings import Settings

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable by which the client library of Prometheus finds the folder that several processes share."""
FRESH_SECONDS = 10.0
DATABASE_SECONDS = 5.0
_FIGURES = text("SELECT name, help, value FROM hallpass.operating_figures()")

Figure = tuple[str, str, float]
"""A name, what it says, and the number."""


def share_measures(settings: Settings) -> None:
    """Have the processes that are started from here measure into one folder. Before they start."""
    if settings.metrics_port is not None and settings.workers > 1:
        os.environ[FOLDER] = tempfile.mkdtemp(prefix="hallpass-metrics-")


def serve(settings: Settings, owner: URL) -> None:
    """Serve /metrics on its own port, in a thread, where a setting asks. Raises OSError for a port that is taken."""
    if settings.metrics_port is None:
        return
    registry = CollectorRegistry()
    if FOLDER in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(REGISTRY)
    registry.register(DatabaseFigures(owner))
    start_http_server(settings.metrics_port, settings.metrics_host, registry)


class DatabaseFigures(Collector):
    """Asks the database when it is scraped, and answers what it knows where scrapes come close together."""

    def __init__(self, owner: URL) -> None:
        self._owner = owner
        self._known: list[Figure] | None = None
        self._asked = float("-inf")

    def describe(self) -> Iterator[Metric]:
        """Nothing is known before it is asked."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The figures, or that the database does not answer."""
        if time.monotonic() - self._asked > FRESH_SECONDS:
            self._known, self._asked = asyncio.run(self._ask()), time.monotonic()
        up = self._known is not None
        yield GaugeMetricFamily("hallpass_database_up", "1: the database answers.", value=float(up))
        for name, says, value in self._known or ():
            yield GaugeMetricFamily(f"hallpass_{name}", says, value=value)

    async def _ask(self) -> list[Figure] | None:
        try:
            async with asyncio.timeout(DATABASE_SECONDS), owner_transaction(self._owner) as connection:
                return [(row.name, row.help, float(row.value)) for row in await connection.execute(_FIGURES)]
        except (HallpassError, SQLAlchemyError, OSError, TimeoutError):
            return None

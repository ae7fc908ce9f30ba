"""Real PostgreSQL for every test: the embedded server, or DATABASE_URL's; a migrated database per test module."""

from __future__ import annotations

import gc
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import create_async_engine

from app import keyring
from app.db import embedded
from app.db.address import owner_url
from app.db.engine import Database
from app.db.migrate import migrate
from tests.recording import recording


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option by which tests/conformance/emitted.py has the answers collected."""
    parser.addoption("--emitted", type=Path, metavar="FOLDER", help="Keep what the server answers in a folder.")
    parser.addoption("--fast", action="store_true", help="Only tests that need no database and no server.")


FIXTURES_OF_SERVERS = frozenset({"server", "running"})
SLOW = (
    "assurance/",
    "tests/bench/",
    "tests/conformance/",
    "tests/openapi/",
    "tests/intake/edfi/test_generate.py",
    "tests/telemetry/test_metrics.py",
    "tests/test_",
    "tests/witness/",
)
"""Where a test may start a server by itself, or takes long without one."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the fast tests alone, where it was asked for (`make test-fast`)."""
    if config.getoption("--fast"):
        items[:] = [
            i
            for i in items
            if not FIXTURES_OF_SERVERS & set(getattr(i, "fixturenames", ())) and not i.nodeid.startswith(SLOW)
        ]


def pytest_collection_finish() -> None:
    """As a server does: the garbage collector does not walk what lasts as long as the process."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _recording(request: pytest.FixtureRequest) -> Iterator[None]:
    """Record for the length of the session, where it was asked for."""
    folder: Path | None = request.config.getoption("--emitted")
    if folder is None:
        yield
    else:
        with recording(folder):
            yield


@pytest.fixture(scope="session", autouse=True)
def _key() -> None:
    """A key for what runs in this process, so that none is made in its working directory."""
    os.environ["HALLPASS_KEY"] = keyring.new()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[URL]:
    """The URL of a PostgreSQL server's owner role."""
    if url := os.environ.get("DATABASE_URL"):
        yield owner_url(url)
    else:
        home = Path(os.environ.get("TMPDIR", "/tmp")) / f"hallpass-tests-{os.getuid()}-{worker_id}"
        yield embedded.start(home)


@pytest_asyncio.fixture(scope="session")
async def template(server: URL) -> AsyncIterator[URL]:
    """A migrated database that the others are copied from: DATABASE_TEMPLATE, where many runs share one."""
    if kept := os.environ.get("DATABASE_TEMPLATE"):
        yield server.set(database=kept)
        return
    url = server.set(database=f"hallpass_test_{uuid.uuid4().hex[:12]}")
    await migrate(url, create=True)
    yield url
    await _run(server, f'DROP DATABASE "{url.database}" WITH (FORCE)')


@pytest_asyncio.fixture(scope="module")
async def database(server: URL, template: URL) -> AsyncIterator[URL]:
    """A fresh migrated database's owner URL."""
    url = server.set(database=f"hallpass_test_{uuid.uuid4().hex[:12]}")
    await _run(server, f'CREATE DATABASE "{url.database}" TEMPLATE "{template.database}"')
    yield url
    await _run(server, f'DROP DATABASE "{url.database}" WITH (FORCE)')


@pytest_asyncio.fixture(scope="module")
async def db(database: URL) -> AsyncIterator[Database]:
    """The app's pool on a fresh database."""
    found = Database(database)
    yield found
    await found.dispose()


@pytest.fixture(scope="session")
def worker_id() -> str:
    """The pytest-xdist worker's name."""
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


async def _run(server: URL, statement: str) -> None:
    engine = create_async_engine(server.set(database="postgres"), isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(statement))
    await engine.dispose()

"""Behind Debian's PgBouncer in transaction mode, set up as the guide says, no transaction of many at once fails.

https://www.pgbouncer.org/config.html
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import URL, text

from app.db.engine import Database
from app.keyring import new
from app.main import create_app
from tests import build
from tests.running import fresh_environment, hallpass
from tests.scene import Scene, set_scene
from tests.world import open_world

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "operations.md"
PROGRAM = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
PASSWORD = "the-owners"
AT_ONCE = 60
SERVERS = 5
"""Connections that PgBouncer has to PostgreSQL for one user: far fewer than the exchange has to PgBouncer."""


@pytest.fixture(scope="module")
def pooled(database: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[URL]:
    """The database behind PgBouncer, as the guide's settings have it."""
    if PROGRAM is None or "host" not in database.query:
        pytest.skip("there is no pgbouncer here, or the server is not on this machine's socket")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("pgbouncer")
    told = re.search(r"```ini\n(\[databases\].*?)```", GUIDE.read_text(), re.S)
    assert told, "the guide has PgBouncer's settings"
    place = f"{database.database} = host={database.query['host']} port={database.query.get('port', 5432)}"
    settings = told[1].replace("hallpass = host=db port=5432", place)
    changed = {"listen_port": port, "auth_file": folder / "users", "auth_user": database.username}
    for name, value in changed.items():
        settings, times = re.subn(rf"(?m)^{name} = .*$", f"{name} = {value}", settings)
        assert times == 1, name
    (folder / "users").write_text(f'"{database.username}" "{PASSWORD}"\n')
    more = f"default_pool_size = {SERVERS}\nmax_client_conn = 200\nunix_socket_dir =\nlogfile = {folder / 'log'}\n"
    (folder / "ini").write_text(f"{settings}{more}")
    # It does not run as root: then as the user that the embedded server runs as, whose socket it reaches.
    user = ["-u", Path(str(database.query["host"])).owner()] if os.getuid() == 0 else []
    for path in (folder, folder / "users", folder / "ini") if user else ():
        shutil.chown(path, user[1])
    for parent in folder.parents[:2] if user else ():
        parent.chmod(parent.stat().st_mode | 0o011)
    with subprocess.Popen([PROGRAM, "-q", *user, folder / "ini"]) as process:
        try:
            _await_port(port, process)
            yield database.set(host="127.0.0.1", port=port, password=PASSWORD, query={"pgbouncer": "true"})
        finally:
            process.terminate()


def _await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("pgbouncer does not listen")


@pytest_asyncio.fixture(scope="module")
async def scene(database: URL, pooled: URL) -> AsyncIterator[Scene]:
    """Members that were set up directly and ask an application behind PgBouncer."""
    direct, behind = Database(database), Database(pooled, pool_size=20)
    async with open_world(direct) as world:
        found = await set_scene(world, "Patient", "Encounter")
        app = create_app(world.settings, behind)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), timeout=30) as http,
        ):
            for member in (found.district, found.clinic):
                member.http = http
            yield found
    await direct.dispose()
    await behind.dispose()


async def test_sixty_mixed_transactions_at_once_do_not_fail_behind_a_pooler(scene: Scene) -> None:
    district, clinic, student = scene.district, scene.clinic, scene.student["id"]
    encounter = scene.records["Encounter"]["id"]
    kinds = [
        lambda n: clinic.get(f"/Patient/{student}"),
        lambda n: clinic.get(f"/Encounter?patient={student}&_total=accurate"),
        lambda n: clinic.get(f"/Encounter/{encounter}/_history"),
        lambda n: district.post("/Patient", build.patient(f"P-{n}")),
        lambda n: district.get("/Patient?_count=20&_sort=-_lastUpdated"),
        lambda n: district.get(f"/Patient/{student}/$everything"),
    ]
    answers = await asyncio.gather(*(kinds[n % len(kinds)](n) for n in range(AT_ONCE)))
    assert [a.text for a in answers if a.status_code not in (200, 201)] == []


async def test_a_statement_of_sqlalchemys_is_its_own_on_whichever_connection_it_comes_to(pooled: URL) -> None:
    behind = Database(pooled, pool_size=20)

    async def ask(n: int) -> int:
        async with behind.begin() as connection:
            first = await connection.scalar(text("SELECT CAST(:n AS integer)"), {"n": n})
            second = await connection.scalar(text("SELECT CAST(:n AS integer) + 1"), {"n": n})
            return int(first or 0) + int(second or 0)

    found = [await asyncio.gather(*(ask(n) for n in range(AT_ONCE))) for _ in range(2)]
    assert found == [[2 * n + 1 for n in range(AT_ONCE)]] * 2
    await behind.dispose()


def test_a_migration_is_refused_through_a_pooler(pooled: URL, tmp_path: Path) -> None:
    environment = fresh_environment(tmp_path) | {"DATABASE_URL": pooled.render_as_string(hide_password=False)}
    refused = hallpass("migrate", environment=environment)
    assert refused.exit_code == 2
    assert "with PostgreSQL's own address" in refused.output


@pytest.mark.parametrize(
    ("behind", "says", "found"),
    [
        (True, True, None),
        (True, False, "a pooler stands between, and DATABASE_URL does not say so"),
        (False, True, "DATABASE_URL says pgbouncer=true, and no pooler stands between"),
        (False, False, None),
    ],
)
def test_doctor_says_where_the_address_is_not_true_of_the_pooler(
    pooled: URL, database: URL, tmp_path: Path, behind: bool, says: bool, found: str | None
) -> None:
    url = (pooled if behind else database).difference_update_query(["pgbouncer"])
    url = url.update_query_dict({"pgbouncer": "true"}) if says else url
    environment = fresh_environment(tmp_path) | {"DATABASE_URL": url.render_as_string(hide_password=False)}
    said = hallpass("doctor", environment=environment | {"HALLPASS_KEY": new()}).output
    assert "no synchronous standby" in said
    lines = [line for line in said.splitlines() if "pooler" in line]
    assert len(lines) == (found is not None), said
    assert found is None or lines[0].startswith(f"note  {found}. ")

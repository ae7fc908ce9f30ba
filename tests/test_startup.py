"""How the program starts and ends: at once, in a line that says what is wrong, and with all that it started."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import create_async_engine

from app.cli import COMMANDS
from app.settings import Settings, variable
from tests.running import BIN, fresh_environment, hallpass, serving

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("sqlalchemy", "fastapi", "asyncpg", "pydantic", "httpx", "fhir", "jose", "alembic", "cryptography")


def fastest(*command: str) -> float:
    """Seconds that a command takes, of five times."""
    found = []
    for _ in range(5):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        found.append(time.perf_counter() - started)
    return min(found)


def test_help_takes_at_most_three_times_as_long_as_a_bare_program_with_typer() -> None:
    bare = fastest(sys.executable, "-c", "import typer, typer.rich_utils")
    assert fastest(str(BIN / "hallpass"), "--help") < 3 * bare


def test_help_imports_nothing_that_it_does_not_need() -> None:
    program = "import sys; from app.cli import app; app(['--help'], standalone_mode=False); print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    modules = said.splitlines()[-1].split()
    assert [name for name in modules if name.split(".")[0] in HEAVY] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_that_help_lists_is_there(command: str, tmp_path: Path) -> None:
    own = hallpass(command, "--help", environment=fresh_environment(tmp_path))
    assert own.exit_code == 0, own.output
    assert f" {command} " in own.output


@pytest.mark.parametrize("processes", ["1", "2"])
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_an_embedded_database_ends_with_the_server(how: signal.Signals, processes: str) -> None:
    with serving(alone=True, HALLPASS_WORKERS=processes, HALLPASS_DRAIN_SECONDS="0") as running:
        postgres = running.postgres
        running.stop(how)
        assert not alive(postgres)


def test_an_embedded_database_ends_with_a_command_that_is_told_to_end(tmp_path: Path) -> None:
    program = (
        "import signal, sys; from pathlib import Path; from app.db import embedded;"
        f"embedded.start(Path({str(tmp_path)!r})); print('up', flush=True); signal.pause()"
    )
    tmp_path.chmod(0o755)
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    postgres = psutil.Process(int((tmp_path / "postgres" / "postmaster.pid").read_text().split()[0]))
    process.terminate()
    assert process.wait(30) == 128 + signal.SIGTERM
    process.stdout.close()
    assert not alive(postgres)


def test_a_server_that_is_told_to_end_serves_on_and_is_ready_no_more() -> None:
    with serving(alone=True, HALLPASS_DRAIN_SECONDS="2") as running, httpx.Client() as kept:
        where = f"http://127.0.0.1:{running.port}"
        assert kept.get(f"{where}/health/ready").json() == {"status": "ok", "worker": "none"}
        running.signal(signal.SIGTERM)
        time.sleep(0.5)
        ready = kept.get(f"{where}/health/ready")
        assert (ready.status_code, ready.json(), ready.headers["connection"]) == (503, {"status": "draining"}, "close")
        assert httpx.get(f"{where}/fhir/metadata").status_code == 200
        assert httpx.get(f"{where}/health/live").status_code == 200
        running.wait()
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{where}/health/live")


def alive(process: psutil.Process) -> bool:
    """Whether a process still runs; one that has ended may be waiting for whoever adopted it to notice."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_every_setting_is_read_somewhere() -> None:
    source = "".join(p.read_text() for p in (ROOT / "app").rglob("*.py"))
    unread = [n for n in Settings.model_fields if not re.search(rf"(settings|chosen|load\(\)|self)\.{n}\b", source)]
    assert unread == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HALLPASS_PORT", "http"),
        ("HALLPASS_WORKERS", "0"),
        ("HALLPASS_TIME_ZONE", "Mars/Olympus"),
        ("HALLPASS_TIME_ZONE", ""),
        ("HALLPASS_CORS_ORIGINS", "https://ehr.example.org"),
        ("HALLPASS_CORS_ORIGINS", '["*"]'),
        ("HALLPASS_BASE_URL", "http://exchange.example.org"),
        ("HALLPASS_BASE_URL", "exchange"),
        ("HALLPASS_UNHEARD_OF", "1"),
        ("HALLPASS_HONOR_PAST_MAJORITY", "true"),
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "mysql://owner:secret@localhost/exchange"),
        ("DATABASE_URL", "postgresql://owner:secret@localhost:port/exchange"),
    ],
)
def test_a_setting_that_is_wrong_is_named_by_its_variable_in_one_line(tmp_path: Path, name: str, value: str) -> None:
    refused = start({**fresh_environment(tmp_path), name: value})
    assert refused.returncode == 2
    assert refused.stderr.startswith("hallpass: settings: ")
    assert name in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert "secret" not in refused.stderr


def test_every_setting_has_the_variable_that_help_lists() -> None:
    assert variable("database_url") == "DATABASE_URL"
    assert variable("base_url") == "HALLPASS_BASE_URL"


def test_a_server_on_another_port_knows_its_own_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HALLPASS_BASE_URL", raising=False)
    monkeypatch.setenv("HALLPASS_PORT", "9123")
    assert Settings().base_url == "http://127.0.0.1:9123"
    monkeypatch.setenv("HALLPASS_BASE_URL", "https://exchange.example.org")
    assert Settings().base_url == "https://exchange.example.org"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://owner:secret@127.0.0.1:1/exchange", ("127.0.0.1:1", "Start PostgreSQL there")),
        ("postgresql://owner:secret@127.0.0.1:1,127.0.0.1:2/exchange", ("127.0.0.1:2", "Start PostgreSQL there")),
        ("postgresql://owner:secret@absent.invalid/exchange", ("absent.invalid", "name is not known")),
        ("postgresql:///exchange?host=/absent", ("/absent", "No such file")),
    ],
)
def test_a_database_that_cannot_be_reached_is_told_in_one_line(tmp_path: Path, url: str, said: tuple[str, ...]) -> None:
    one_line(start({**fresh_environment(tmp_path), "DATABASE_URL": url}), *said)


def test_a_misspelt_database_is_not_created_but_told(server: URL, tmp_path: Path) -> None:
    url = server.set(database="hallpass_test_misspelt").render_as_string(hide_password=False)
    environment = {**fresh_environment(tmp_path), "DATABASE_URL": url}
    for command in ("serve", "verify", "migrate"):
        one_line(start(environment, command), "hallpass_test_misspelt", "hallpass migrate --create")


async def test_a_database_is_created_where_that_is_asked_for(server: URL, tmp_path: Path) -> None:
    own = server.set(database="hallpass_test_created")
    environment = {**fresh_environment(tmp_path), "DATABASE_URL": own.render_as_string(hide_password=False)}
    made = start(environment, "migrate", "--create")
    assert made.returncode == 0, made.stderr
    assert start(environment, "org", "list").returncode == 0
    await as_administrator(server, "DROP DATABASE hallpass_test_created WITH (FORCE)")


async def test_a_role_that_may_not_make_what_is_needed_is_told_so(server: URL, tmp_path: Path) -> None:
    await as_administrator(server, "DROP ROLE IF EXISTS hallpass_test_poor", "CREATE ROLE hallpass_test_poor LOGIN")
    url = server.set(username="hallpass_test_poor", database="postgres").render_as_string(hide_password=False)
    one_line(start({**fresh_environment(tmp_path), "DATABASE_URL": url}), "permission denied", "owner of the database")
    await as_administrator(server, "DROP ROLE hallpass_test_poor")


def one_line(ended: subprocess.CompletedProcess[str], *said: str) -> None:
    """A command that ended with status 2 and said this in one line, and no password."""
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.count("\n") == 1
    assert "Traceback" not in ended.stderr
    assert "secret" not in ended.stderr
    assert [words for words in said if words not in ended.stderr] == [], ended.stderr


def start(environment: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself."""
    return subprocess.run(
        [BIN / "hallpass", *(command or ("serve",))], env=environment, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip


async def as_administrator(server: URL, *statements: str) -> None:
    """Run statements, each by itself."""
    engine = create_async_engine(server.set(database="postgres"), isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        for statement in statements:
            await connection.execute(text(statement))
    await engine.dispose()

"""DATABASE_URL means what it means to psql, and one that cannot be used is told so in words, without its password."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote_plus

import pytest
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from app.db.address import BadAddress, owner_url, spelled


def arguments(text: str) -> dict[str, object]:
    """What the driver is called with."""
    return dict(PGDialect_asyncpg().create_connect_args(owner_url(text))[1])


def test_one_host_with_user_password_port_and_database() -> None:
    expected = {"host": "db", "port": 5433, "user": "owner", "password": "p@ss", "database": "exchange"}
    assert arguments("postgresql://owner:p%40ss@db:5433/exchange") == expected


def test_of_several_hosts_the_one_that_takes_writes_is_asked_for() -> None:
    found = arguments("postgres://owner:x@db1:5433,db2/exchange")
    assert (found["host"], found["port"]) == (["db1", "db2"], [5433, 5432])
    assert found["dsn"] == "postgresql://?target_session_attrs=read-write"


def test_what_is_asked_of_several_hosts_can_be_chosen() -> None:
    assert "any" in str(arguments("postgresql://a@b,c/d?target_session_attrs=any")["dsn"])


def test_tls_files_and_modes_reach_the_driver(tmp_path: Path) -> None:
    (tmp_path / "root.crt").touch()
    found = arguments(f"postgresql://a@b/d?sslmode=verify-full&sslrootcert={tmp_path}/root.crt")
    assert found["dsn"] == f"postgresql://?sslmode=verify-full&sslrootcert={quote_plus(str(tmp_path))}%2Froot.crt"


def test_a_socket_is_a_host_that_is_a_folder() -> None:
    assert arguments("postgresql:///d?host=/run/postgresql&user=a") == {
        "host": "/run/postgresql", "user": "a", "database": "d",
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://a:b@h/d",
        "postgresql://a:b@h1:1,h2:2/d?sslmode=require&connect_timeout=3",
        "postgresql://a:b@[::1]:5433/d",
        "postgresql:///d?host=/tmp&port=5433",
        "postgresql://a:b@h/d?pgbouncer=true",
    ],
)
def test_a_url_that_was_read_and_written_out_again_is_the_same(text: str) -> None:
    once = owner_url(text)
    assert owner_url(once.render_as_string(hide_password=False)) == once


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mysql://u:secret@h/d", "must begin with postgresql://"),
        ("exchange", "must begin with postgresql://"),
        ("postgresql://u:secret@h:port/d", "a port is not a number"),
        ("postgresql://u:secret@h,/d", "a host is empty"),
        ("postgresql://u:secret@h/d?keepalives=1", "keepalives is not supported"),
        ("postgresql://u:secret@h/d?sslmode=on", "sslmode must be one of: disable"),
        ("postgresql://u:secret@h/d?target_session_attrs=master", "target_session_attrs must be one of: any"),
        ("postgresql://u:secret@h/d?sslrootcert=/absent.crt", "a file that cannot be read: /absent.crt"),
        ("postgresql://u:secret@h/d?connect_timeout=soon", "connect_timeout is not a whole number"),
        ("postgresql://u:secret@h,i/d?port=1,2,3", "several ports"),
        ("postgresql://u:secret@[h/d", "is not a URL"),
    ],
)
def test_a_url_that_cannot_be_used_is_told_so_without_its_password(text: str, said: str) -> None:
    with pytest.raises(BadAddress) as refused:
        owner_url(text)
    assert said in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_place_is_named_without_its_password() -> None:
    assert spelled(owner_url("postgresql://u:secret@h1,h2:5433/d")) == "h1:5432, h2:5433, database d"

"""The `hallpass` command beside a running server: members, clients and their keys, and what stops a start."""

from __future__ import annotations

import json
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import URL
from typer.testing import Result

from app.auth import jose
from tests.databases import execute
from tests.running import BIN, Running, fresh_environment, hallpass, serving


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """`hallpass serve` on a fresh database."""
    with serving() as found:
        yield found


@pytest.fixture(scope="module")
def organization(running: Running) -> str:
    """The id of an organization."""
    return printed(running.hallpass("org", "add", "Cedar ISD", "--state", "TX"))


def printed(result: Result) -> str:
    """What a command printed that went well."""
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def client(running: Running, organization: str, *arguments: str) -> tuple[str, Path]:
    """A new client with a key made for it: its id and its file."""
    file = running.folder / f"{uuid4().hex}.jwk"
    added = running.hallpass(
        "client", "add", "Program", "--organization", organization, "--make-key", str(file), *arguments
    )
    return printed(added), file


def token(running: Running, client_id: str, key: Path, *arguments: str) -> Result:
    """`hallpass token`."""
    return running.hallpass("token", "--client", client_id, "--key", str(key), *arguments)


def status(running: Running, access_token: str) -> int:
    """What a search of patients is answered with."""
    headers = {"Authorization": f"Bearer {access_token}"}
    return httpx.get(f"{running.url}/fhir/Patient", headers=headers, timeout=30).status_code


def test_an_added_organization_is_listed_below_the_one_it_is_a_part_of(running: Running, organization: str) -> None:
    school = printed(running.hallpass("org", "add", "Cedar Elementary", "--part-of", organization))
    assert UUID(school)
    printed(running.hallpass("org", "add", "Elm Street Clinic"))
    listed = printed(running.hallpass("org", "list")).splitlines()
    assert listed[listed.index(f"{organization}  Cedar ISD") + 1] == f"{school}    Cedar Elementary"


def test_a_client_with_a_key_made_for_it_gets_a_token_and_nobody_else_reads_the_key(
    running: Running, organization: str
) -> None:
    client_id, key = client(running, organization)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert status(running, printed(token(running, client_id, key))) == 200


def test_a_client_can_bring_its_own_public_keys(running: Running, organization: str, tmp_path: Path) -> None:
    key = jose.generate()
    (tmp_path / "private.jwk").write_text(json.dumps(key))
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [jose.public(key)]}))
    options = ("--organization", organization, "--jwks", str(tmp_path / "jwks.json"), "--id", "own-keys")
    assert printed(running.hallpass("client", "add", "Program", *options)) == "own-keys"
    assert status(running, printed(token(running, "own-keys", tmp_path / "private.jwk"))) == 200


def test_after_rotation_only_the_new_key_gets_tokens(running: Running, organization: str, tmp_path: Path) -> None:
    client_id, old = client(running, organization)
    printed(running.hallpass("client", "rotate", client_id, "--make-key", str(tmp_path / "new.jwk")))
    assert token(running, client_id, old).exit_code == 2
    assert status(running, printed(token(running, client_id, tmp_path / "new.jwk"))) == 200


def test_the_tokens_of_a_disabled_client_stop_working_at_once(running: Running, organization: str) -> None:
    client_id, key = client(running, organization)
    access_token = printed(token(running, client_id, key))
    assert status(running, access_token) == 200
    printed(running.hallpass("client", "disable", client_id))
    assert status(running, access_token) == 401
    assert token(running, client_id, key).exit_code == 2
    assert f"{client_id}  {organization}  disabled" in printed(running.hallpass("client", "list"))


def test_a_token_has_only_the_scopes_that_were_asked_for(running: Running, organization: str) -> None:
    client_id, key = client(running, organization)
    narrow = printed(token(running, client_id, key, "--scope", "system/Encounter.rs"))
    assert status(running, narrow) == 403


def test_an_agreement_is_recorded(running: Running, organization: str) -> None:
    clinic = printed(running.hallpass("org", "add", "Elm Street Clinic"))
    assert UUID(printed(running.hallpass("agreement", "add", organization, clinic, "--both-ways")))


def test_an_agreement_is_listed_and_ended(running: Running, organization: str) -> None:
    clinic = printed(running.hallpass("org", "add", "Oak Clinic"))
    agreed = printed(running.hallpass("agreement", "add", organization, clinic, "--end", "2099-06-30"))
    line = "Cedar ISD -> Oak Clinic  until 2099-06-30"
    assert f"{agreed}  active  {line}" in printed(running.hallpass("agreement", "list"))
    printed(running.hallpass("agreement", "end", agreed))
    assert f"{agreed}  ended  {line}" in printed(running.hallpass("agreement", "list"))


def test_an_organization_is_edited_and_keeps_what_was_not_named(running: Running, organization: str) -> None:
    edited = printed(running.hallpass("org", "add", "Elm Clinic", "--state", "TX", "--time-zone", "America/Denver"))
    printed(running.hallpass("org", "edit", edited, "--name", "Elm Street Clinic", "--state", "CA"))
    assert f"{edited}  Elm Street Clinic" in printed(running.hallpass("org", "list"))
    client_id, key = client(running, edited)
    bearer = {"Authorization": f"Bearer {printed(token(running, client_id, key))}"}
    found = httpx.get(f"{running.url}/fhir/Organization/{edited}", headers=bearer, timeout=30).json()
    assert (found["address"], found["extension"][0]["valueCode"]) == ([{"state": "CA"}], "America/Denver")


def test_a_client_is_listed_with_what_it_may_and_when_it_last_got_a_token(running: Running, organization: str) -> None:
    client_id, key = client(running, organization, "--scope", "system/Patient.rs", "--purpose", "TREAT")
    lines = printed(running.hallpass("client", "list")).splitlines()
    below = lines.index(f"{client_id}  {organization}  active  Program") + 1
    assert lines[below] == "    no token yet; scopes system/Patient.rs; purposes TREAT"
    printed(token(running, client_id, key, "--scope", "system/Patient.rs"))
    assert "    last token 20" in printed(running.hallpass("client", "list")).splitlines()[below]


def test_a_client_can_have_limits_of_its_own_and_the_usual_ones_again(running: Running, organization: str) -> None:
    client_id, _ = client(running, organization)
    first = running.hallpass("client", "limit", client_id, "--rate", "7")
    assert "7 requests in a second;" in first.output
    second = running.hallpass("client", "limit", client_id, "--logins", "2")
    assert "7 requests in a second;" in second.output
    assert "2 tokens in a second" in second.output
    again = running.hallpass("client", "limit", client_id, "--default")
    assert again.output.count("as the settings say") == 3


def test_what_a_client_was_given_is_listed_and_an_unknown_one_is_told(running: Running, organization: str) -> None:
    unknown = running.hallpass("client", "received", "nobody", "--since", "2026-01-01")
    assert (unknown.exit_code, "There is no client" in unknown.output) == (2, True)


def test_every_answer_carries_the_id_of_its_request(running: Running) -> None:
    for path in ("/health/live", "/fhir/Patient", "/fhir/metadata", "/nothing"):
        assert UUID(httpx.get(f"{running.url}{path}", timeout=30).headers["X-Request-Id"])
    asked = httpx.get(f"{running.url}/fhir/Patient").headers["X-Request-Id"]
    deadline = time.monotonic() + 30  # the line is written once the answer has left
    while asked not in (written := running.log.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert asked in written


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["client", "disable", "nobody"], "There is no client with this id"),
        (["client", "add", "P", "--organization", str(uuid4())], "--jwks or --make-key"),
        (["client", "add", "P", "--organization", "cedar", "--make-key", "k"], "valid UUID"),
        (["org", "add", "X", "--part-of", "cedar"], "valid UUID"),
        (["org", "add", "X", "--state", "Texas"], "two capital letters"),
        (["org", "add", "X", "--state", "ZZ"], "two capital letters"),
        (["org", "edit", str(uuid4())], "--name, --state or"),
        (["org", "edit", str(uuid4()), "--name", "Y"], "There is no Organization"),
        (["agreement", "end", str(uuid4())], "There is no OrganizationAffiliation"),
        (["agreement", "add", "cedar", "elm"], "valid UUID"),
        (["token", "--client", "x", "--key", "absent.jwk"], "There is no private JWK"),
        (["client", "add", "P", "--organization", str(uuid4()), "--jwks", "absent.json"], "absent.json"),
    ],
)
def test_a_command_that_cannot_be_done_says_why_in_a_line(running: Running, arguments: list[str], said: str) -> None:
    result = running.hallpass(*arguments)
    assert result.exit_code == 2
    assert said in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)


def test_a_key_is_not_written_over_another(running: Running, organization: str) -> None:
    client_id, key = client(running, organization)
    before = key.read_text()
    result = running.hallpass("client", "rotate", client_id, "--make-key", str(key))
    assert (result.exit_code, key.read_text()) == (2, before)
    assert str(key.name) in result.output


def test_a_token_from_a_server_that_is_not_there_is_said_in_a_line(running: Running, organization: str) -> None:
    client_id, key = client(running, organization)
    result = token(running, client_id, key, "--url", "http://127.0.0.1:1")
    assert result.exit_code == 2
    assert "cannot be reached" in result.output


def test_a_port_that_is_taken_stops_the_start_with_a_line_that_says_so(running: Running) -> None:
    result = start(running.environment)
    assert result.returncode == 2
    assert result.stderr.startswith("hallpass: cannot listen on 127.0.0.1:")
    assert result.stderr.count("\n") == 1


def test_made_up_data_does_not_go_into_an_exchange_that_is_in_use(running: Running, organization: str) -> None:
    client(running, organization)
    result = running.hallpass("serve", "--demo")
    assert result.exit_code == 2
    assert "holds an exchange of its own" in result.output


def test_an_unknown_setting_stops_the_start_and_is_named(tmp_path: Path) -> None:
    result = hallpass("serve", environment={**fresh_environment(tmp_path), "HALLPASS_PROT": "1"})
    assert result.exit_code == 2
    assert "HALLPASS_PROT" in result.output


def test_a_setting_that_would_send_tokens_unencrypted_stops_the_start(tmp_path: Path) -> None:
    environment = {**fresh_environment(tmp_path), "HALLPASS_BASE_URL": "http://exchange.example.org"}
    result = hallpass("serve", environment=environment)
    assert result.exit_code == 2
    assert "must be https" in result.output


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("UPDATE hallpass.applied_schema SET code = 'older'", "hallpass migrate"),
        ("UPDATE hallpass.applied_schema SET tables = 'changed'", "Add a migration, or use a new database"),
        ("UPDATE hallpass.alembic_version SET version_num = '9999'", "install the version that made it"),
    ],
)
async def test_a_schema_of_another_version_stops_the_start(
    database: URL, tmp_path: Path, change: str, message: str
) -> None:
    await execute(database, change)
    owner = database.render_as_string(hide_password=False)
    result = start({**fresh_environment(tmp_path), "DATABASE_URL": owner})
    assert result.returncode == 2
    assert message in result.stderr


def test_the_settings_are_listed_each_with_its_variable(running: Running) -> None:
    listed = printed(running.hallpass("settings"))
    assert "DATABASE_URL" in listed
    assert "HALLPASS_BASE_URL" in listed


def test_a_setting_without_a_default_is_listed_with_none(running: Running) -> None:
    assert "DATABASE_URL  [none]" in printed(running.hallpass("settings"))


def test_a_quarter_of_the_ledger_that_has_not_been_counted_is_not_said_to_be_empty(running: Running) -> None:
    listed = printed(running.hallpass("ledger", "sizes")).splitlines()
    assert listed
    assert all(line.endswith("MB  not counted yet") for line in listed)


def start(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A start of the server that does not come to serving."""
    return subprocess.run(
        [BIN / "hallpass", "serve"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )

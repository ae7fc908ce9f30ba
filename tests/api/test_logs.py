"""No value of a record stands in a log line: of the server, of its libraries, or of the embedded database."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from tests import build
from tests.api.test_bad_input import MALFORMED
from tests.running import Running, network_of, serving
from tests.scene import as_owner
from tests.world import Member, World

MARK = "Xylograph"
FHIR = {"Content-Type": "application/fhir+json"}


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    """A server process as it is started by default."""
    with serving(alone=True) as found:
        yield found


@pytest_asyncio.fixture(scope="module")
async def network(server: Running) -> AsyncIterator[World]:
    """Its members."""
    async with network_of(server) as found:
        yield found


@pytest_asyncio.fixture(scope="module")
async def member(network: World) -> Member:
    """A district with a telling name."""
    return await network.member(f"{MARK} Unified")


@pytest.fixture(autouse=True)
def nothing_is_told(server: Running) -> Iterator[None]:
    """After each test."""
    yield
    written = {"the server": server.log, "the database": server.data / "postgres" / "log"}
    for name, log in written.items():
        text = log.read_text(errors="replace")
        assert text, name
        told = [
            line for line in text.splitlines() if MARK.lower() in line.lower() or MARK.encode().hex() in line.lower()
        ]
        assert not told, (name, told[:3])


def student(**more: Any) -> dict[str, Any]:
    """A student in whom every text is telling."""
    return {
        "resourceType": "Patient",
        "identifier": [{"system": f"urn:{MARK}", "value": MARK}],
        "name": [{"family": MARK, "given": [MARK]}],
        "address": [{"city": MARK}],
        **more,
    }


async def test_pushing_reading_and_searching_tell_nothing(member: Member, server: Running) -> None:
    made = await member.create(student())
    await member.save({**made, "language": "en"})
    for path in (
        f"/Patient/{made['id']}",
        f"/Patient?name={MARK}",
        f"/Patient?identifier=urn:{MARK}|{MARK}&_include=Patient:organization",
        f"/Patient/{MARK}",
        f"/{MARK}/{MARK}",
        f"/Patient?{MARK}={MARK}",
        f"/Patient?birthdate={MARK}",
        f"/Patient?_cursor={MARK}",
        f"/Patient/{made['id']}/_history?{MARK}=1",
    ):
        await member.get(path, headers={"If-None-Match": MARK, "User-Agent": MARK, "X-Forwarded-For": MARK})
    await member.put(f"/Patient?identifier=urn:{MARK}|{MARK}", student(active=True))
    await member.post("/Patient", student(), headers={"If-None-Exist": f"name={MARK}", "Prefer": f"return={MARK}"})
    await member.delete(f"/Patient?name={MARK}")
    assert "/Patient/{id} 200 " in server.log.read_text(), "the log says what was asked for, by its route"


async def test_refusals_tell_nothing(member: Member) -> None:
    for change in (
        {"gender": MARK}, {"birthDate": MARK}, {MARK: MARK}, {"active": MARK}, {"name": MARK},
        {"name": [{MARK: [MARK]}]},
        {"text": {"status": "generated", "div": f"<div><script>{MARK}</script></div>"}},
        {"managingOrganization": {"reference": f"Organization/{MARK}"}}, {"photo": [{"data": f"{MARK}*"}]},
        {"multipleBirthInteger": f"{MARK}"}, {"id": f"{MARK}/"}, {"resourceType": MARK},
    ):  # fmt: skip
        assert (await member.post("/Patient", student(**change))).status_code == 422
    for body in MALFORMED.values():
        await member.post("/Patient", content=body + f'"{MARK}"'.encode(), headers=FHIR)
    entry = {"resource": student(gender=MARK), "request": {"method": "POST", "url": f"Patient?{MARK}"}}
    for kind in ("batch", "transaction", MARK):
        await member.post("", {"resourceType": "Bundle", "type": kind, "entry": [entry, {**entry, "fullUrl": MARK}]})
    for token in (MARK, f"{MARK}.{MARK}.{MARK}"):
        await member.http.get("http://127.0.0.1:8000/fhir/Patient", headers={"Authorization": f"Bearer {token}"})
    form = {"grant_type": MARK, "client_assertion": MARK, "scope": MARK, "client_assertion_type": MARK}
    await member.http.post("http://127.0.0.1:8000/auth/token", data=form)


@pytest.mark.parametrize(
    "request_",
    [
        f"GET /fhir/Patient?name={MARK} HTTP/1.1\r\nHost: x\r\nContent-Length: {MARK}\r\n\r\n",
        f"{MARK} /fhir/{MARK} HTTP/1.1\r\nHost: x\r\n\r\n",
        f"GET /fhir/{MARK}\u00e9 HTTP/1.1\r\nHost: {MARK}\r\n\r\n",
        f"GET http://{MARK}:99999/fhir HTTP/1.1\r\nHost: x\r\n\r\n",
        f"GET /fhir/Patient HTTP/9.9\r\n{MARK}\r\n\r\n",
        f"POST /fhir/Patient HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{MARK}\r\n",
        f"GET /fhir/Patient HTTP/1.1\r\nHost: x\r\nX: {MARK * 20_000}\r\n\r\n",
        f"POST /fhir/Patient HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{MARK}",
        f"GET /fhir/Patient HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\nX: {MARK}\r\n\r\n",
    ],
)
def test_what_is_no_proper_http_tells_nothing(server: Running, request_: str) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=2) as connection:
        connection.settimeout(0.5)
        try:
            connection.sendall(request_.encode())
            answer = connection.recv(65_536)
        except (TimeoutError, ConnectionError):
            answer = b""
    assert b" 500 " not in answer[:20]
    assert MARK.encode() not in answer


FAULTS = {
    "a constraint": (
        ["ALTER TABLE hallpass.term_string ADD CONSTRAINT fault CHECK (false) NOT VALID"],
        "ALTER TABLE hallpass.term_string DROP CONSTRAINT fault",
    ),
    "an error that quotes the record": (
        [
            "CREATE FUNCTION hallpass.fault() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'no %', NEW.exact; END $$",
            "CREATE TRIGGER fault BEFORE INSERT ON hallpass.term_string FOR EACH ROW EXECUTE FUNCTION hallpass.fault()",
        ],
        "DROP FUNCTION hallpass.fault CASCADE",
    ),
    "a column that is not there": (
        ["ALTER TABLE hallpass.resource RENAME COLUMN digest TO other"],
        "ALTER TABLE hallpass.resource RENAME COLUMN other TO digest",
    ),
    "a table that is not there": (
        ["ALTER TABLE hallpass.term_string RENAME TO other"],
        "ALTER TABLE hallpass.other RENAME TO term_string",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_of_the_servers_is_a_500_that_tells_nothing_anywhere(
    network: World, member: Member, server: Running, name: str
) -> None:
    fault, mended = FAULTS[name]
    made = await member.create(student())
    await as_owner(network, *fault)
    try:
        answers = [
            await member.post("/Patient", student()),
            await member.put(f"/Patient/{made['id']}", {**made, "language": "es"}),
            await member.put(f"/Patient?identifier=urn:{MARK}|{MARK}x", student()),
            await member.get(f"/Patient?name={MARK}&family:exact={MARK}"),
            await member.post(
                "",
                {
                    "resourceType": "Bundle",
                    "type": "transaction",
                    "entry": [{"resource": student(), "request": {"method": "POST", "url": "Patient"}}],
                },
            ),
        ]
    finally:
        await as_owner(network, mended)
    failed = [a for a in answers if a.status_code == 500]
    assert failed
    for answer in failed:
        assert answer.json() == {
            "resourceType": "OperationOutcome",
            "issue": [
                {
                    "severity": "error",
                    "code": "exception",
                    "details": {"text": "The server failed. The failure is in its log under this request's id."},
                }
            ],
        }
    assert "ERROR fault " in server.log.read_text()
    assert (await member.get(f"/Patient/{made['id']}")).status_code == 200


async def test_a_body_that_is_broken_in_the_database_tells_nothing(network: World, member: Member) -> None:
    made = await member.create(student())
    await as_owner(
        network, "UPDATE hallpass.resource SET body = convert_to(:body, 'UTF8') WHERE id = :id", id=made["id"],
        body=json.dumps(made).replace('"Patient"', f'{MARK}"Patient"'),
    )  # fmt: skip
    await member.get(f"/Patient/{made['id']}?_pretty=true")
    await member.put(f"/Patient/{made['id']}", {**made, "language": "fr"})
    await member.delete(f"/Patient/{made['id']}")
    await member.post("/Consent", build.consent(made, made, member.reference, member.reference))

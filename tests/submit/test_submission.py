"""$bulk-submit: a client's files become its records, by the rules of any write, and each line is answered.

https://build.fhir.org/ig/HL7/bulk-data/ (4.0.0 ballot)
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.errors import HallpassError
from app.exchange.bulk import submission
from app.exchange.service import AccessService
from app.limits.limits import Limits
from app.submit import run
from app.submit.fetch import Fetcher
from tests import build
from tests.scene import as_owner
from tests.submit.submitting import HOST, SIS, Host, lines, outcomes, place, send, upload, work
from tests.world import EVERYTHING, Member, World

STUDENTS = 5


def student(n: int, **more: Any) -> dict[str, Any]:
    """A student as the client's own system has it."""
    return {**build.patient(f"own-{n}", **more), "id": f"s{n}"}


def visit(n: int) -> dict[str, Any]:
    """A visit of that student, by a reference into the client's own system."""
    return {**build.encounter({"resourceType": "Patient", "id": f"s{n}"}), "id": f"v{n}"}


def county() -> dict[str, list[dict[str, Any]]]:
    """A manifest's files, in an order that is not the one in which they can be taken."""
    return {"Encounter": [visit(n) for n in range(STUDENTS)], "Patient": [student(n) for n in range(STUDENTS)]}


async def total(member: Member, query: str) -> int:
    """How many resources a search finds."""
    found: int = (await member.get(f"/{query}")).json()["total"]
    return found


async def test_a_manifests_files_become_records_and_refer_to_each_other(world: World, district: Member) -> None:
    host = Host()
    where = place(await send(district, "one", manifestUrl=host.publish("one", county()), fhirBaseUrl=SIS))
    assert (await district.get(where)).status_code == 202
    await work(world, host)
    told = await outcomes(district, where)
    assert {severity for severity, _, _ in told} == {"information"}
    assert {source for _, source, _ in told} == {f"{t}/{k}{n}" for n in range(STUDENTS) for t, k in KINDS}
    patients = {e["resource"]["id"] for e in (await district.get("/Patient")).json()["entry"]}
    visits = [e["resource"] for e in (await district.get("/Encounter")).json()["entry"]]
    assert {v["subject"]["reference"].removeprefix("Patient/") for v in visits} == patients
    assert len(visits) == len(patients) == STUDENTS


KINDS = (("Patient", "s"), ("Encounter", "v"))


async def test_what_was_submitted_before_is_found_again_and_what_is_the_same_is_left_alone(
    world: World, district: Member
) -> None:
    host = Host()
    place(await send(district, "first", manifestUrl=host.publish("first", county()), fhirBaseUrl=SIS))
    await work(world, host)
    changed = county()
    changed["Encounter"][0]["status"] = "in-progress"
    where = place(await send(district, "second", manifestUrl=host.publish("second", changed), fhirBaseUrl=SIS))
    await work(world, host)
    said = [text.partition(":")[0] for _, _, text in await outcomes(district, where)]
    assert (said.count("Unchanged"), said.count("Updated")) == (2 * STUDENTS - 1, 1)
    assert await total(district, "Patient?_total=accurate") == STUDENTS
    assert await total(district, "Encounter?_total=accurate&status=in-progress") == 1


async def test_a_student_that_came_by_a_roster_is_the_same_student(world: World, district: Member) -> None:
    there = await district.create(build.patient("own-1"))
    where = place(await send(district, "roster", "in-progress", fhirBaseUrl=SIS))
    assert (await upload(district, where, "Patient", lines([student(1, gender="female")]))).status_code == 200
    place(await send(district, "roster"))
    await work(world)
    assert [text for _, _, text in await outcomes(district, where)] == [f"Updated: Patient/{there['id']}"]
    assert (await district.get(f"/Patient/{there['id']}")).json()["gender"] == "female"


async def test_faulty_lines_are_answered_one_by_one_and_the_others_are_taken(world: World, district: Member) -> None:
    where = place(await send(district, "faulty", "in-progress", fhirBaseUrl=SIS))
    content = lines([student(1)]) + b"{not json}\n\n" + lines(
        [{**student(2), "gender": "tall"}, {**student(3), "id": None}, visit(1), student(4)]
    ) + b'{"resourceType": "Patient", "id": "cut'  # fmt: skip
    await upload(district, where, "Patient", content)
    await upload(district, where, "Encounter", lines([visit(1), visit(2)]))
    place(await send(district, "faulty"))
    await work(world)
    told = await outcomes(district, where)
    assert [s for s, _, _ in told] == ["information", *["error"] * 4, "information", "error", "information", "error"]
    assert [source for s, source, _ in told if s == "error"] == [
        "",
        "Patient/s2",
        "",
        "Encounter/v1",
        "",
        "Encounter/v2",
    ]


async def test_lines_of_one_file_may_refer_to_each_other_in_any_order(world: World, district: Member) -> None:
    part = {**visit(1), "id": "part", "partOf": {"reference": f"{SIS}/Encounter/whole"}}
    where = place(await send(district, "apart", "in-progress", fhirBaseUrl=SIS))
    await upload(district, where, "Patient", lines([student(1)]))
    await upload(district, where, "Encounter", lines([part, {**visit(1), "id": "whole"}]))
    place(await send(district, "apart"))
    await work(world)
    assert {s for s, _, _ in await outcomes(district, where)} == {"information"}


async def test_the_same_rules_hold_as_for_a_write(world: World, district: Member) -> None:
    other = await world.member("Neighbor")
    theirs = await other.create(build.patient("theirs"))
    reader = await world.client_of(district.organization, scopes="system/*.rs system/Encounter.cu", purposes=("TREAT",))
    foreign = {**build.encounter(theirs), "id": "x"}
    where = place(await send(reader, "rules", "in-progress", fhirBaseUrl=SIS))
    await upload(reader, where, "Patient", lines([student(1)]))
    await upload(reader, where, "Encounter", lines([foreign]))
    place(await send(reader, "rules"))
    await work(world)
    told = await outcomes(reader, where)
    assert [s for s, _, _ in told] == ["error", "error"]
    assert "scopes" in told[0][2]
    assert await total(district, "Patient?_total=accurate") == 0


async def test_killed_between_any_two_steps_it_is_taken_once(world: World, district: Member) -> None:
    host = Host()
    place(await send(district, "killed", manifestUrl=host.publish("killed", county()), fhirBaseUrl=SIS))
    (job,) = await as_owner(world, "SELECT payload FROM hallpass.job WHERE entrypoint = 'submission'")
    service = AccessService(world.db, world.settings, Limits(world.settings, world.db.pool_size).connections)

    async def resolve(_host: str, _port: int) -> list[str]:
        return ["93.184.216.34"]

    class Killed(Exception):
        pass

    for survives in range(1, 40):
        left = survives

        async def perform(*arguments: Any, **more: Any) -> Any:
            nonlocal left
            if left == 0:
                raise Killed
            left -= 1
            return await service.perform(*arguments, **more)

        dying: Any = type("Dying", (), {"perform": staticmethod(perform)})()
        fetcher = Fetcher(world.settings.submit_hosts, resolve=resolve, inner=host)
        try:
            async for _ in run.steps(dying, world.settings, fetcher, json.loads(bytes(job.payload))):
                pass
            break
        except (Killed, BaseExceptionGroup):
            continue
    assert survives > 3
    assert await total(district, "Patient?_total=accurate") == STUDENTS
    assert await total(district, "Encounter?_total=accurate") == STUDENTS
    versions = "SELECT count(*) AS n FROM hallpass.resource WHERE custodian = :own AND type IN ('Patient', 'Encounter')"
    assert (await as_owner(world, versions, own=district.organization))[0].n == 2 * STUDENTS
    await work(world, host)


async def test_a_file_that_changed_while_it_was_taken_is_not_gone_on_with(
    world: World, district: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = Host()
    where = place(await send(district, "swap", manifestUrl=host.publish("swap", county()), fhirBaseUrl=SIS))
    monkeypatch.setattr(run, "WINDOW", 2)
    (job,) = await as_owner(world, "SELECT payload FROM hallpass.job WHERE entrypoint = 'submission'")

    async def resolve(_host: str, _port: int) -> list[str]:
        return ["93.184.216.34"]

    service = AccessService(world.db, world.settings, Limits(world.settings, world.db.pool_size).connections)
    fetcher = Fetcher(world.settings.submit_hosts, resolve=resolve, inner=host)
    async for whole in run.steps(service, world.settings, fetcher, json.loads(bytes(job.payload))):
        if not whole:
            break
    host.files["/swap/Patient.ndjson"] = lines([student(9)])
    await work(world, host)
    assert any("not what it was" in text for _, _, text in await outcomes(district, where))


async def test_a_stopped_submission_takes_no_more(world: World, district: Member) -> None:
    where = place(await send(district, "stop", "in-progress", fhirBaseUrl=SIS))
    await upload(district, where, "Patient", lines([student(1)]))
    place(await send(district, "stop", "stopped"))
    await work(world)
    assert [s for s, _, _ in await outcomes(district, where)] == ["error"]
    assert await total(district, "Patient?_total=accurate") == 0
    assert (await upload(district, where, "Patient", lines([student(1)]))).status_code == 409
    assert (await send(district, "stop")).status_code == 409
    (held,) = await as_owner(
        world, "SELECT body FROM hallpass.submission_file WHERE submission = :id", id=where.rpartition("/")[2]
    )
    assert held.body is None


async def test_what_a_client_sent_that_stands_no_more_ends_unread(world: World, district: Member) -> None:
    where = place(await send(district, "disabled", "in-progress", fhirBaseUrl=SIS))
    await upload(district, where, "Patient", lines([student(1)]))
    place(await send(district, "disabled"))
    disabled = "UPDATE hallpass.client SET disabled = {} WHERE id = :id"
    await as_owner(world, disabled.format("now()"), id=district.client_id)
    (job,) = await as_owner(world, "SELECT payload FROM hallpass.job WHERE entrypoint = 'submission'")
    with pytest.raises(HallpassError):
        await work(world)
    await submission.fail(world.db, json.loads(bytes(job.payload)))
    await as_owner(world, disabled.format("NULL"), id=district.client_id)
    assert [(s, "again" in text) for s, _, text in await outcomes(district, where)] == [("error", True)]
    assert await total(district, "Patient?_total=accurate") == 0


# what is not fetched ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    ["http://files.example.org/a", "https://evil.example.org/a", "https://u@files.example.org/a", "file:///etc/x"],
)
async def test_a_manifest_elsewhere_is_refused_at_once(district: Member, url: str) -> None:
    assert (await send(district, "elsewhere", manifestUrl=url, fhirBaseUrl=SIS)).status_code == 403


async def test_a_private_address_a_redirect_and_a_file_elsewhere_are_not_fetched(
    world: World, district: Member
) -> None:
    host = Host()
    url = host.publish("inside", county())
    where = place(await send(district, "inside", manifestUrl=url, fhirBaseUrl=SIS))
    await work(world, host, addresses=("93.184.216.34", "10.0.0.8"))
    assert host.asked == []
    assert "not public" in (await outcomes(district, where))[0][2]
    host.files["/away.json"] = 302
    where = place(await send(district, "away", manifestUrl=f"{HOST}/away.json", fhirBaseUrl=SIS))
    await work(world, host)
    assert "Redirects" in (await outcomes(district, where))[0][2]
    output = [{"type": "Patient", "url": "https://evil.example.org/Patient.ndjson"}]
    host.files["/evil.json"] = json.dumps({"output": output}).encode()
    where = place(await send(district, "evil", manifestUrl=f"{HOST}/evil.json", fhirBaseUrl=SIS))
    await work(world, host)
    assert "operator" in (await outcomes(district, where))[0][2]
    assert {r.url.host for r in host.asked} == {"93.184.216.34"}


async def test_files_are_fetched_with_the_clients_headers_which_the_database_cannot_read(
    world: World, district: Member
) -> None:
    host = Host()
    given = [
        {"name": "submitter", "valueIdentifier": {"value": "sis"}},
        {"name": "submissionId", "valueString": "headers"},
        {"name": "submissionStatus", "valueCoding": {"code": "completed"}},
        {"name": "manifestUrl", "valueUrl": host.publish("headers", county())},
        {"name": "fhirBaseUrl", "valueUrl": SIS},
        {
            "name": "fileRequestHeader",
            "part": [
                {"name": "headerName", "valueString": "Authorization"},
                {"name": "headerValue", "valueString": "Bearer very-secret"},
            ],
        },
    ]
    answer = await district.post("/$bulk-submit", {"resourceType": "Parameters", "parameter": given})
    assert answer.status_code == 200, answer.text
    held = await as_owner(world, "SELECT headers FROM hallpass.submission_file WHERE headers IS NOT NULL")
    assert "very-secret" not in str(held)
    await work(world, host)
    assert {r.headers["Authorization"] for r in host.asked} == {"Bearer very-secret"}
    assert {r.headers["Host"] for r in host.asked} == {"files.example.org"}
    assert await as_owner(world, "SELECT 1 FROM hallpass.submission_file WHERE headers IS NOT NULL") == []


# who may ------------------------------------------------------------------------------------------------------------


async def test_a_submission_is_its_clients_alone(world: World, district: Member) -> None:
    where = place(await send(district, "mine", "in-progress", fhirBaseUrl=SIS))
    await upload(district, where, "Patient", lines([student(1)]))
    place(await send(district, "mine"))
    await work(world)
    colleague = await world.client_of(district.organization, scopes=EVERYTHING, purposes=("TREAT",))
    absent = "/submission/11111111-1111-4111-8111-111111111111"
    for path in ("", "/1.ndjson"):
        assert (await district.get(f"{where}{path}")).status_code == 200
        found, none = await colleague.get(f"{where}{path}"), await colleague.get(f"{absent}{path}")
        assert found.status_code == none.status_code == 404
        assert found.json() == none.json()
    assert (await upload(colleague, where, "Patient", b"")).status_code == 404


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"name": "submissionStatus", "valueCoding": {"code": "paused"}}, 400),
        ({"name": "submissionStatus", "valueString": "completed"}, 422),
        ({"name": "outputFormat", "valueString": "csv"}, 400),
        ({"name": "fileEncryptionKey", "valueString": "x"}, 400),
        ({"name": "shade", "valueString": "red"}, 400),
        ({"name": "replacesManifestUrl", "valueUrl": f"{HOST}/x"}, 400),
        ({"name": "manifestUrl", "valueUrl": f"{HOST}/x"}, 400),
    ],
)
async def test_what_is_not_understood_is_refused(district: Member, change: dict[str, Any], status: int) -> None:
    given = [
        {"name": "submitter", "valueIdentifier": {"value": "sis"}},
        {"name": "submissionId", "valueString": "strange"},
        change,
    ]
    answer = await district.post("/$bulk-submit", {"resourceType": "Parameters", "parameter": given})
    assert answer.status_code == status, answer.text


async def test_who_may_write_nothing_submits_nothing(world: World) -> None:
    reader = await world.member("Reader", scopes="system/*.rs")
    assert (await send(reader, "no", "in-progress")).status_code == 403

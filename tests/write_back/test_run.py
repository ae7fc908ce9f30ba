"""Services delivered are in the district's ODS, once, as far as the district sees them. docs/guides/write-back.md"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from app.consent.codes import ACT_CODE, CONFIDENTIALITY_SYSTEM
from app.db import sync_sources, written
from app.db.engine import Database, owner_transaction
from app.db.sync_sources import SyncSource
from app.errors import HallpassError
from app.intake.pull.credentials import OAuth2
from app.intake.sync.secrets import Secrets
from app.settings import Settings
from app.write_back.run import WriteBack, told
from tests import build
from tests.databases import execute, rows
from tests.jobs.running import rows as as_app
from tests.scene import Scene, set_scene
from tests.world import BASE, World, open_world
from tests.write_back.ods import Ods, serving

SYSTEM = "urn:edfi:255901:student"
ALLOWED: dict[str, Any] = {"sync_hosts": ("127.0.0.1",), "sync_private": True}


@dataclass
class Back:
    """A scene whose clinic holds sessions, and the district's ODS."""

    scene: Scene
    ods: Ods
    source: str

    async def session(self, minutes: int = 45, student: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """The clinic holds a session of the student."""
        period = {"start": "2026-10-05T09:00:00-05:00", "end": f"2026-10-05T09:{minutes:02}:00-05:00"}
        service = {"coding": [{"system": "http://snomed.info/sct", "code": "409063005", "display": "Counseling"}]}
        held = build.encounter(student or self.scene.student, **{"period": period, "type": [service], **more})
        return await self.scene.clinic.create(
            {**held, "status": "finished", "serviceProvider": self.scene.clinic.reference}
        )

    async def share(self) -> dict[str, Any]:
        """The clinic files its own release of the sessions to the district."""
        s = self.scene
        mother = s.records["RelatedPerson"]
        release = build.consent(s.student, mother, s.clinic.reference, s.district.reference, classes=("Encounter",))
        return await s.clinic.create(release)

    def run_of(self, kept: SyncSource, **settings: Any) -> WriteBack:
        """A run for the source as it is kept now."""
        s = self.scene
        secrets = Secrets(s.district.key, OAuth2("id", "secret"))
        chosen = Settings(base_url=BASE, **(ALLOWED | settings))
        return WriteBack(kept, secrets, chosen, s.world.db.owner, s.world.http, backoff=0.001)

    async def run(self, **settings: Any) -> tuple[int, Any]:
        """One run."""
        async with owner_transaction(self.scene.world.db.owner) as connection:
            kept = await sync_sources.one(connection, self.source)
        assert kept is not None
        return await self.run_of(kept, **settings).now()


@pytest_asyncio.fixture(scope="module")
async def world(db: Database) -> AsyncIterator[World]:
    async with open_world(db) as found:
        yield found


@pytest.fixture
def ods() -> Iterator[Ods]:
    with serving("604822") as found:
        yield found


@pytest_asyncio.fixture
async def back(world: World, ods: Ods) -> AsyncIterator[Back]:
    scene = await set_scene(world, "Patient", "RelatedPerson", "ServiceRequest")
    await world.agree(scene.clinic, scene.district)
    known = [*scene.student["identifier"], {"system": SYSTEM, "value": "604822"}]
    scene.records["Patient"] = await scene.district.save({**scene.student, "identifier": known})
    own = scene.records["Encounter"]  # a draft of the district's own is no service delivered
    scene.records["Encounter"] = await scene.district.save({**own, "status": "planned"})
    async with kept(scene, ods, "ods") as found:
        yield found


@asynccontextmanager
async def kept(scene: Scene, ods: Ods, name: str) -> AsyncIterator[Back]:
    """A source that writes to the ODS."""
    source = SyncSource(
        name=name, client=scene.district.client_id, kind="write-back", place=ods.http.url, district="255901",
        sealed="s", schedule="*/15 * * * *", next_run=datetime.now(UTC),
    )  # fmt: skip
    async with owner_transaction(scene.world.db.owner) as connection:
        assert await sync_sources.add(connection, source)
    yield Back(scene, ods, name)
    await execute(scene.world.db.owner, f"DELETE FROM hallpass.sync_source WHERE name = '{name}'")


async def test_a_session_is_written_when_the_district_may_see_it_and_once(back: Back) -> None:
    await back.session(45)
    assert await back.run() == (0, {"written": 0, "removed": 0, "left": {}})
    assert not back.ods.writes, "what no release opens to the district is not written"
    await back.share()
    await back.session(30)
    assert (await back.run())[1] == {"written": 1, "removed": 0, "left": {}}
    ((student, code),) = back.ods.minutes
    assert (student, back.ods.minutes[student, code]) == ("604822", 75)
    assert code.startswith("Counseling, Clinic ")
    assert len(code) <= 60
    assert back.ods.interventions[code] == {
        "educationOrganizationReference": {"educationOrganizationId": 255901},
        "interventionIdentificationCode": code,
        "beginDate": "2026-10-05",
        "interventionClassDescriptor": "uri://ed-fi.org/InterventionClassDescriptor#Practice",
        "deliveryMethodDescriptor": "uri://ed-fi.org/DeliveryMethodDescriptor#Individual",
    }
    before = len(back.ods.writes)
    assert (await back.run())[1]["written"] == 0
    assert len(back.ods.writes) == before, "what is written already is not written again"


async def test_what_is_read_for_it_is_on_the_ledger_as_the_districts(back: Back) -> None:
    await back.share()
    session = await back.session()
    await back.run()
    statement = f"SELECT recipient::text, client, basis FROM hallpass.disclosure WHERE id = '{session['id']}'"
    district = back.scene.district
    assert {tuple(r) for r in await rows(back.scene.world.db.owner, statement)} == {
        (str(district.organization), district.client_id, "release")
    }


async def test_a_session_that_was_an_error_is_taken_back_and_one_that_changed_is_changed(back: Back) -> None:
    await back.share()
    wrong, right = await back.session(45), await back.session(20)
    await back.run()
    await back.scene.clinic.save({**wrong, "status": "entered-in-error"})
    assert (await back.run())[1] == {"written": 1, "removed": 0, "left": {}}
    assert list(back.ods.minutes.values()) == [20]
    assert (await back.scene.clinic.delete(f"/Encounter/{right['id']}")).status_code == 204
    assert (await back.run())[1] == {"written": 0, "removed": 1, "left": {}}
    assert not back.ods.parts


async def test_what_was_written_stays_when_the_release_ends_and_nothing_more_is_written(back: Back) -> None:
    release = await back.share()
    await back.session(45)
    await back.run()
    await back.scene.clinic.save({**release, "status": "inactive"})
    await back.session(30)
    assert (await back.run())[1] == {"written": 0, "removed": 0, "left": {}}
    assert list(back.ods.minutes.values()) == [45]


@pytest.mark.parametrize(
    "label",
    [
        {"system": CONFIDENTIALITY_SYSTEM, "code": "R"},
        {"system": ACT_CODE, "code": "PSY"},
        {"system": ACT_CODE, "code": "42CFRPart2"},
    ],
    ids=lambda label: label["code"],
)
async def test_a_session_whose_labels_restrict_it_stays_at_the_exchange(back: Back, label: dict[str, str]) -> None:
    own = build.encounter(back.scene.student, status="finished", meta={"security": [label]})
    period = {"start": "2026-10-05T09:00:00-05:00", "end": "2026-10-05T09:45:00-05:00"}
    await back.scene.district.create({**own, "period": period})
    report = (await back.run())[1]
    assert report == {"written": 0, "removed": 0, "left": {"labels restrict it": 1}}
    assert told(report) == "0 written, 0 taken back, 1 not written, since labels restrict it"
    assert not back.ods.writes


async def test_a_clinics_own_patient_with_a_students_number_is_not_that_student(back: Back) -> None:
    s = back.scene
    forged = await s.clinic.create(build.patient("own", identifier=[{"system": SYSTEM, "value": "604822"}]))
    mother = await s.clinic.create(build.guardian(forged))
    await s.clinic.create(
        build.consent(forged, mother, s.clinic.reference, s.district.reference, classes=("Patient", "Encounter"))
    )
    await back.session(45, forged)
    assert (await back.run())[1]["left"] == {"it is of no student of the district": 1}
    assert not back.ods.writes


async def test_what_the_ods_refuses_holds_up_no_other_and_is_tried_again(back: Back) -> None:
    s = back.scene
    await back.share()
    other = await s.district.create(build.patient("unknown", identifier=[{"system": SYSTEM, "value": "999"}]))
    own = build.encounter(other, status="finished", period={"start": "2026-10-05"})
    await s.district.create(own)
    await back.session(45)
    status, report = await back.run()
    assert (status, report["written"], "HTTP 409" in report["error"]) == (1, 1, True)
    assert "999" not in report["error"]
    back.ods.students.add("999")
    assert (await back.run())[:1] == (0,)
    assert {student for student, _ in back.ods.parts} == {"604822", "999"}


async def test_a_busy_ods_is_asked_again_and_one_that_stays_away_is_written_to_later(back: Back) -> None:
    await back.share()
    await back.session(45)
    back.ods.http.trouble.extend([(503, {}, b"")] * 50)
    with pytest.raises(HallpassError, match="without success"):
        await back.run()
    back.ods.http.trouble.clear()
    back.ods.http.trouble.extend([(503, {}, b""), (429, {}, b"")])
    assert (await back.run())[1]["written"] == 1
    assert list(back.ods.minutes.values()) == [45]


async def test_a_run_that_was_killed_after_the_ods_took_it_is_gone_on_with(
    back: Back, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def killed(*_: Any, **__: Any) -> None:
        raise ConnectionError

    await back.share()
    await back.session(45)
    with monkeypatch.context() as patch:
        patch.setattr(written, "sent", killed)
        with pytest.raises(ConnectionError):
            await back.run()
    assert list(back.ods.minutes.values()) == [45]
    assert (await back.run())[1]["written"] == 1
    assert list(back.ods.minutes.values()) == [45], "it is the same part again, and no other"


async def test_one_run_at_a_time(back: Back) -> None:
    async with owner_transaction(back.scene.world.db.owner) as connection:
        assert await written.lease(connection, back.source)
    with pytest.raises(HallpassError, match="Another run"):
        await back.run()
    async with owner_transaction(back.scene.world.db.owner) as connection:
        await written.free(connection, back.source)
    assert (await back.run())[0] == 0


async def test_only_a_host_that_the_operator_allows_is_written_to(back: Back) -> None:
    await back.share()
    await back.session(45)
    with pytest.raises(HallpassError, match="HALLPASS_SYNC_HOSTS"):
        await back.run(sync_hosts=())
    with pytest.raises(HallpassError, match="private address"):
        await back.run(sync_private=False)
    assert not back.ods.writes


@pytest.mark.parametrize("table", ["written_session", "written_service"])
async def test_the_app_may_not_read_what_is_written(db: Database, table: str) -> None:
    with pytest.raises(Exception, match="permission denied"):
        await as_app(db, f"SELECT * FROM hallpass.{table}")

"""Operations, histories and conditional reads as entries of a Bundle: each as if it were asked by itself.

https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from tests.api.asking import FORM, patient, refused
from tests.api.test_bundles import bundle, entry, statuses
from tests.scene import FAMILY, Scene, ledger, set_scene
from tests.world import Member, World


@pytest_asyncio.fixture(scope="module")
async def scene(world: World) -> Scene:
    """A clinic that sees a student's name and visits."""
    return await set_scene(world, "Patient", "Encounter")


def parameters(**values: Any) -> dict[str, Any]:
    """A Parameters resource; a name's kind stands behind two underscores."""
    listed = [{"name": n.partition("__")[0], n.partition("__")[2]: v} for n, v in values.items()]
    return {"resourceType": "Parameters", "parameter": listed}


def reads(scene: Scene) -> list[str]:
    """Operations and histories by GET."""
    student, visit = scene.student["id"], scene.records["Encounter"]["id"]
    return [
        f"Patient/{student}/$everything",
        f"Patient/{student}/$everything?_type=Encounter&_count=1",
        f"Encounter/{visit}/$everything",
        f"Encounter/{visit}/$meta",
        f"Patient/{student}/$disclosures?_count=1",
        f"Encounter/{visit}/_history?_count=1",
        "Encounter/_history?_since=2024",
        "_history?_type=Patient,Encounter",
        f"?_type=Patient,Encounter&_id={student}",
        f"Patient/{student}/*?_type=Encounter",
        f"Encounter/{visit}?_elements=status",
        f"AuditEvent?patient=Patient/{student}&_count=1",
        "ValueSet?name=x",
        "Library/notice-ferpa",
        "metadata",
    ]


def posts(scene: Scene) -> list[tuple[str, dict[str, Any]]]:
    """Operations by POST, with what they take."""
    student = scene.student["id"]
    asked = parameters(
        recipient__valueReference=scene.clinic.reference, purpose__valueCode="TREAT", type__valueCode="Task"
    )
    return [
        ("Patient/$validate", patient()),
        ("Patient/$validate?mode=create", patient(gender="none")),
        ("Patient/$match", parameters(resource__resource={k: scene.student[k] for k in ("resourceType", "name")})),
        (f"Patient/{student}/$explain-access", asked),
        ("Consent/$preview", {k: v for k, v in scene.records["Consent"].items() if k not in ("id", "meta")}),
    ]


def precomputed(resource: Any) -> Any:
    """An answer with page tokens, which hold the time, and the time of a feed's answer set aside."""
    links = [x["url"].partition("_cursor")[0] for x in resource.get("link", [])]
    meta = None if resource.get("type") == "history" else resource.get("meta")
    return {**resource, "link": links, "meta": meta}


async def test_what_is_read_in_a_batch_is_what_is_read_alone(scene: Scene) -> None:
    for member in (scene.district, scene.clinic, scene.stranger):
        alone = [await member.get(f"/{url}") for url in reads(scene)]
        answer = await member.post("", bundle("batch", *(entry("GET", url) for url in reads(scene))))
        assert statuses(answer) == [str(a.status_code) for a in alone]
        for inside, outside in zip(answer.json()["entry"], alone, strict=True):
            found = inside["resource"] if outside.status_code == 200 else inside["response"]["outcome"]
            assert precomputed(found) == precomputed(outside.json())
    assert FAMILY not in answer.text


async def test_what_is_asked_by_post_in_a_batch_is_what_is_asked_alone(scene: Scene) -> None:
    for member in (scene.district, scene.clinic, scene.stranger):
        alone = [await member.post(f"/{url}", body) for url, body in posts(scene)]
        answer = await member.post("", bundle("batch", *(entry("POST", url, body) for url, body in posts(scene))))
        assert statuses(answer) == [str(a.status_code) for a in alone]
        for inside, outside in zip(answer.json()["entry"], alone, strict=True):
            found = inside["resource"] if outside.status_code == 200 else inside["response"]["outcome"]
            assert found == outside.json()
    search = await scene.clinic.post("", bundle("batch", entry("POST", "Patient/_search?active=true&_total=none")))
    alone = await scene.clinic.post("/Patient/_search", content="active=true&_total=none", headers=FORM)
    assert search.json()["entry"][0]["resource"] == alone.json()


async def test_histories_stand_in_a_transaction_and_see_what_it_writes(scene: Scene) -> None:
    new = patient()
    answer = await scene.district.post(
        "",
        bundle(
            "transaction",
            entry("GET", "Patient/_history?_count=1"),
            entry("GET", "_history?_type=Patient&_count=1"),
            entry("POST", "Patient", new),
        ),
    )
    assert statuses(answer) == ["200", "200", "201"]
    for found in answer.json()["entry"][:2]:
        assert found["resource"]["entry"][0]["resource"]["identifier"] == new["identifier"]
        assert found["resource"]["link"][0]["url"].endswith("_count=1")


async def test_what_an_operation_in_a_batch_discloses_is_on_the_ledger(scene: Scene) -> None:
    before = len(await ledger(scene.world, scene.clinic))
    url = f"Encounter/{scene.records['Encounter']['id']}/$meta"
    assert statuses(await scene.clinic.post("", bundle("batch", entry("GET", url)))) == ["200"]
    assert [x[0] for x in (await ledger(scene.world, scene.clinic))[before:]] == ["Encounter"]


async def test_an_operation_in_a_batch_needs_its_own_scope(scene: Scene) -> None:
    poor = await scene.world.client_of(scene.clinic.organization, scopes="system/Encounter.rs", purposes=("TREAT",))
    urls = [
        f"Encounter/{scene.records['Encounter']['id']}/$meta",
        f"Patient/{scene.student['id']}/$meta",
        "Patient/_history",
    ]
    answer = await poor.post("", bundle("batch", *(entry("GET", url) for url in urls)))
    assert statuses(answer) == ["200", "403", "403"]


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("Patient/$nothing", "404"),
        ("Patient/x/$nothing", "404"),
        ("Patient/x/y/$meta", "404"),
        ("Patient/$meta", "404"),
        ("Patient/{id}/$disclosures?_format=csv", "406"),
        ("Patient/{id}/$disclosures?x=y", "400"),
    ],
)
async def test_an_operation_that_there_is_not_is_an_entry_that_failed(scene: Scene, url: str, status: str) -> None:
    url = url.replace("{id}", scene.student["id"])
    other = entry("GET", f"Patient/{scene.student['id']}")
    answer = await scene.district.post("", bundle("batch", entry("GET", url), other))
    assert statuses(answer) == [status, "200"]
    assert answer.json()["entry"][0]["response"]["outcome"]["resourceType"] == "OperationOutcome"


async def test_a_transaction_with_an_operation_is_refused_whole_and_says_where(district: Member) -> None:
    new = patient()
    calls = [entry("GET", f"Patient/{uuid4()}/$everything"), entry("POST", "Patient/_search?active=true")]
    answer = await district.post("", bundle("transaction", entry("POST", "Patient", new), *calls))
    refused(answer, 422, "not-supported", "Bundle.entry[1].request.url")
    assert [i["expression"] for i in answer.json()["issue"]] == [[f"Bundle.entry[{n}].request.url"] for n in (1, 2)]
    assert (await district.get("/Patient?_summary=count")).json()["total"] == 0


async def test_a_conditional_read_in_a_bundle_answers_304_to_who_has_it(scene: Scene) -> None:
    url = f"Encounter/{scene.records['Encounter']['id']}"
    for kind in ("batch", "transaction"):
        for condition in ({"ifNoneMatch": 'W/"1"'}, {"ifModifiedSince": "2100-01-01T00:00:00Z"}):
            answer = await scene.district.post("", bundle(kind, entry("GET", url, **condition)))
            assert statuses(answer) == ["304"]
            assert answer.json()["entry"][0].keys() == {"response"}
            assert answer.json()["entry"][0]["response"]["etag"] == 'W/"1"'
        for condition in ({"ifNoneMatch": 'W/"9"'}, {"ifModifiedSince": "2000-01-01T00:00:00.000-05:00"}):
            answer = await scene.clinic.post("", bundle(kind, entry("GET", url, **condition)))
            assert statuses(answer) == ["200"]


async def test_leniency_reaches_into_a_bundle(scene: Scene) -> None:
    student = scene.student["id"]
    urls = ["Encounter?nothing=known", f"Patient/{student}?x=y", "_history?x=y", f"Patient/{student}/$everything?x=y"]
    for kind, chosen in (("batch", urls), ("transaction", urls[:3])):
        asked = bundle(kind, *(entry("GET", url) for url in chosen))
        found = await scene.clinic.post("", asked, headers={"Prefer": "handling=lenient"})
        assert statuses(found) == ["200"] * len(chosen)
        assert "nothing" in found.json()["entry"][0]["resource"]["entry"][-1]["resource"]["issue"][0]["details"]["text"]
    assert statuses(await scene.clinic.post("", bundle("batch", *(entry("GET", url) for url in urls)))) == ["400"] * 4


async def test_an_absolute_url_of_this_server_is_as_good(scene: Scene) -> None:
    url = f"{scene.world.settings.fhir_base}/Encounter/{scene.records['Encounter']['id']}"
    answer = await scene.clinic.post("", bundle("batch", entry("GET", url), entry("GET", f"{url}/$meta")))
    assert statuses(answer) == ["200", "200"]

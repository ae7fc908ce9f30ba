"""Clients from PyPI that people use, unmodified, against a server process."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path

import pytest
from fhirclient import client as smart
from fhirclient.models.fhirdate import FHIRDate
from fhirclient.models.humanname import HumanName
from fhirclient.models.identifier import Identifier
from fhirclient.models.patient import Patient
from fhirclient.models.relatedperson import RelatedPerson
from fhirpy import AsyncFHIRClient, SyncFHIRClient
from fhirpy.base.exceptions import OperationOutcome, ResourceNotFound

from tests.conformance.demo import Demo
from tests.conformance.fetched import smart_fetch

NOBODY = "00000000-0000-4000-8000-000000000000"
STUDENTS = 40


@pytest.fixture(scope="module")
def fhirpy(demo: Demo) -> SyncFHIRClient:
    """fhirpy as the district. https://github.com/beda-software/fhir-py"""
    return SyncFHIRClient(demo.fhir, authorization=f"Bearer {demo.token('demo-district')}")


@pytest.fixture(scope="module")
def fhirclient(demo: Demo) -> smart.FHIRClient:
    """fhirclient as the district, with a token of its own getting. https://github.com/smart-on-fhir/client-py"""
    found = smart.FHIRClient(settings={"app_id": "hallpass-test", "api_base": demo.fhir})
    found.prepare()
    found.server.session.headers["Authorization"] = f"Bearer {demo.token('demo-district')}"
    return found


def test_fhirpy_searches(fhirpy: SyncFHIRClient) -> None:
    students = fhirpy.resources("Patient")
    assert len(students.limit(7).fetch_all()) == students.count() >= STUDENTS
    known = students.search(birthdate__missing=False, name__missing=False)  # the ids, and so the order, are by chance
    youngest = known.sort("-birthdate").elements("name", "birthDate").first()
    assert youngest.keys() >= {"name", "birthDate"}
    assert students.search(birthdate__gt=youngest["birthDate"]).count() == 0
    contacts = fhirpy.resources("RelatedPerson")
    student = contacts.first()["patient"].to_resource()
    assert contacts.search(patient=student.id).count() == contacts.search(patient=student.to_reference()).count() > 0
    assert students.search(family__contains="a", birthdate__ge="2001-01-01").count() > 0
    assert students.has("ServiceRequest", "patient", status="active").count() == 1
    assert contacts.include("RelatedPerson", "patient").fetch_raw()["total"] == contacts.count()
    assert fhirpy.execute(f"Patient/{student.id}/$everything", method="get")["type"] == "searchset"


def test_fhirpy_writes(fhirpy: SyncFHIRClient) -> None:
    known = {"system": "urn:test", "value": "fhirpy-1"}
    student = fhirpy.resource("Patient", name=[{"family": "Fhirpy"}], identifier=[known], birthDate="2014-01-01")
    student.save()
    student["gender"] = "female"
    student.save(fields=["gender"])
    student.patch(active=True)
    student.refresh()
    assert (student["gender"], student["active"], student["meta"]["versionId"]) == ("female", True, "3")
    assert student.to_reference().to_resource().id == student.id
    assert student.is_valid()
    by = fhirpy.resources("Patient").search(identifier="urn:test|fhirpy-1")
    same, created = by.get_or_create(fhirpy.resource("Patient", name=[{"family": "Other"}], identifier=[known]))
    assert (same.id, created) == (student.id, False)
    changed, _ = by.update(fhirpy.resource("Patient", name=[{"family": "Changed"}], identifier=[known]))
    assert by.get()["name"][0]["family"] == changed["name"][0]["family"] == "Changed"
    assert by.patch(active=False)["active"] is False
    by.delete()
    assert by.first() is None


def test_fhirpy_is_told_what_is_wrong(fhirpy: SyncFHIRClient) -> None:
    with pytest.raises(ResourceNotFound):
        fhirpy.reference("Patient", NOBODY).to_resource()
    with pytest.raises(OperationOutcome) as caught:
        fhirpy.resource("Patient", gender="unheard-of").save()
    assert caught.value.resource["issue"][0]["expression"] == ["Patient.gender"]


def test_fhirpy_reads_what_was_released_and_nothing_else(demo: Demo) -> None:
    client = AsyncFHIRClient(demo.fhir, authorization=f"Bearer {demo.token('demo-clinic')}")

    async def found() -> list[str]:
        return [r.resource_type for kind in ("ServiceRequest", "Patient") async for r in client.resources(kind)]

    assert asyncio.run(found()) == ["ServiceRequest", "Patient"]


def test_fhirclient_searches(fhirclient: smart.FHIRClient) -> None:
    server = fhirclient.server
    assert sum(1 for _ in Patient.where({"_count": "7"}).perform_resources_iter(server)) >= STUDENTS
    contact = next(RelatedPerson.where({"_count": "1"}).perform_resources_iter(server))
    assert isinstance(contact.patient.resolved(Patient), Patient)
    found = next(RelatedPerson.where({"_count": "1"}).include("patient").perform_iter(server))
    assert {type(e.resource) for e in found.entry} == {RelatedPerson, Patient}


def test_fhirclient_writes(fhirclient: smart.FHIRClient) -> None:
    server = fhirclient.server
    student = Patient()
    student.name = [HumanName({"family": "Client", "given": ["Py"]})]
    student.identifier = [Identifier({"system": "urn:test", "value": "fhirclient-1"})]
    student.birthDate = FHIRDate("2013-01-01")
    made = student.create(server)
    read = Patient.read(made["id"], server)
    read.gender = "male"
    assert read.update(server)["meta"]["versionId"] == "2"
    again = Patient.read(made["id"], server)
    assert (again.gender, again.birthDate.isostring) == ("male", "2013-01-01")
    again.delete()


def test_smart_fetch_crawls_one_student(demo: Demo, fhirpy: SyncFHIRClient, tmp_path: Path) -> None:
    """It gets its own token by SMART Backend Services, for scopes by type. https://docs.smarthealthit.org/cumulus/fetch"""
    command, environment = smart_fetch()
    student = fhirpy.resources("Patient").has("ServiceRequest", "patient", status="active").first()
    keys = tmp_path / "district.jwks"
    keys.write_text(json.dumps({"keys": [{**demo.jwk("demo-district"), "key_ops": ["sign"]}]}))
    asked = ["--fhir-url", demo.fhir, "--smart-client-id", "demo-district", "--smart-key", keys, "--no-compression"]
    what = ["--type", "Patient,ServiceRequest,Encounter", "--id-list", student.id, tmp_path / "out"]
    ran = subprocess.run(
        [*command, "crawl", *asked, *what], env=environment, capture_output=True, text=True, timeout=180, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = {p.name: p.read_text().splitlines() for p in (tmp_path / "out").glob("[A-Z]*.ndjson")}
    assert {name: len(lines) for name, lines in found.items()} == {"Patient.ndjson": 1, "ServiceRequest.ndjson": 1}
    assert json.loads(found["Patient.ndjson"][0])["id"] == student.id

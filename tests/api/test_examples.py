"""The examples of the specification, of Gravity and of US Core go in and come out equal.

https://hl7.org/fhir/R4/downloads.html
https://hl7.org/fhir/us/sdoh-clinicalcare/artifacts.html
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from app.fhir.json import dump, parse
from app.fhir.references import references
from app.resources import TYPES
from tests.world import Member, World

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"
ASSESSMENTS = [f"assessments/{name}" for name in ("gravity", "us-core", "sdc", "ahc-hrsn-made-here")]
FOLDERS = [DATA / name for name in ("fhir-r4-examples", "referral/gravity", *ASSESSMENTS)]
pytestmark = pytest.mark.skipif(not FOLDERS[0].is_dir(), reason="the examples are not part of the repository")

FHIR_JSON = {"Content-Type": "application/fhir+json"}
NO_PATIENT = "it is about a Group, a Device or a person who is not a Patient here"
FINANCIAL = "a Task of a payment, about no Patient"
NEWBORN = "its student is contained in it, and not a Patient here"
TARGETS = "it does not say which student it is about: no target is a Patient"
INVALID = "it is not valid R4: an item without a linkId, a narrative without content"
EMPTY = "an item's definition is an empty text, which no text of JSON may be"
TOPIC = "what it follows is no topic of this server"
CONTAINED = "every member reads the directory, so an entry contains no other resource"
REFUSED: dict[str, str] = {
    "HealthcareService/example": CONTAINED,
    "ServiceRequest/appendectomy-narrative": NO_PATIENT,
    "ServiceRequest/education": NO_PATIENT,
    "ServiceRequest/ob": NO_PATIENT,
    **{f"Observation/{n}minute-apgar-score": NEWBORN for n in (1, 2, 5, 10, 20)},
    **{
        f"Provenance/{name}": TARGETS
        for name in ("consent-signature", "example", "example-biocompute-object", "example-cwl", "signature")
    },
    "QuestionnaireResponse/3141": NEWBORN,
    "Questionnaire/qs1": INVALID,
    "Questionnaire/demographics": EMPTY,
    "Subscription/example": TOPIC,
    "Subscription/example-error": TOPIC,
    "Questionnaire/zika-virus-exposure-assessment": INVALID,
    **{f"Task/fm-example{n}": FINANCIAL for n in range(1, 7)},
}
"""Why an example does not go in; every other one does. The Consents, active with gaps that no release may have here,
go in as proposed ones, which may have them."""


def examples() -> dict[str, dict[str, Any]]:
    """The examples of our types by `Type/id`."""
    found = (parse(p.read_bytes()) for folder in FOLDERS for p in sorted(folder.glob("*.json")))
    return {f"{r['resourceType']}/{r['id']}": r for r in found if r["resourceType"] in TYPES}


ALL = examples()


def stand_in(text: str) -> str | None:
    """Another example of the type, for a target that is not among them; None where the type is not served."""
    kind = text.removesuffix("/").split("/_history")[0].split("/")[-2] if "/" in text else ""
    return next((k for k in ALL if k.startswith(f"{kind}/") and k not in REFUSED), None)


def rewritten(resource: dict[str, Any], targets: dict[str, str]) -> dict[str, Any]:
    """The example with each reference leading to a resource that exists; to a type not served, as an identifier.

    Each Organization becomes part of the member's own: a member adds none elsewhere.
    """
    content = deepcopy({k: v for k, v in resource.items() if k != "id"})
    for reference in list(references(content)):
        text = reference.value.get("reference")
        if text is None or text.startswith("#"):
            continue
        key = text.split("/_history")[0]
        target = targets.get(key) or targets.get(stand_in(text) or "")
        if target is None:
            del reference.value["reference"]
            reference.value["identifier"] = {"system": "urn:ietf:rfc:3986", "value": f"urn:x:{text}"}
        else:
            reference.value["reference"] = target
    if content["resourceType"] == "Organization":
        content["partOf"] = {**content.get("partOf", {}), "reference": targets["own"]}
    if content["resourceType"] == "Consent":
        content["status"] = "proposed"
    return content


def entries(targets: dict[str, str]) -> Iterator[dict[str, Any]]:
    """The entries of one transaction with all that go in."""
    for key, resource in ALL.items():
        if key not in REFUSED:
            yield {
                "fullUrl": targets[key],
                "resource": rewritten(resource, targets),
                "request": {"method": "POST", "url": resource["resourceType"]},
            }


@pytest_asyncio.fixture(scope="module")
async def stored(world: World) -> tuple[Member, dict[str, str]]:
    """A member that put all of them in, and where each is."""
    member = await world.member("HL7")
    keys = [k for k in ALL if k not in REFUSED]
    targets = {"own": member.reference["reference"], **{k: f"urn:uuid:{uuid4()}" for k in keys}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": list(entries(targets))}
    answer = await member.post("", content=dump(bundle), headers=FHIR_JSON)
    assert answer.status_code == 200, answer.text
    places = [e["response"]["location"].split("/fhir/")[1].split("/_history")[0] for e in answer.json()["entry"]]
    return member, {"own": targets["own"], **dict(zip(keys, places, strict=True))}


@pytest.mark.parametrize("key", [k for k in ALL if k not in REFUSED])
async def test_an_example_comes_out_as_it_went_in(stored: tuple[Member, dict[str, str]], key: str) -> None:
    member, places = stored
    found = parse((await member.get(f"/{places[key]}")).content)
    expected = rewritten(ALL[key], places)
    given = {"versionId": "1", "lastUpdated": found["meta"]["lastUpdated"], "source": member.reference["reference"]}
    meta = {**expected.pop("meta", {}), **given}
    assert found.pop("id") == places[key].partition("/")[2]
    assert found.pop("meta") == meta
    assert found == expected


@pytest.mark.parametrize("key", list(REFUSED))
async def test_an_example_that_our_rules_refuse_is_refused(stored: tuple[Member, dict[str, str]], key: str) -> None:
    member, places = stored
    content = dump(rewritten(ALL[key], places))
    answer = await member.post(f"/{key.partition('/')[0]}", content=content, headers=FHIR_JSON)
    assert answer.status_code == 422, answer.text
    assert answer.json()["issue"][0]["expression"]


@pytest.mark.parametrize("key", [k for k in ALL if k.startswith("Consent/")])
async def test_an_example_consent_is_no_release_here(stored: tuple[Member, dict[str, str]], key: str) -> None:
    member, places = stored
    consent = {**rewritten(ALL[key], places), "status": "active"}
    answer = await member.post("/Consent", content=dump(consent), headers=FHIR_JSON)
    assert answer.status_code == 422, answer.text

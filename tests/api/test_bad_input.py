"""Bad bodies: the right status, an OperationOutcome that names the element, and never a fault of the server's."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from tests.api.asking import FHIR, FORM, PLAIN, refused
from tests.world import BASE, Member

# Bodies -------------------------------------------------------------------------------------------------------------

MALFORMED = {
    "nothing": b"",
    "no JSON": b"resourceType=Patient",
    "cut short": json.dumps(PLAIN).encode()[:-1],
    "two documents": json.dumps(PLAIN).encode() * 2,
    "a list": b"[]",
    "a number": b"1",
    "null": b"null",
    "a comma too many": b'{"resourceType":"Patient",}',
    "a comment": b'{"resourceType":"Patient"/* */}',
    "single quotes": b"{'resourceType':'Patient'}",
    "Latin-1": '{"resourceType":"Patient","language":"é"}'.encode("latin-1"),
    "UTF-16": json.dumps(PLAIN).encode("utf-16"),
    "a raw NUL": b'{"resourceType":"Patient","language":"\x00"}',
    "an escaped NUL": b'{"resourceType":"Patient","language":"\\u0000"}',
    "half a surrogate pair": b'{"resourceType":"Patient","language":"\\ud800"}',
    "10,000 lists": b'{"resourceType":"Patient","x":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "10,000 objects": b'{"x":' * 10_000 + b"1" + b"}" * 10_000,
    "10,000 brackets and no end": b"[" * 10_000,
    "a key twice": b'{"resourceType":"Patient","active":true,"active":false}',
    "a key twice, far down": b'{"resourceType":"Patient","name":[{"family":"a","family":"b"}]}',
    "NaN": b'{"resourceType":"Patient","multipleBirthInteger":NaN}',
    "an infinite number": b'{"resourceType":"Patient","multipleBirthInteger":1e999999999}',
    "an integer of 10,000 digits": b'{"resourceType":"Patient","multipleBirthInteger":' + b"9" * 10_000 + b"}",
    "a fraction of 10,000 digits": b'{"resourceType":"Patient","multipleBirthInteger":0.' + b"9" * 10_000 + b"}",
}


@pytest.mark.parametrize("name", MALFORMED)
@pytest.mark.parametrize("path", ["/Patient", ""])
async def test_a_body_that_is_not_strict_json_is_a_400(member: Member, name: str, path: str) -> None:
    refused(await member.post(path, content=MALFORMED[name], headers=FHIR), 400, "structure")


@pytest.mark.parametrize(("path", "name"), [("active", "a key twice"), ("name[0].family", "a key twice, far down")])
async def test_a_key_that_stands_twice_is_named(member: Member, path: str, name: str) -> None:
    refused(await member.post("/Patient", content=MALFORMED[name], headers=FHIR), 400, "structure", path)


async def chunks(size: int) -> AsyncIterator[bytes]:
    """A body of this size, whose length is not told before."""
    for _ in range(size // 100_000):
        yield b" " * 100_000


@pytest.mark.parametrize("path", ["/Patient", "", "/Patient/_search", "/Consent/$preview"])
async def test_a_body_of_10_mb_is_a_413_whether_its_length_is_told_or_not(member: Member, path: str) -> None:
    headers = FORM if path.endswith("_search") else FHIR
    for content in (b" " * 10_000_000, chunks(10_000_000)):
        response = await member.post(path, content=content, headers=headers)
        refused(response, 413, "too-long")


@pytest.mark.parametrize("length", ["-1", "x", "1e9", "٣", "9" * 5_000])
async def test_a_length_that_is_no_number_is_refused(member: Member, length: str) -> None:
    headers = [(k.encode(), v.encode()) for k, v in {**FHIR, **member.headers, "Content-Length": length}.items()]
    response = await member.http.post(f"{BASE}/fhir/Patient", content=chunks(100_000), headers=headers)
    refused(response, 413 if length.startswith("9") else 400)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "another type": ({"resourceType": "Encounter"}, "resourceType"),
    "no type": ({"resourceType": None}, "resourceType"),
    "a string for a boolean": ({"active": "true"}, "Patient.active"),
    "a number for a string": ({"language": 1}, "Patient.language"),
    "a string for a list": ({"name": "Ana"}, "Patient.name"),
    "an object for a list": ({"name": {"family": "x"}}, "Patient.name"),
    "a list for an object": ({"maritalStatus": []}, "Patient.maritalStatus"),
    "a list in a list": ({"name": [[{"family": "x"}]]}, "Patient.name[0]"),
    "an empty list": ({"name": []}, "Patient.name"),
    "an empty object": ({"name": [{}]}, "Patient.name[0]"),
    "an empty string": ({"language": ""}, "Patient.language"),
    "a null": ({"active": None}, "Patient.active"),
    "an unknown element": ({"nickname": "x"}, "Patient.nickname"),
    "an unknown element far down": ({"contact": [{"name": {"nick": "x"}}]}, "Patient.contact[0].name.nick"),
    "an unknown code": ({"gender": "boy"}, "Patient.gender"),
    "a day that is not": ({"birthDate": "2014-02-30"}, "Patient.birthDate"),
    "a date in another order": ({"birthDate": "02/05/2014"}, "Patient.birthDate"),
    "a date with a time": ({"birthDate": "2014-05-02T10:00:00Z"}, "Patient.birthDate"),
    "a number for a date": ({"birthDate": 20140502}, "Patient.birthDate"),
    "a year of five digits": ({"birthDate": "12014-05-02"}, "Patient.birthDate"),
    "a time without a zone": ({"deceasedDateTime": "2026-01-01T10:00:00"}, "Patient.deceased"),
    "a huge number": ({"multipleBirthInteger": 2**40}, "Patient.multipleBirth"),
    "a fraction for an integer": ({"multipleBirthInteger": 1.5}, "Patient.multipleBirth"),
    "two of a choice": ({"deceasedBoolean": False, "deceasedDateTime": "2026-01-01"}, "Patient.deceased"),
    "an id with a slash": ({"id": "a/b"}, "Patient.id"),
    "an id too long": ({"id": "a" * 65}, "Patient.id"),
    "script in the narrative": (
        {"text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml"><script>1</script></div>'}},
        "Patient.text.div",
    ),
    "an entity in the narrative": (
        {"text": {"status": "generated", "div": '<!DOCTYPE d [<!ENTITY e "x">]><div>&e;</div>'}},
        "Patient.text.div",
    ),
    "no Base64": ({"photo": [{"data": "***"}]}, "Patient.photo[0].data"),
    "a reference to another type": (
        {"managingOrganization": {"reference": "Patient/x"}},
        "Patient.managingOrganization",
    ),
    "a reference to no resource": (
        {"managingOrganization": {"reference": f"Organization/{uuid4()}"}},
        "Patient.managingOrganization.reference",
    ),
    "a SUBSETTED part": ({"meta": {"tag": [{"code": "SUBSETTED"}]}}, "Patient.meta.tag"),
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_resource_that_breaks_a_rule_is_a_422_that_names_the_element(member: Member, name: str) -> None:
    change, expression = WRONG[name]
    body = {k: v for k, v in {**PLAIN, **change}.items() if k != "resourceType" or v is not None}
    response = await member.post("/Patient", body)
    assert response.status_code == 422, response.text
    stated = [e for i in response.json()["issue"] for e in i.get("expression", [])]
    assert any(e.startswith(expression) for e in stated), stated
    refused(response, 422)
    entry = {"resource": body, "request": {"method": "POST", "url": "Patient"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry, {**entry, "resource": PLAIN}]}
    placed = await member.post("", bundle)
    refused(placed, 422)
    assert placed.json()["issue"][0]["expression"][0].startswith("Bundle.entry[0].resource")


async def test_every_finding_is_told_at_once(member: Member) -> None:
    response = await member.post("/Patient", {**PLAIN, "active": "x", "gender": "x", "nickname": "x"})
    assert {i["expression"][0] for i in response.json()["issue"]} >= {
        "Patient.active",
        "Patient.gender",
        "Patient.nickname",
    }


# Bundles ------------------------------------------------------------------------------------------------------------

GET = {"method": "GET", "url": "Patient"}
REQUEST, METHOD, URL = (f"Bundle.entry[0].request{x}" for x in ("", ".method", ".url"))
RESOURCE = "Bundle.entry[0].resource"


def requesting(request: dict[str, Any], resource: Any = None) -> dict[str, Any]:
    """What a Bundle has of one entry."""
    return {"entry": [{"request": request} if resource is None else {"request": request, "resource": resource}]}


BUNDLES: dict[str, tuple[Any, str]] = {
    "no Bundle": (PLAIN, "Bundle.type"),
    "another type": ({"type": "searchset"}, "Bundle.type"),
    "no type": ({"type": None}, "Bundle.type"),
    "entries that are no list": ({"entry": {}}, "Bundle.entry"),
    "an entry that is no object": ({"entry": ["x"]}, REQUEST),
    "an entry that is null": ({"entry": [None]}, REQUEST),
    "no request": ({"entry": [{"resource": PLAIN}]}, REQUEST),
    "a request that is a text": ({"entry": [{"request": "GET Patient"}]}, REQUEST),
    "no method": (requesting({"url": "Patient"}), METHOD),
    "an unknown method": (requesting({**GET, "method": "get"}), METHOD),
    "a method that is a list": (requesting({**GET, "method": ["GET"]}), METHOD),
    "no url": (requesting({"method": "GET"}), URL),
    "a url that is a number": (requesting({**GET, "url": 1}), URL),
    "a url elsewhere": (requesting({**GET, "url": "http://x.org/Patient"}), URL),
    "a url above": (requesting({**GET, "url": "../auth/jwks"}), URL),
    "an unknown type": (requesting({**GET, "url": "Medication"}), URL),
    "an operation by a write": (requesting({**GET, "method": "DELETE", "url": "Patient/x/$meta"}), URL),
    "an operation of an unknown type": (requesting({**GET, "url": "Medication/x/$meta"}), URL),
    "a bundle in a bundle": (requesting({"method": "POST", "url": "/"}, {"resourceType": "Bundle"}), URL),
    "a path too long": (requesting({**GET, "url": "Patient/x/_history/1/2"}), URL),
    "a post to an id": (
        requesting({"method": "POST", "url": "Patient/x"}, PLAIN),
        URL,
    ),
    "a put to a type": (
        requesting({"method": "PUT", "url": "Patient"}, PLAIN),
        URL,
    ),
    "a delete of a type": (requesting({"method": "DELETE", "url": "Patient"}), URL),
    "no resource": (requesting({"method": "POST", "url": "Patient"}), RESOURCE),
    "a resource of another type": (
        requesting({"method": "POST", "url": "Encounter"}, PLAIN),
        RESOURCE,
    ),
    "a resource that is a list": (
        requesting({"method": "POST", "url": "Patient"}, [PLAIN]),
        RESOURCE,
    ),
    "a full url that is a number": ({"entry": [{"request": GET, "fullUrl": 1}]}, "Bundle.entry[0].fullUrl"),
    "an ifMatch that is a number": (requesting({**GET, "ifMatch": 1}), "Bundle.entry[0].request.ifMatch"),
    "one full url twice": ({"entry": [{"request": GET, "fullUrl": "urn:x"}] * 2}, "Bundle.entry"),
}  # fmt: skip


@pytest.mark.parametrize("name", BUNDLES)
async def test_what_has_a_wrong_shape_is_named_and_stops_a_transaction_or_its_entry_of_a_batch(
    member: Member, name: str
) -> None:
    change, expression = BUNDLES[name]
    transaction = {"resourceType": "Bundle", "type": "transaction", **change}
    refused(await member.post("", {k: v for k, v in transaction.items() if v is not None}), 422, None, expression)
    batch = {**transaction, "type": change.get("type", "batch")}
    answer = await member.post("", {k: v for k, v in batch.items() if v is not None})
    if not expression.startswith("Bundle.entry["):
        refused(answer, 422, None, expression)
        return
    (told,) = answer.json()["entry"]
    assert answer.status_code == 200
    assert told["response"]["status"] in ("404", "405", "422")
    assert expression in [e for i in told["response"]["outcome"]["issue"] for e in i["expression"]]

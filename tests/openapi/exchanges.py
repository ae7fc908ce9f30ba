"""The exchanges that the OpenAPI document shows: performed, and written down with ids and times evened out."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx

from tests import build
from tests.databases import execute
from tests.notify.asking import subscription
from tests.world import BASE, Member, World, assertion

Json = dict[str, Any]
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_AUDIT_ID = re.compile(r"(?<=[/\"])[A-Za-z0-9.-]{64}(?=\")")
_CLIENT = re.compile(r"client-[0-9a-f]{8}")
_CURSOR = re.compile(r"(?<=_cursor=)[A-Za-z0-9_-]+")
_TOKEN = re.compile(r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
ADDRESS = {"line": ["12 Elm Street"], "city": "Cedar", "state": "TX", "postalCode": "75104"}
FHIR, PATCH = "application/fhir+json", "application/json-patch+json"


class Recorder:
    """Performs requests, and keeps what was sent and answered by operation, status and media type."""

    def __init__(self) -> None:
        self.bodies: Json = {}
        self.errors: Json = {}

    def keep(self, operation: str, sent: Any, media: str, response: httpx.Response) -> Any:
        """Keep an exchange, and answer the body that came back."""
        body = response.json() if response.content else None
        own = self.bodies.setdefault(operation, {"request": {}, "responses": {}})
        if sent is not None:
            own["request"][media] = sent
        if body is not None:
            own["responses"][str(response.status_code)] = body
        return body

    async def ask(
        self,
        member: Member,
        operation: str,
        method: str,
        path: str,
        sent: Any = None,
        media: str = FHIR,
        **headers: str,
    ) -> Json:
        """Ask as a member."""
        content = None if sent is None else json.dumps(sent).encode()
        own = {**member.headers, **({"Content-Type": media} if sent is not None else {}), **headers}
        response = await member.http.request(method, f"{BASE}/fhir{path}", content=content, headers=own)
        assert response.is_success, (operation, response.text)
        found: Json = self.keep(operation, sent, media, response)
        return found

    async def fail(self, member: Member, status: int, method: str, path: str, sent: Any = None, **headers: str) -> None:
        """Ask for what is refused."""
        content = None if sent is None else json.dumps(sent).encode()
        own = {**member.headers, **({"Content-Type": FHIR} if sent is not None else {}), **headers}
        response = await member.http.request(method, f"{BASE}/fhir{path}", content=content, headers=own)
        assert response.status_code == status, response.text
        self.errors[str(status)] = response.json()

    def written(self) -> Json:
        """All of it, with each id as a number and each moment the same."""
        ids: dict[str, str] = {}

        def numbered(found: re.Match[str]) -> str:
            return ids.setdefault(found[0], f"00000000-0000-4000-8000-{len(ids) + 1:012}")

        def known(pattern: re.Pattern[str], word: str, text: str) -> str:
            found = list(dict.fromkeys(pattern.findall(text)))
            return pattern.sub(lambda m: f"{word}-{found.index(m[0]) + 1}", text)

        text = json.dumps({"operations": self.bodies, "errors": self.errors})
        text = known(_CLIENT, "client", known(_AUDIT_ID, "event", _CURSOR.sub("AAAA", text)))
        text = _MOMENT.sub("2026-11-22T08:00:00.000Z", _UUID.sub(numbered, text))
        evened: Json = json.loads(_TOKEN.sub("eyJhbGciOiJFUzM4NCJ9.eyJzdWIiOiJlbG0tZWhyIn0.c2lnbmF0dXJl", text))
        return evened


async def record(world: World) -> Json:
    """A referral from a district to a clinic: every type is created once, and every operation is asked once."""
    district = await world.member("Cedar ISD", state="TX", zone="America/Chicago")
    clinic = await world.member("Elm Street Clinic", state="TX", zone="America/Chicago")
    await world.agree(district, clinic)
    recorder = Recorder()
    await _token(recorder, world, clinic)
    await _directory(recorder, clinic)
    await _subscription(recorder, world, clinic)
    await _record(recorder, district, clinic)
    await _errors(recorder, district, clinic)
    return recorder.written()


async def _token(recorder: Recorder, world: World, clinic: Member) -> None:
    form = {
        "grant_type": "client_credentials",
        "scope": "system/*.rs",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion(clinic.client_id, clinic.key),
    }
    response = await world.http.post(f"{BASE}/auth/token", data=form)
    recorder.keep("token", form, "application/x-www-form-urlencoded", response)


async def _directory(recorder: Recorder, clinic: Member) -> None:
    async def create(resource: Json) -> Json:
        name = resource["resourceType"]
        return await recorder.ask(clinic, f"create{name}", "POST", f"/{name}", resource)

    program = {"resourceType": "Organization", "name": "Youth counseling", "partOf": clinic.reference}
    await create({**program, "address": [ADDRESS]})
    location = await create({"resourceType": "Location", "status": "active", "name": "Elm Street", "address": ADDRESS})
    counselor = await create({"resourceType": "Practitioner", "name": [{"family": "Ortiz", "given": ["Mara"]}]})
    service = {
        "resourceType": "HealthcareService",
        "active": True,
        "providedBy": clinic.reference,
        "location": [build.ref(location)],
        "name": "Counseling for students",
    }
    offered = await create(service)
    role = {"resourceType": "PractitionerRole", "practitioner": build.ref(counselor), "organization": clinic.reference}
    await create({**role, "healthcareService": [build.ref(offered)]})
    affiliation = {"resourceType": "OrganizationAffiliation", "active": True, "organization": clinic.reference}
    await create({**affiliation, "period": {"start": "2026-08-01"}})


async def _subscription(recorder: Recorder, world: World, clinic: Member) -> None:
    endpoint = "https://ehr.elm-clinic.example.org/hallpass"
    await execute(world.db.owner, f"INSERT INTO hallpass.endpoint VALUES ('{clinic.organization}', '{endpoint}')")
    asked = subscription(endpoint)
    created = await recorder.ask(clinic, "createSubscription", "POST", "/Subscription", asked)
    own = f"/Subscription/{created['id']}"
    await recorder.ask(clinic, "statusOfSubscription", "GET", f"{own}/$status")
    await recorder.ask(clinic, "eventsOfSubscription", "GET", f"{own}/$events?eventsSinceNumber=1")


async def _record(recorder: Recorder, district: Member, clinic: Member) -> None:
    async def ask(operation: str, method: str, path: str, sent: Any = None, media: str = FHIR, **headers: str) -> Json:
        return await recorder.ask(district, operation, method, path, sent, media, **headers)

    student = await ask("createPatient", "POST", "/Patient", build.patient("S-1042", gender="female"))
    own = f"/Patient/{student['id']}"
    mother = await ask("createRelatedPerson", "POST", "/RelatedPerson", build.guardian(student))
    referral = build.referral(student, clinic.reference)
    request = await ask("createServiceRequest", "POST", "/ServiceRequest", referral)
    progress = build.task(student, request, district.reference, clinic.reference)
    await ask("createTask", "POST", "/Task", progress)
    visit = await ask("createEncounter", "POST", "/Encounter", build.encounter(student, basedOn=[build.ref(request)]))
    member = [{"entity": build.ref(student)}]
    group = {"resourceType": "Group", "type": "person", "actual": True, "name": "Grade 6", "member": member}
    await ask("createGroup", "POST", "/Group", group)
    await _documents(recorder, district, student)
    release = build.consent(student, mother, district.reference, clinic.reference)
    release["provision"]["period"]["end"] = "2036-06-30"
    release["sourceAttachment"]["title"] = "Release of information, signed"
    await ask("previewConsent", "POST", "/Consent/$preview", release)
    signed = await ask("createConsent", "POST", "/Consent", release)
    await recorder.ask(clinic, "readServiceRequest", "GET", f"/ServiceRequest/{request['id']}")
    await recorder.ask(clinic, "searchServiceRequest", "GET", "/ServiceRequest?_include=ServiceRequest:patient")
    await ask("readPatient", "GET", own)
    await ask("metaPatient", "GET", f"{own}/$meta")
    known = [{"op": "add", "path": "/telecom", "value": [{"system": "phone", "value": "555-0100"}]}]
    await ask("patchPatient", "PATCH", own, known, PATCH)
    await ask("historyPatient", "GET", f"{own}/_history")
    await ask("vreadPatient", "GET", f"{own}/_history/1")
    named = build.patient("S-1042", gender="female", active=True)
    await ask("conditionalUpdatePatient", "PUT", "/Patient?identifier=urn:test:student|S-1042", named)
    await ask("matchPatient", "POST", "/Patient/$match", build.patient("S-1042"))
    await ask("everythingOfEncounter", "GET", f"/Encounter/{visit['id']}/$everything?_type=Encounter")
    await ask("disclosuresOfPatient", "GET", f"{own}/$disclosures?basis=release&_count=1")
    asked = [
        {"name": "recipient", "valueReference": clinic.reference},
        {"name": "purpose", "valueCode": "TREAT"},
        {"name": "type", "valueCode": "ServiceRequest"},
    ]
    await ask("explainAccess", "POST", f"{own}/$explain-access", {"resourceType": "Parameters", "parameter": asked})
    backwards = {"start": "2026-09-20", "end": "2026-09-19"}
    await ask("validateEncounter", "POST", "/Encounter/$validate", build.encounter(student, period=backwards))
    entry = {"resource": build.guardian(student, "FTH"), "request": {"method": "POST", "url": "RelatedPerson"}}
    await ask("bundle", "POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
    await _releases(recorder, district, clinic, signed)
    ended = {**signed, "status": "inactive"}
    await ask("updateConsent", "PUT", f"/Consent/{signed['id']}", ended, **{"If-Match": 'W/"2"'})


async def _releases(recorder: Recorder, district: Member, clinic: Member, signed: Json) -> None:
    """What a custodian asks of a student's releases and disclosures."""

    async def ask(operation: str, method: str, path: str, sent: Any = None) -> Json:
        return await recorder.ask(district, operation, method, path, sent)

    def given(**values: Json) -> Json:
        keys = {n: "resource" if "resourceType" in v else "valueReference" for n, v in values.items()}
        return {"resourceType": "Parameters", "parameter": [{"name": n, keys[n]: v} for n, v in values.items()]}

    own = f"/{signed['patient']['reference']}"
    await ask("consentStatus", "GET", f"{own}/$consent-status")
    await ask("recipients", "GET", f"{own}/$recipients")
    await ask("brokenGlass", "GET", "/Patient/$broken-glass?reviewed=false")
    copy = await ask("disclosedCopy", "GET", f"{own}/$disclosed-copy")
    copy["entry"] = [e for e in copy["entry"] if e["resource"]["resourceType"] == "Patient"]  # they come by random ids
    outside = {
        "resourceType": "AuditEvent",
        "type": {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "110106"},
        "recorded": "2026-09-20T10:00:00-05:00",
        "outcomeDesc": "Subpoena, 34 CFR 99.31(a)(9)",
        "agent": [{"who": {"display": "County court"}, "requestor": True}],
        "source": {"observer": {"display": "The office"}},
        "entity": [{"what": signed["patient"]}],
    }
    await ask("recordDisclosure", "POST", "/AuditEvent/$recordDisclosure", given(disclosure=outside))
    kept = {k: v for k, v in signed.items() if k not in ("id", "meta", "organization", "sourceAttachment")}
    filed = {**kept, "identifier": [{"system": "http://example.org/consent", "value": "33445522"}]}
    form = {"contentType": "application/pdf", "title": "Release of information, signed"}
    document = {"resourceType": "DocumentReference", "status": "current", "content": [{"attachment": form}]}
    await ask("fileConsent", "POST", "/Consent/$fileConsent", given(consent=filed, document=document))
    by = {"resourceType": "Parameters", "parameter": [{"name": "by", "valueString": "R. Ortiz, registrar"}]}
    await ask("confirmConsent", "POST", f"/Consent/{signed['id']}/$confirm", by)
    await ask("fastConsent", "GET", f"/Consent/{signed['id']}/$fast-consent")
    await ask("compareConsent", "POST", "/Consent/$compare", given(consent=filed, **{"with": build.ref(signed)}))
    revoked = given(consent=build.ref(signed), patient=signed["patient"])
    await ask("revokeConsent", "POST", "/Consent/$revokeConsent", revoked)


async def _documents(recorder: Recorder, district: Member, student: Json) -> None:
    async def create(resource: Json) -> Json:
        name = resource["resourceType"]
        return await recorder.ask(district, f"create{name}", "POST", f"/{name}", resource)

    bytes_ = {"resourceType": "Binary", "contentType": "text/plain", "securityContext": build.ref(student)}
    scan = await create({**bytes_, "data": "QXR0ZW5kYW5jZSBwbGFu"})
    attachment = {"contentType": "text/plain", "url": f"Binary/{scan['id']}", "title": "Attendance plan"}
    document = {"resourceType": "DocumentReference", "status": "current", "subject": build.ref(student)}
    await create({**document, "content": [{"attachment": attachment}]})
    question = {"linkId": "1", "text": "Is food short?", "type": "boolean"}
    form = "http://example.org/forms/needs"
    await create({"resourceType": "Questionnaire", "url": form, "status": "active", "item": [question]})
    answer = {"linkId": "1", "answer": [{"valueBoolean": True}]}
    answers = {"resourceType": "QuestionnaireResponse", "questionnaire": form, "status": "completed"}
    await create({**answers, "subject": build.ref(student), "item": [answer]})


async def _errors(recorder: Recorder, district: Member, clinic: Member) -> None:
    nobody = Member(clinic.organization, "", {}, clinic.http)
    ended = await clinic.create({"resourceType": "Location", "name": "Closed"})
    await clinic.delete(f"/Location/{ended['id']}")
    foreign = f"/Organization/{clinic.organization}"
    stored = (await district.get(foreign)).json()
    own = (await district.get(f"/Organization/{district.organization}")).json()
    await recorder.fail(district, 400, "GET", "/Patient?shoe-size=43")
    await recorder.fail(nobody, 401, "GET", "/Patient")
    await recorder.fail(district, 403, "PUT", foreign, {**stored, "alias": ["Elm"]})
    await recorder.fail(clinic, 404, "GET", "/Patient/00000000-0000-4000-8000-000000000000")
    await recorder.fail(clinic, 406, "GET", "/Patient", Accept="text/turtle")
    await recorder.fail(clinic, 409, "DELETE", f"/Organization/{clinic.organization}")
    await recorder.fail(clinic, 410, "GET", f"/Location/{ended['id']}")
    await recorder.fail(district, 412, "PUT", f"/Organization/{own['id']}", own, **{"If-Match": 'W/"7"'})
    await recorder.fail(clinic, 415, "POST", "/Location", {}, **{"Content-Type": "text/turtle"})
    await recorder.fail(clinic, 422, "POST", "/Location", {"resourceType": "Location", "status": "open"})

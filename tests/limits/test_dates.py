"""A date at the end or the beginning of the calendar is a date like another, or is refused; it is never our fault.

https://hl7.org/fhir/R4/datatypes.html#dateTime and https://www.rfc-editor.org/rfc/rfc9110#section-13.1.3
"""

from __future__ import annotations

from datetime import date
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.fhir.etags import known
from tests import build
from tests.scene import Scene, set_scene
from tests.world import World

DAYS = st.one_of(
    st.sampled_from(["0001-01-01", "0001-12-31", "9999-12-31", "9999-01-01", "0000-01-01", "9999-02-29", "1", "9999"]),
    st.dates().map(date.isoformat),
)
TIMES = st.sampled_from(["", "T00:00", "T00:00:00", "T23:59:59", "T23:59:60", "T23:59:59.999999999", "T24:00:00"])
OFFSETS = st.sampled_from(["", "Z", "+14:00", "-14:00", "-13:59", "+00:00", "-12:00", "+99:99"])
MOMENTS = st.builds("".join, st.tuples(DAYS, TIMES, OFFSETS))
HTTP = st.builds(
    "{} {} {} {} {}".format,
    st.sampled_from(["Fri, 31", "Sat, 01", "Mon, 1", "32", ", 5"]),
    st.sampled_from(["Dec", "Jan", "Feb", "Nix"]),
    st.sampled_from(["9999", "0001", "0000", "1", "99", "10000", "99999999999"]),
    st.sampled_from(["23:59:59", "00:00:00", "23:59:60", "24:00:00", "00:00"]),
    st.sampled_from(["GMT", "-1400", "+1400", "-0000", "-9999", "+2359", "EST", "-1e9", ""]),
)


@pytest_asyncio.fixture(scope="module")
async def scene(world: World) -> Scene:
    """A district with records."""
    return await set_scene(world)


@pytest.mark.parametrize("text", ["Fri, 31 Dec 9999 23:59:59 -1400", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_an_http_date_beyond_the_calendar_is_no_condition(text: str) -> None:
    assert parsedate_to_datetime(text)
    assert known(None, text) is None


@given(HTTP)
def test_no_http_date_is_a_fault(text: str) -> None:
    known(None, text)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(moment=MOMENTS, header=HTTP, prefix=st.sampled_from(["", "ge", "lt", "ap", "sa", "eb", "ne"]))
async def test_no_date_in_a_header_a_parameter_or_a_body_is_a_fault(
    scene: Scene, moment: str, header: str, prefix: str
) -> None:
    member, visit, student = scene.district, scene.records["Encounter"], scene.student["id"]
    conditional = {"method": "GET", "url": f"Encounter/{visit['id']}", "ifModifiedSince": moment}
    answers = [
        await member.get(f"/Encounter/{visit['id']}", headers={"If-Modified-Since": header}),
        await member.post("", {"resourceType": "Bundle", "type": "batch", "entry": [{"request": conditional}]}),
        await member.post("/Encounter", build.encounter(scene.student, period={"start": moment, "end": moment})),
        await member.post("/Patient/$validate", build.patient("S-1", birthDate=moment)),
    ]
    asked: list[tuple[str, dict[str, Any]]] = [
        ("/_history", {"_since": moment}),
        ("/_history", {"_at": moment}),
        ("/Encounter", {"date": prefix + moment}),
        ("/Encounter", {"_lastUpdated": prefix + moment}),
        ("/Patient", {"birthdate": prefix + moment}),
        (f"/Patient/{student}/$everything", {"start": moment, "end": moment}),
        (f"/Patient/{student}/$everything", {"_since": moment}),
        ("/AuditEvent", {"date": prefix + moment}),
        (f"/Patient/{student}/$disclosures", {"start": moment, "end": moment}),
    ]
    answers += [await member.get(path, params=query) for path, query in asked]
    assert [r.status_code for r in answers if r.status_code >= 500] == []
    assert '"status":"5' not in answers[1].text

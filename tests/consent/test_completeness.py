"""A Consent becomes a release only when it is complete: every gap is told at once, and until then it grants nothing.

docs/rule.md, 'When a Consent is complete'; 34 CFR 99.30, 45 CFR 164.508(c), 42 CFR 2.31.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from app.consent.regimes import REGIMES, Element
from app.db.engine import Database
from tests.consent import spelled
from tests.consent.complete import complete, furnish
from tests.consent.language import NOW, load
from tests.consent.network import Network, open_network
from tests.consent.stage import Stage

Spec = dict[str, Any]
TOLD = load("completeness.yaml")
EVERY = [r.code for r in REGIMES]
RULES = {r.code: r.requires for r in REGIMES}


@pytest_asyncio.fixture(scope="module")
async def network(db: Database) -> AsyncIterator[Network]:
    """The organizations that these Consents name."""
    async with open_network(db, {"district", "agency", "clinic", "stranger"}) as found:
        yield found


@pytest_asyncio.fixture(scope="module")
async def stage(network: Network) -> Stage:
    """A student of whom many Consents are filed."""
    return await _stage(network)


@pytest_asyncio.fixture
async def fresh(network: Network) -> Stage:
    """A student without any release."""
    return await _stage(network)


async def _stage(network: Network) -> Stage:
    found = Stage(network, NOW)
    await furnish(found)
    return found


async def file(stage: Stage, spec: Spec) -> httpx.Response:
    """Post the Consent that a spec tells of."""
    return await stage.network.members["district"].post("/Consent", stage.resolve(spelled.consent(spec)))


def issues(response: httpx.Response) -> list[tuple[str, str]]:
    """Where and what each gap is."""
    assert response.status_code == 422, response.text
    return [(i["expression"][0], i["details"]["text"]) for i in response.json()["issue"]]


@pytest.mark.parametrize("law", EVERY)
async def test_a_complete_consent_is_active(stage: Stage, law: str) -> None:
    """What the table asks for is enough, for each regime."""
    assert (await file(stage, complete([law]))).status_code == 201


@pytest.mark.parametrize("law", EVERY)
@pytest.mark.parametrize("row", TOLD["table"], ids=lambda row: row["row"])
async def test_each_row_of_the_table_is_asked_for_by_its_regimes_and_by_no_other(
    stage: Stage, row: Spec, law: str
) -> None:
    """The gap is one issue with its FHIRPath, and names the rule that asks for it."""
    response = await file(stage, complete([law]) | row["without"])
    if law not in row["regimes"]:
        assert response.status_code == 201, response.text
        return
    (found,) = issues(response)
    assert found[0] == row["at"]
    assert found[1].endswith(f"({RULES[law][Element(row['row'])]})")


@pytest.mark.parametrize("law", EVERY)
async def test_a_signer_who_is_not_the_patient_has_authority(stage: Stage, law: str) -> None:
    """Who signs for the student is a parent or guardian, under each regime."""
    (found,) = issues(await file(stage, complete([law], signer=["aunt"])))
    assert found[0] == "Consent.performer[0]"
    assert "authority" in found[1]


@pytest.mark.parametrize("law", [*([r] for r in EVERY), EVERY], ids="+".join)
async def test_all_gaps_are_told_at_once(stage: Stage, law: list[str]) -> None:
    """One issue for each gap of each of the Consent's regimes, with every regime that asks for it."""
    spec = complete(law)
    for row in TOLD["table"]:
        spec |= row["without"]
    found = issues(await file(stage, spec))
    assert sorted(at for at, _ in found) == sorted(r["at"] for r in TOLD["table"] if set(r["regimes"]) & set(law))
    asked = next(text for at, text in found if at == "Consent.dateTime")
    assert all(RULES[name][Element.SIGNED_ON] in asked for name in law)


async def test_a_missing_day_does_not_hide_a_missing_authority(stage: Stage) -> None:
    """Each is a gap of its own."""
    found = issues(await file(stage, complete(["FERPA"], signed=None, signer=["aunt"])))
    assert sorted(at for at, _ in found) == ["Consent.dateTime", "Consent.performer[0]"]


@pytest.mark.parametrize("law", EVERY)
@pytest.mark.parametrize("enough", TOLD["enough"], ids=lambda e: e["says"])
async def test_what_is_asked_for_can_be_said_in_several_ways(stage: Stage, enough: Spec, law: str) -> None:
    """Each way closes the gap."""
    response = await file(stage, complete([law]) | enough["with"])
    assert response.status_code == 201, response.text


@pytest.mark.parametrize("wrong", TOLD["wrong"], ids=lambda w: w["what"])
async def test_what_is_not_understood_is_refused(stage: Stage, wrong: Spec) -> None:
    """A Consent that cannot be understood is no release, and each fault is told where it is."""
    found = issues(await file(stage, complete(["FERPA"]) | wrong["with"]))
    assert sorted(at for at, _ in found) == sorted(wrong["at"])


async def test_a_consent_without_a_patient_breaks_an_invariant(stage: Stage) -> None:
    """ppc-2: a Consent of the scope patient-privacy names its patient."""
    found = issues(await file(stage, complete(["FERPA"], **{"with": {"patient": None}})))
    assert [at for at, _ in found] == ["Consent.patient"]


async def test_a_consent_without_any_law_breaks_an_invariant(stage: Stage) -> None:
    """ppc-1: a Consent names a policy or a policyRule."""
    assert [at for at, _ in issues(await file(stage, complete(["FERPA"]) | {"law": None}))] == ["Consent"]


async def test_a_source_is_a_consent_that_the_writer_may_read(stage: Stage) -> None:
    """Who may not see it cites nothing; the discloser and the recipient may."""
    cited = "Consent.source.reference"
    spec = complete(["FERPA"], source="@earlier")
    assert (await file(stage, spec)).status_code == 201
    for by, refused in (("stranger", True), ("clinic", False)):
        content = stage.resolve(spelled.consent(spec | {"by": by}))
        response = await stage.network.members[by].post("/Consent", content)
        assert (cited in [at for at, _ in issues(response)]) == refused


@pytest.mark.parametrize("status", ["draft", "proposed"])
async def test_a_draft_is_saved_with_gaps_and_grants_nothing_until_they_are_mended(fresh: Stage, status: str) -> None:
    """To make it active with a gap is refused, and changes nothing; without one it opens what it says."""
    network = fresh.network
    district, clinic = network.members["district"], network.members["clinic"]
    visit = f"/Encounter/{fresh.held['visit'].id}"
    missing = complete(["HIPAA"], period=None, signer=None, status=status)
    draft = (await file(fresh, missing)).json()
    assert draft["status"] == status
    assert (await clinic.get(visit)).status_code == 404

    hasty = await district.put(f"/Consent/{draft['id']}", {**draft, "status": "active"})
    assert sorted(at for at, _ in issues(hasty)) == ["Consent.performer", "Consent.provision.period.end"]
    assert (await district.get(f"/Consent/{draft['id']}")).json() == draft
    assert (await clinic.get(visit)).status_code == 404

    whole = fresh.resolve(spelled.consent(complete(["HIPAA"]))) | {"id": draft["id"]}
    release = await district.save(whole)
    assert (await clinic.get(visit)).status_code == 200
    await district.save({**release, "status": "inactive"})
    assert (await clinic.get(visit)).status_code == 404


async def test_a_release_stays_as_it_was_when_a_change_to_it_is_refused(fresh: Stage) -> None:
    """The refused version leaves no trace, and the one before still opens."""
    district, clinic = fresh.network.members["district"], fresh.network.members["clinic"]
    release = (await file(fresh, complete(["FERPA"]))).json()
    bare = {"type": "deny", "class": [{"system": "urn:test:unknown", "code": "Encounter"}]}
    missing_requirement = {**release, "provision": {**release["provision"], "provision": [bare]}}
    refused = await district.put(f"/Consent/{release['id']}", missing_requirement)
    assert [at for at, _ in issues(refused)] == ["Consent.provision.provision[0].class[0]"]
    assert (await clinic.get(f"/Encounter/{fresh.held['visit'].id}")).status_code == 200
    await district.save({**release, "status": "inactive"})


async def test_a_consent_that_was_ever_active_is_ended_and_never_deleted(fresh: Stage) -> None:
    """A draft can be deleted; what was a release once cannot, also when it has ended."""
    district = fresh.network.members["district"]
    draft = (await file(fresh, complete(["FERPA"], status="draft"))).json()
    assert (await district.delete(f"/Consent/{draft['id']}")).status_code == 204

    release = (await file(fresh, complete(["FERPA"]))).json()
    assert (await district.delete(f"/Consent/{release['id']}")).status_code == 409
    await district.save({**release, "status": "inactive"})
    assert (await district.delete(f"/Consent/{release['id']}")).status_code == 409

"""A server that is killed in the middle of a push: nothing acknowledged is lost, and nothing is half there."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests import build
from tests.running import Running, network_of, serving
from tests.world import EVERYTHING, Member

FAMILIES = 24
KEYS = "identifier=urn:test:student|"


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    """A server process with an embedded database of its own."""
    with serving(alone=True) as found:
        yield found


def family(n: int) -> dict[str, Any]:
    """A transaction Bundle: a student, a parent and a visit, each found again by its identifier."""
    child = f"urn:uuid:00000000-0000-4000-8000-{n:012}"
    student = {"resourceType": "Patient", "id": "x"}
    resources = {
        child: build.patient(f"K-{n}"),
        f"{child[:-1]}a": {**build.guardian(student), "patient": {"reference": child}},
        f"{child[:-1]}b": build.encounter(student, subject={"reference": child}),
    }
    entries = []
    for full_url, resource in resources.items():
        resource["identifier"] = [{"system": "urn:test:student", "value": f"K-{n}"}]
        url = f"{resource['resourceType']}?{KEYS}K-{n}"
        entries.append({"fullUrl": full_url, "resource": resource, "request": {"method": "PUT", "url": url}})
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


class Push:
    """A push of every family, a few at a time."""

    def __init__(self, district: Member) -> None:
        self._district = district
        self._left = iter(range(FAMILIES))
        self.done: dict[int, list[str]] = {}
        """What was acknowledged: the versions written, by family."""
        self.halfway = asyncio.Event()

    async def run(self) -> None:
        """Push until all is done or the server is gone."""
        await asyncio.gather(*(self._worker() for _ in range(4)))

    async def _worker(self) -> None:
        for n in self._left:
            try:
                response = await self._district.post("", family(n))
            except httpx.TransportError:
                return
            assert response.status_code in (200, 503), response.text
            if response.status_code == 200:
                self.done[n] = [e["response"]["location"].split("/fhir/")[1] for e in response.json()["entry"]]
            if len(self.done) == 6:
                self.halfway.set()


async def stored(district: Member) -> dict[str, dict[str, tuple[str, str]]]:
    """Id and version of all there is, by type and identifier."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for name in ("Patient", "RelatedPerson", "Encounter"):
        bundle = (await district.get(f"/{name}?_count=500")).json()
        assert bundle["total"] == len(bundle.get("entry", []))
        resources = [e["resource"] for e in bundle.get("entry", [])]
        found[name] = {r["identifier"][0]["value"]: (r["id"], r["meta"]["versionId"]) for r in resources}
        assert len(found[name]) == len(resources), "nothing is there twice"
    return found


@pytest.mark.parametrize("what", ["the server", "the server and its database"])
async def test_killed_in_the_middle_of_a_push_it_starts_again_with_all_that_it_acknowledged(
    server: Running, what: str
) -> None:
    async with network_of(server) as network:
        district = await network.member(f"District, {what}")
        before = await killing(server, district, database=what != "the server")
        server.start()
        await network.login(district, EVERYTHING)

        held = await stored(district)
        assert set(held["Patient"]) == set(held["RelatedPerson"]) == set(held["Encounter"]), "no Bundle is half there"
        acknowledged = {f"K-{n}" for n in before}
        assert acknowledged <= set(held["Patient"])
        assert 0 < len(acknowledged) < FAMILIES
        for n, references in before.items():
            for reference in references:
                name, own, _, version = reference.split("/")
                assert held[name][f"K-{n}"] == (own, version)

        await Push(district).run()
        now = await stored(district)
        assert [len(found) for found in now.values()] == [FAMILIES] * 3
        for name, found in held.items():
            assert found.items() <= now[name].items(), "what was there has no new version"


async def killing(server: Running, district: Member, *, database: bool) -> dict[int, list[str]]:
    """Push, and kill the server when a part of it has been acknowledged; what has been by then."""
    push = Push(district)
    pushing = asyncio.create_task(push.run())
    await push.halfway.wait()
    if database:
        postgres = server.postgres
        postgres.send_signal(signal.SIGKILL)
        await asyncio.to_thread(postgres.wait, 10)
    server.stop(signal.SIGKILL)
    await pushing
    return push.done

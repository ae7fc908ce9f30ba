"""$meta. https://hl7.org/fhir/R4/resource-operation-meta.html"""

from __future__ import annotations

from uuid import uuid4

from tests.scene import ledger, set_scene
from tests.world import World


async def test_meta_is_that_of_the_resource_as_the_caller_sees_it(world: World) -> None:
    scene = await set_scene(world, "Encounter")
    path = f"/Encounter/{scene.records['Encounter']['id']}"
    for member in (scene.district, scene.clinic):
        answer = (await member.get(f"{path}/$meta")).json()
        assert answer["resourceType"] == "Parameters"
        meta = (await member.get(path)).json()["meta"]
        assert answer["parameter"] == [{"name": "return", "valueMeta": meta}]
    assert len(await ledger(world, scene.clinic)) == 2
    hidden = await scene.stranger.get(f"{path}/$meta")
    absent = await scene.stranger.get(f"/Encounter/{uuid4()}/$meta")
    assert (hidden.status_code, hidden.content) == (404, absent.content)
    assert (await scene.district.get(f"{path}/$meta?x=1")).status_code == 400

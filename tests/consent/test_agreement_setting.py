"""A network that does not ask for agreements: a release between two of its organizations has effect by itself."""

from __future__ import annotations

from app.db.engine import Database
from tests import build
from tests.world import open_world


async def test_where_the_network_asks_for_no_agreement_a_release_needs_none(db: Database) -> None:
    """By read and by search; and where it asks for one, the same release opens nothing."""
    async with open_world(db, require_agreement=False) as world:
        district, clinic = [await world.member(n) for n in ("District", "Clinic")]
        student = await district.create(build.patient())
        mother = await district.create(build.guardian(student))
        await district.create(build.consent(student, mother, district.reference, clinic.reference))
        assert (await clinic.get(f"/Patient/{student['id']}")).status_code == 200
        assert await clinic.ids("/Patient") == [student["id"]]
    async with open_world(Database(db.owner)) as world:
        clinic = await world.client_of(clinic.organization, scopes="system/*.rs", purposes=("TREAT",))
        assert (await clinic.get(f"/Patient/{student['id']}")).status_code == 404
        assert await clinic.ids("/Patient") == []

"""Who subscribed to imports with conflicts is told of each, and of no other import. docs/subscriptions.md"""

from __future__ import annotations

import asyncio
from pathlib import Path

from app.db.engine import Database
from tests.intake.importing import importing_into
from tests.intake.oneroster.support import OneRoster, enrollment, family, package
from tests.notify.asking import active, subscription, telling, until
from tests.notify.endpoint import listening


async def test_an_import_with_conflicts_is_told_with_their_number_and_one_without_is_not(
    db: Database, tmp_path: Path
) -> None:
    good, bad = tmp_path / "good.zip", tmp_path / "bad.zip"
    nameless = [{**row, "givenName": "", "familyName": ""} for row in family(2)]
    package(good, users=family(1), enrollments=[enrollment(1)])
    package(bad, users=[*family(1), *nameless], enrollments=[enrollment(1)])
    async with (
        importing_into(db, tmp_path, allow_http_endpoints=True) as importing,
        listening() as endpoint,
        listening() as other,
        telling(importing.world),
    ):
        asked = subscription(endpoint.url, "import", content="full-resource")
        await active(importing.world, importing.district, asked)
        await active(importing.world, importing.clinic, subscription(other.url, "import"))
        await importing.run(OneRoster(good))
        assert importing.report.conflicts == {}
        await importing.run(OneRoster(bad))
        refused = importing.report.conflicts
        await until(lambda: bool(endpoint.events))
        await importing.run(OneRoster(good))
        await asyncio.sleep(0.5)
    assert refused["refused"] > 0
    (one,) = endpoint.of("event-notification")
    (entry,) = one.bundle["entry"][1:]
    counted = {c["code"]["coding"][0]["code"]: c["valueQuantity"]["value"] for c in entry["resource"]["characteristic"]}
    assert counted == refused
    assert not other.events

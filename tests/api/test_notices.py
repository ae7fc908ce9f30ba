"""The notices on redisclosure are one read away, for anybody."""

from __future__ import annotations

import pytest

from app.api.notices import NOTICES, library
from app.db.engine import Database
from tests.fhir.second_opinion import from_model
from tests.world import BASE, open_world


@pytest.mark.parametrize("name", sorted(NOTICES))
async def test_each_notice_is_a_valid_library_that_needs_no_token(db: Database, name: str) -> None:
    from fhir.resources.R4B.library import Library

    async with open_world(db) as world:
        response = await world.http.get(f"{BASE}/fhir/Library/{name}")
    assert response.status_code == 200
    assert response.json() == library(name)
    assert from_model(Library, response.json()) == []

"""A foreign exchange for each test that asks for one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.intake.stand_in import StandIn, serving


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    """A running foreign exchange."""
    with serving() as found:
        yield found

"""The short form: one failure of each kind, the database among them."""

from __future__ import annotations

from assurance.notified.chaos import KINDS, open_chaos
from tests.running import network_of, serving


async def test_a_subscriber_ends_with_everything_in_order_and_nothing_that_no_release_covered() -> None:
    with serving(alone=True, HALLPASS_WORKER="true", HALLPASS_ALLOW_HTTP_ENDPOINTS="true") as running:
        async with network_of(running) as world, open_chaos(running, world, 7) as chaos:
            await chaos.run(25, len(KINDS))
            assert chaos.failures == dict.fromkeys(KINDS, 1)

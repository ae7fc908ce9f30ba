"""Pictures of pages, for people to look at: HALLPASS_SCREENSHOTS names the folder that they go to."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from tests.openapi.browser import Browser

_FOLDER = os.environ.get("HALLPASS_SCREENSHOTS")


async def keep(page: Browser, name: str) -> None:
    """Keep a picture of a page where one is wanted."""
    if _FOLDER:
        Path(_FOLDER).mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - once, in a test
        picture = await asyncio.to_thread(page.picture)
        await asyncio.to_thread((Path(_FOLDER) / f"{name}.png").write_bytes, picture)

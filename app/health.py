"""Whether the process lives, and whether it can serve: asked by what stands in front of it."""

from __future__ import annotations

from fastapi import FastAPI, Response

from app.db.engine import Database
from app.errors import HallpassError
from app.processes import draining


def install(app: FastAPI, db: Database) -> None:
    """The routes under /health. They tell no more than a word or two."""

    @app.get("/health/live", operation_id="live", tags=["operation"], summary="Whether the process answers")
    async def live() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/health/ready", operation_id="ready", tags=["operation"], summary="Whether requests should be sent here")
    @app.get("/health", operation_id="health", tags=["operation"], summary="Whether the server can serve")
    async def ready(response: Response) -> dict[str, str]:
        found = await _found(db)
        if found["status"] != "ok":
            response.status_code = 503
        return found


async def _found(db: Database) -> dict[str, str]:
    """Without a worker requests are answered all the same, so that is told and is no reason to send them elsewhere."""
    if draining.is_set():
        return {"status": "draining"}
    try:
        signs = await db.alive()
    except HallpassError:
        return {"status": "no database"}
    status = "behind its witness" if not signs.current else "ok" if signs.standbys else "no standby"
    return {"status": status, "worker": "ok" if signs.worker else "none"}

"""The routes of the office. docs/guides/office.md"""

from __future__ import annotations

from fastapi import APIRouter, Response

from app.office import (
    access,
    asking,
    drafting,
    glass,
    imports,
    operator,
    passkey_pages,
    plan,
    recipients,
    record,
    referral,
    referring,
    releases,
    sign_in,
    sign_in_elsewhere,
    students,
    worklist,
)
from app.office.templates import STYLE, STYLE_PATH
from app.web import stylesheet


def office_router() -> APIRouter:
    """The pages. `include_in_schema` is off: they are for people."""
    router = APIRouter(include_in_schema=False)

    async def style() -> Response:
        return stylesheet(STYLE)

    router.add_api_route(STYLE_PATH, style, methods=["GET"])
    for part in (
        sign_in,
        passkey_pages,
        sign_in_elsewhere,
        students,
        access,
        record,
        drafting,
        releases,
        asking,
        worklist,
        referring,
        referral,
        glass,
        operator,
        recipients,
        plan,
        imports,
    ):
        part.add(router)
    return router


PATHS = frozenset(getattr(route, "path", "") for route in office_router().routes)
"""Every path of the office. Who is not signed in gets nothing there but the way to sign in."""

"""What pages for people have in common: their headers, forms and redirects. No page has a script.

https://www.w3.org/TR/CSP3/ and https://www.rfc-editor.org/rfc/rfc9110#section-15.4.4
"""

from __future__ import annotations

from fastapi import Request, Response

from app.auth.form import read_form
from app.auth.oauth import OAuthError
from app.errors import HallpassError, Kind

POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def html(text: str, status: int = 200) -> Response:
    """A page."""
    return Response(text, status, HEADERS, "text/html; charset=utf-8")


def see_other(path: str) -> Response:
    """A redirect to a page of ours, for a GET."""
    return Response(status_code=303, headers={**HEADERS, "Location": path})


def stylesheet(text: str) -> Response:
    """The styles of pages."""
    headers = {"Cache-Control": "max-age=3600", "X-Content-Type-Options": "nosniff"}
    return Response(text, media_type="text/css", headers=headers)


async def form(request: Request) -> dict[str, str]:
    """The form of a page. Raises INVALID for what is none."""
    try:
        return await read_form(request)
    except OAuthError as e:
        raise HallpassError(Kind.INVALID, e.description) from None


def set_cookie(request: Request, response: Response, name: str, value: str, path: str, *, seconds: int) -> None:
    """Set a cookie that no script and no other site gets."""
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path=path,
        secure=request.app.state.settings.base_url.startswith("https://"),
        httponly=True,
        samesite="strict",
    )

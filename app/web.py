"""What pages for people have in common: their headers, forms and redirects. Few pages have a script of ours.

https://www.w3.org/TR/CSP3/ and https://www.rfc-editor.org/rfc/rfc9110#section-15.4.4
"""

from __future__ import annotations

from fastapi import Request, Response

from app.auth.form import read_form
from app.auth.oauth import OAuthError
from app.errors import HallpassError, Kind
from app.telemetry import measures

POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

_WORDS = {
    Kind.NOT_FOUND: ("There is no such page", "It was not found, or it is not open to you."),
    Kind.GONE: ("There is no such page", "It was not found, or it is not open to you."),
    Kind.NOT_ALLOWED: ("There is no such page", "Go back, and use the page's own buttons."),
    Kind.INTERNAL: (
        "The exchange failed",
        "Try again. If it fails again, tell the exchange's operator when it was.",
    ),
    Kind.FORBIDDEN: ("Not for your role", "Your role does not include this page. Ask your privacy officer."),
    Kind.TOO_MANY: ("Too many requests", "Wait a moment, and try again."),
    Kind.UNAVAILABLE: ("Not available now", "The exchange cannot answer now. Try again in a minute."),
}
_SHOWN = frozenset({Kind.INVALID, Kind.UNPROCESSABLE, Kind.CONFLICT, Kind.PRECONDITION, Kind.TOO_COSTLY})
"""Kinds whose texts a person can act on."""


def in_words(error: HallpassError) -> tuple[str, str]:
    """A title and a text that tell people of an error."""
    if error.kind in _SHOWN:
        return "This did not work", " ".join(i.text for i in error.issues)
    return _WORDS.get(error.kind, ("This did not work", "Go back, and try again."))


def refused(error: HallpassError, page: Response) -> Response:
    """The page of an error, counted, with what a browser has to know."""
    measures.REFUSALS.labels(error.kind.value).inc()
    page.headers.update({k: v for k, v in error.headers.items() if k in ("Allow", "Retry-After")})
    return page


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


def script(text: str) -> Response:
    """The script of pages."""
    headers = {"Cache-Control": "max-age=3600", "X-Content-Type-Options": "nosniff"}
    return Response(text, media_type="text/javascript", headers=headers)


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

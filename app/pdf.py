"""A page as a PDF, made here by WeasyPrint where it is installed: `pip install hallpass[pdf]`, and Pango.

https://doc.courtbouillon.org/weasyprint/ — tagged for screen readers (PDF/UA), and nothing is fetched for it.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Any

from fastapi import Response

from app.web import HEADERS

_BASE = "page:"
TYPE = "application/pdf"


@cache
def is_available() -> bool:
    """Whether WeasyPrint is installed, with the libraries of the system that it needs."""
    if find_spec("weasyprint") is None:
        return False
    try:
        import weasyprint  # noqa: F401 - an extra, and slow to import
    except OSError:
        return False
    return True


def pdf(page: str, styles: dict[str, str]) -> bytes:
    """A page as a PDF, with the stylesheets that it has by their path. Nothing else that it names is fetched."""
    from weasyprint import HTML
    from weasyprint.urls import URLFetcher, URLFetcherResponse, URLFetchingError

    class Own(URLFetcher):  # type: ignore[misc]
        """Gives the stylesheets, and refuses everything else, whatever its scheme."""

        def fetch(self, url: str, headers: Any = None) -> Any:
            """A stylesheet."""
            text = styles.get(url.removeprefix(_BASE))
            if text is None:
                raise URLFetchingError("A page of ours refers to what is not in it.")
            return URLFetcherResponse(url, text.encode(), {"Content-Type": "text/css"})

    document = HTML(string=page, base_url=f"{_BASE}/", url_fetcher=Own())
    return bytes(document.write_pdf(pdf_variant="pdf/ua-1"))


def download(content: bytes, name: str) -> Response:
    """A PDF to keep."""
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, 200, headers, TYPE)

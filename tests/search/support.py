"""What the tests of searches share: a zone, an address and short calls."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from app.search.parse import parse
from app.search.query import Search
from app.search.rows import Terms
from app.search.terms import terms

ZONE = ZoneInfo("America/New_York")
BASE = "https://hallpass.test/fhir"
ID = "0b0f9c0a-1111-4222-8333-444455556666"
OTHER = "0b0f9c0a-1111-4222-8333-444455557777"


def search(type_name: str | None, query: str, **options: Any) -> Search:
    """The search of a query string."""
    given = {"zone": ZONE, "base_url": BASE, "default_count": 50, "max_count": 500, **options}
    return parse(type_name, parse_qsl(query, keep_blank_values=True), **given)


def index(resource: dict[str, Any]) -> Terms:
    """The rows of a resource."""
    return terms(resource["resourceType"], resource, ZONE, BASE)

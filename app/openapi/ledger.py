"""The JSON Schema of each parameter by which AuditEvents are searched: what app/api/audit_events.py understands."""

from __future__ import annotations

from typing import Any

from app.api.audit_events import KINDS
from app.api.operations.disclosures import BASES
from app.openapi.primitives import MOMENT

_UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
OWN_ID: dict[str, Any] = {"type": "string", "pattern": f"^(.*/)?{_UUID}$"}
"""An id that the server gave, alone or at the end of a reference."""


def _text(pattern: str) -> dict[str, Any]:
    return {"type": "string", "pattern": f"^{pattern}$"}


SCHEMAS: dict[str, dict[str, Any]] = {
    "_id": _text(r"[A-Za-z0-9.\-]{1,64}(,[A-Za-z0-9.\-]{1,64})*"),
    "_lastUpdated": _text(f"(eq|ge|gt|le|lt)?{MOMENT}"),
    "agent": _text(f"((.*/)?Organization/)?{_UUID}(/_history.*)?"),
    "consent": _text(f"((.*/)?Consent/)?{_UUID}(/_history.*)?"),
    "date": _text(f"(eq|ge|gt|le|lt)?{MOMENT}"),
    "entity": _text(f"(.*/)?{_UUID}(/_history.*)?"),
    "outcome": {"type": "string", "enum": ["0", "4", "8"]},
    "patient": _text(f"((.*/)?Patient/)?{_UUID}(/_history.*)?"),
    "purpose": _text(r"([^\u0000]*\|)?[^\u0000|]+"),
    "subtype": _text(rf"(.*\|)?({'|'.join(sorted(BASES | KINDS))})"),
}
"""By the parameter's name."""

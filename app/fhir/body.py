"""A resource as it is stored and served: bytes, with the place where a released copy takes its label.

https://hl7.org/fhir/R4/resource.html#Meta
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from app.fhir.dates import instant
from app.fhir.json import dump

NO_REDISCLOSURE_CODE = "NORDSCLCD"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


def filed_by(content: dict[str, Any], organization: UUID) -> dict[str, Any]:
    """The content with who filed this version, which is the server's to say. https://hl7.org/fhir/R4/resource.html#Meta"""
    return {**content, "meta": {**content.get("meta", {}), "source": f"Organization/{organization}"}}


def compose(
    type_name: str, resource_id: UUID, version: int, updated: datetime, content: dict[str, Any]
) -> tuple[bytes, int]:
    """The resource with its id, version and time, and the offset at which meta.security takes another label.

    The offset is negative where the content carries the no-redisclosure label by itself.
    """
    meta = {k: v for k, v in content.get("meta", {}).items() if k not in ("versionId", "lastUpdated", "security")}
    security = content.get("meta", {}).get("security", [])
    head: dict[str, Any] = {
        "resourceType": type_name,
        "id": str(resource_id),
        "meta": {"versionId": str(version), "lastUpdated": instant(updated), **meta},
    }
    if security:
        head["meta"]["security"] = security
    rest = {k: v for k, v in content.items() if k not in ("resourceType", "id", "meta")}
    start = dump(head)
    at = len(start) - (3 if security else 2)
    if any(s.get("system") == ACT_CODE and s.get("code") == NO_REDISCLOSURE_CODE for s in security):
        at = -at
    return (start[:-1] + b"," + dump(rest)[1:] if rest else start), at

"""Links: what can be done with what an answer holds. https://spec.openapis.org/oas/v3.1.1#link-object"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def of_resource(name: str) -> dict[str, Json]:
    """From the resource that a write answers to what is asked of it next."""
    own = {"id": "$response.body#/id"}
    guarded = {**own, "If-Match": "$response.header.ETag"}
    return {
        "read": _link(f"read{name}", own),
        "update": _link(f"update{name}", guarded, requestBody="$response.body"),
        "delete": _link(f"delete{name}", guarded),
    }


def _link(operation_id: str, parameters: dict[str, str], **more: str) -> Json:
    return {"operationId": operation_id, "parameters": parameters, **more}

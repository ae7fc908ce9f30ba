"""Links: what can be done with what an answer holds. https://spec.openapis.org/oas/v3.1.1#link-object"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def of_resource(name: str) -> dict[str, Json]:
    """From the resource in an answer to all that is asked of it."""
    own = {"id": "$response.body#/id"}
    version = {**own, "vid": "$response.body#/meta/versionId"}
    guarded = {**own, "If-Match": "$response.header.ETag"}
    return {
        "read": _link(f"read{name}", own),
        "vread": _link(f"vread{name}", version),
        "history": _link(f"history{name}", own),
        "update": _link(f"update{name}", guarded, requestBody="$response.body"),
        "delete": _link(f"delete{name}", guarded),
        "search": _link(f"search{name}", {"_id": "$response.body#/id"}),
    }


def of_path(name: str) -> dict[str, Json]:
    """From an answer about a resource without its body to the resource."""
    own = {"id": "$request.path.id"}
    return {"read": _link(f"read{name}", own), "history": _link(f"history{name}", own)}


def of_definition(name: str) -> dict[str, Json]:
    """From a definition to what else has its canonical URL."""
    return {"search": _link(f"search{name}", {"url": "$response.body#/url"})}


def _link(operation_id: str, parameters: dict[str, str], **more: str) -> Json:
    return {"operationId": operation_id, "parameters": parameters, **more}

"""Which methods a path has: for the Allow header, and for OPTIONS.

https://hl7.org/fhir/R4/http.html#capabilities and https://www.rfc-editor.org/rfc/rfc9110#section-9.3.7
"""

from __future__ import annotations

from fastapi import Request
from fastapi.routing import iter_route_contexts


def allowed(request: Request) -> str:
    """The methods of the request's path, as the Allow header lists them; an empty text where there is no such path."""
    found: dict[int, set[str]] = {}
    for route in iter_route_contexts(request.app.routes):
        pattern = getattr(route, "path_regex", None)
        if pattern is not None and pattern.match(request.scope["path"]):
            found.setdefault(str(route.path).count("{"), set()).update(route.methods or ())
    if not found:
        return ""
    methods = found[min(found)]  # `/Patient/_search` is no id
    also = {"HEAD"} if "GET" in methods else set()
    return ", ".join(sorted(methods | also | {"OPTIONS"}))


def misdirected(request: Request) -> bool:
    """Whether a path that stands for itself alone, such as `[type]/_history`, has not the request's method.

    The router would go on and take the path's last part for the id of a resource.
    """
    state = request.app.state
    if not hasattr(state, "literal"):
        state.literal = _literal(request)
    methods = state.literal.get(request.scope["path"])
    return methods is not None and request.method not in methods


def _literal(request: Request) -> dict[str, set[str]]:
    """The methods of each path without parameters."""
    found: dict[str, set[str]] = {}
    for route in iter_route_contexts(request.app.routes):
        if "{" not in str(route.path):
            found.setdefault(str(route.path), set()).update(route.methods or ())
    return found

"""Every route of the application by its shape. A route of a shape that is not known here is out of reach."""

from __future__ import annotations

import re
from typing import NamedTuple

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from app.office.routes import PATHS as OFFICE_PAGES
from app.partner.routes import PATHS as PARTNER_PAGES
from app.resources import TYPES
from app.signing.routes import PATHS as SIGNING_PAGES

_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")


class Route(NamedTuple):
    """A method and a path template; `shape` is the template with `[type]` for a resource type."""

    method: str
    path: str
    shape: str
    types: tuple[str, ...]

    @property
    def type(self) -> str:
        """The type that is asked for: the last one in the path."""
        return self.types[-1]


def routes(app: FastAPI) -> list[Route]:
    """Every method of every route that the application answers."""
    found = set()
    for context in iter_route_contexts(app.routes):
        path = str(context.path)
        if path in PARTNER_PAGES | OFFICE_PAGES | SIGNING_PAGES:  # behind a sign-in of people, and no program's
            continue
        names = tuple(s for s in path.split("/") if s in TYPES)
        shape = "/".join("[type]" if s in TYPES else s for s in path.split("/"))
        for method in context.methods or ():
            found.add(Route(method, path, _PARAMETER.sub(r"{\1}", shape), names))
    return sorted(found, key=str)

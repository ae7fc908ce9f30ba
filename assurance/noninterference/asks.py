"""What the caller asks: a request for every route of the application, drawn shape by shape.

`SHAPES` says how a route of a shape is asked. A route of another shape raises OutOfReach before anything is run, so
that a new one cannot be forgotten.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from random import Random
from urllib.parse import urlencode

from fastapi import FastAPI

from app.auth.jose import Jwk
from app.capability import catalog
from app.capability.searching import SEARCHED
from app.resources import TYPES
from assurance.noninterference import audit_events, authorization, bundles, operations
from assurance.noninterference.bodies import Bodies
from assurance.noninterference.draw import OutOfReach
from assurance.noninterference.malformed import spoiled
from assurance.noninterference.moves import JSON
from assurance.noninterference.queries import Pairs, Queries
from assurance.noninterference.records import DRAWN
from assurance.noninterference.routes import Route, routes
from assurance.noninterference.scene import Scene
from assurance.noninterference.wire import Request

FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
ABSENT = tuple(f"{n:08x}-0000-4000-8000-00000000abcd" for n in range(3))
CLIENTS = ("caller", "caller", "caller", "narrow")
PREFER = ("return=minimal", "return=OperationOutcome", "handling=lenient", "return=representation")
VERSIONS = 3
"""As many as what is written again mostly has."""
WEIGHTS = {"search": 40, "read": 14, "write": 20, "bundle": 8, "operation": 6, "other": 2, "link": 10}
"""Of a hundred requests, how many are of each kind; `link` follows a page that was offered."""

Draw = Callable[[], Request]


def _searching(type_name: str, pairs: Callable[[], Pairs]) -> Request:
    return Request("GET", f"/fhir/{type_name}?{urlencode(pairs())}", "caller")


class Asks:
    """Draws the caller's requests. It lives as long as the run; each sequence sets its own scene."""

    def __init__(self, app: FastAPI, rng: Random, keys: dict[str, Jwk], tokens: dict[str, str]) -> None:
        self.rng = rng
        self.keys = keys
        self.tokens = tokens
        self.scene = Scene()
        self.queries = Queries(rng)
        self.bodies = Bodies(rng)
        every = routes(app)
        unknown = sorted({f"{r.method} {r.shape}" for r in every} - SHAPES.keys())
        if unknown:
            raise OutOfReach(f"assurance/noninterference/asks.py does not know how to ask {', '.join(unknown)}")
        kinds = {r: SHAPES[f"{r.method} {r.shape}"][0] for r in every}
        self.routes = {k: [r for r in every if kinds[r] == k] for k in WEIGHTS if k != "link"}

    def sweep(self) -> Iterator[Draw]:
        """How to ask every route, and to search by every criterion, sort and include that there is."""
        for route in [r for found in self.routes.values() for r in found]:
            yield partial(self.of, route)
        yield from self._known_ids()
        yield from audit_events.audits(self)
        for name, pairs in self.queries.sweep(self.scene):
            yield partial(_searching, name, pairs)

    def _known_ids(self) -> Iterator[Draw]:
        """How to read by id what was deleted, the versions of what has hidden ones, and to delete its own."""
        for route in self.routes["read"]:
            if route.path.endswith("/{id}/_history"):
                yield from [partial(self._history, route, of) for of in self._rewritten(route.type)]
            if route.path.endswith(("/{id}", "/{vid}")):
                often = VERSIONS if "{vid}" in route.path else 1
                for of in [*self._gone(route.type), *self._rewritten(route.type)]:
                    yield from [partial(self._read, route, of)] * often
        for record in self.scene.of(by="caller"):
            yield partial(Request, "DELETE", f"/fhir/{record.reference}", "caller")

    def draw(self) -> Request:
        """The caller's next request."""
        kinds = [k for k in WEIGHTS if k != "link" or self.scene.links]
        (kind,) = self.rng.choices(kinds, [WEIGHTS[k] for k in kinds])
        if kind == "link":
            return Request("GET", self.rng.choice(self.scene.links), "caller")
        request = self.of(self._route(kind))
        if self.rng.random() < 0.05:
            request = replace(request, headers=(*request.headers, ("Accept", "application/fhir+xml")))
        return spoiled(self.rng, request) if self.rng.random() < 0.05 else request

    def _route(self, kind: str) -> Route:
        """Any route of the kind: of the operations, most of which are served for every type, any operation; seldom one
        of the types that are drawn by their declaration alone, which are more than the others and so alike."""
        found = self.routes[kind]
        if kind == "operation":
            shape = self.rng.choice(sorted({r.shape for r in found}))
            found = [r for r in found if r.shape == shape]
        if self.rng.random() < 0.75:
            found = [r for r in found if not set(r.types) & set(DRAWN)] or found
        return self.rng.choice(found)

    def of(self, route: Route) -> Request:
        """A request for a route."""
        return SHAPES[f"{route.method} {route.shape}"][1](self, route)

    # The parts of a request ----------------------------------------------------------------------------------------

    def client(self) -> str:
        """Who of the caller's organization asks."""
        return self.rng.choice(CLIENTS)

    def id(self, type_name: str | None) -> str:
        """An id: of the caller's own, of what it may see, of what it may not, of nothing."""
        rng = self.rng
        chance = rng.random()
        if chance < 0.06:
            return rng.choice([*ABSENT, "x", "none-of-yours"])
        if chance < 0.14 and (gone := self._gone(type_name)):
            return rng.choice(gone)
        if type_name == "Patient" and chance < 0.4:
            return rng.choice(list(self.scene.students.values()))
        if chance > 0.8 and (rewritten := self._rewritten(type_name)):
            return rng.choice(rewritten)
        hidden = None if chance < 0.5 else chance < 0.75
        found = self.scene.of(*([type_name] if type_name else []), worlds="", hidden=hidden)
        return rng.choice(found).id if found else rng.choice(ABSENT)

    def _gone(self, type_name: str | None) -> list[str]:
        return [r.id for r in self.scene.gone if type_name in (None, r.type)]

    def _rewritten(self, type_name: str | None) -> list[str]:
        """Ids of what the caller sees, but not every version of."""
        known = [self.scene.records.get(i) for i in (*self.scene.shifted, *self.scene.veiled)]
        return [r.id for r in known if r is not None and type_name in (None, r.type)]

    def version(self, of: str) -> str:
        """A version's name, as this world numbers it; a number where both worlds number all versions alike."""
        if of in self.scene.veiled:
            return str(self.rng.randint(1, VERSIONS))
        return f"{{{{version:{of}:{self.rng.choice([0, 0, 1, 2])}}}}}"

    def headers(self, *, of: str | None = None) -> tuple[tuple[str, str], ...]:
        """Headers of a write."""
        found = list(JSON)
        if self.rng.random() < 0.2:
            found.append(("Prefer", self.rng.choice(PREFER)))
        if of is not None and self.rng.random() < 0.3:
            found.append(("If-Match", f'W/"{self.version(of)}"'))
        return tuple(found)

    def condition(self, type_name: str) -> str:
        """A condition that may match one of the caller's, one of another's, several or none."""
        return urlencode([self.bodies.condition(self.scene, type_name, self.queries)])

    # Shapes --------------------------------------------------------------------------------------------------------

    def _fixed(self, route: Route) -> Request:
        query = "?_pretty=true" if self.rng.random() < 0.2 and "/fhir/" in route.path else ""
        return Request(route.method, route.path + query, self.client())

    def _asset(self, route: Route) -> Request:
        name = self.rng.choice(["page.css", "viewer.js", "none"])
        return Request(route.method, route.path.replace("{asset}", name), self.client())

    def _search(self, route: Route) -> Request:
        lenient = (("Prefer", "handling=lenient"),) if self.rng.random() < 0.05 else ()
        return Request(route.method, f"{self._place(route)}?{self._query(route)}", self.client(), lenient)

    def _form(self, route: Route) -> Request:
        return Request(route.method, self._place(route), self.client(), FORM, self._query(route))

    def _place(self, route: Route) -> str:
        return route.path.replace("{id}", self.id(route.types[0])) if route.types else route.path

    def _query(self, route: Route) -> str:
        """The query of a search on the type at the end of the path, or on several types."""
        several = route.path.removesuffix("/_search").endswith(("/fhir", "*"))
        return self.queries.query(self.scene, None if several else route.type)

    def _create(self, route: Route) -> Request:
        headers = self.headers()
        chance, path = self.rng.random(), route.path
        if self.rng.random() < 0.1:
            headers += self.key()
        if chance < 0.3:
            headers += (("If-None-Exist", self.condition(route.type)),)
        elif chance < 0.35:
            path += f"?{self.condition(route.type)}"
        return Request(route.method, path, self.client(), headers, self.bodies.new(self.scene, route.type))

    def _conditional_update(self, route: Route) -> Request:
        path = f"{route.path}?{self.condition(route.type)}"
        return Request(route.method, path, self.client(), self.headers(), self.bodies.new(self.scene, route.type))

    def _conditional_delete(self, route: Route) -> Request:
        return Request(route.method, f"{route.path}?{self.condition(route.type)}", self.client())

    def _read(self, route: Route, of: str | None = None) -> Request:
        of = of or self.id(route.type)
        path = route.path.replace("{id}", of).replace("{vid}", self.version(of))
        return Request(route.method, path + self._part(), self.client(), self._known(of))

    def _part(self) -> str:
        if self.rng.random() < 0.85:
            return ""
        return "?" + self.rng.choice(["_summary=true", "_summary=text", "_elements=identifier,status", "_pretty=true"])

    def _known(self, of: str) -> tuple[tuple[str, str], ...]:
        """Headers of a caller that has a copy already."""
        chance = self.rng.random()
        if chance < 0.1:
            return (("If-None-Match", f'W/"{self.version(of)}"'),)
        return (("If-Modified-Since", "Thu, 01 Oct 2026 12:10:00 GMT"),) if chance < 0.2 else ()

    def _history(self, route: Route, of: str | None = None) -> Request:
        pairs = {"_count": str(self.rng.choice([1, 2, 5]))} if self.rng.random() < 0.6 else {}
        if self.rng.random() < 0.2:
            pairs |= self.rng.choice([{"_since": "2026-10-01T12:05:00Z"}, {"_at": "2026-10-01"}])
        if not route.types and self.rng.random() < 0.5:
            pairs["_type"] = ",".join(self.rng.sample(list(TYPES), 2))
        place = route.path.replace("{id}", of) if of else self._place(route)
        return Request(route.method, f"{place}?{urlencode(pairs)}", self.client())

    def _update(self, route: Route) -> Request:
        of, body = self.bodies.changed(self.scene, route.type, self.id(route.type))
        path = route.path.replace("{id}", of)
        return Request(route.method, path, self.client(), self.headers(of=of), body)

    def _patch(self, route: Route) -> Request:
        of = self.id(route.type)
        path = route.path.replace("{id}", of) if "{id}" in route.path else f"{route.path}?{self.condition(route.type)}"
        headers = (("Content-Type", "application/json-patch+json"), *self.headers(of=of)[1:])
        return Request(route.method, path, self.client(), headers, self.bodies.patch(self.scene, route.type))

    def _delete(self, route: Route) -> Request:
        of = self.id(route.type)
        headers = (("If-Match", f'W/"{self.version(of)}"'),) if self.rng.random() < 0.2 else ()
        return Request(route.method, route.path.replace("{id}", of), self.client(), headers)

    def _bundle(self, route: Route) -> Request:
        headers = self.headers() + (self.key() if self.rng.random() < 0.1 else ())
        return Request(route.method, route.path, self.client(), headers, bundles.bundle(self))

    def key(self) -> tuple[tuple[str, str]]:
        """An idempotency key, of few: that of an earlier request, or of another client's."""
        return (("Idempotency-Key", f'"{self.rng.randint(1, 3)}"'),)

    def _operation(self, route: Route) -> Request:
        return operations.OPERATIONS[route.shape.rpartition("/")[2]](self, route)

    def _exported(self, route: Route) -> Request:
        """An export of the caller's own, of nobody, or a file of one; links lead to the rest."""
        known = [link.split("/")[3] for link in self.scene.links if "/export/" in link]
        path = route.path.replace("{id}", self.rng.choice([*known, *ABSENT]))
        name = self.rng.choice(["Patient-1.ndjson", "deleted-1.ndjson", "errors.ndjson", "x"])
        if name.startswith("Patient") and self.rng.random() < 0.3:
            name += f"?_after={self.id('Patient')}"
        return Request(route.method, path.replace("{name}", name), self.client())

    def _submission(self, route: Route) -> Request:
        """A submission of the caller's own, of nobody, what became of its lines, or a file that is uploaded to it."""
        known = [link.split("/")[3] for link in self.scene.links if "/submission/" in link]
        path = route.path.replace("{id}", self.rng.choice([*known, *known, *ABSENT]))
        if route.method == "GET":
            return Request("GET", path.replace("{name}", self.rng.choice(["1.ndjson", "2.ndjson", "x"])), self.client())
        kind = self.rng.choice(["Patient", "Encounter", "ServiceRequest"])
        if self.rng.random() < 0.5:
            of, body = self.bodies.changed(self.scene, kind, self.id(kind))
            body = json.dumps({**json.loads(body), "id": of}) if body.startswith("{") else body
        else:
            body = json.dumps({**json.loads(self.bodies.new(self.scene, kind)), "id": "own-1"})
        headers = (("Content-Type", "application/fhir+ndjson"),)
        return Request("POST", path.replace("{name}", f"{kind}.ndjson"), self.client(), headers, body + "\n")

    def _audit(self, route: Route) -> Request:
        return audit_events.audit(self, route)

    def _token_form(self, route: Route) -> Request:
        return authorization.token_form(self, route)

    def _definition(self, route: Route) -> Request:
        """A part of the implementation guide, or a search for one. It is the program's and the same for everyone."""
        kind = route.path.split("/")[2]
        known = [d["id"] for d in catalog.search(kind, {})] if kind in catalog.TYPES else ["notice-ferpa"]
        path = route.path.replace("{id}", self.rng.choice([*known, "none"]))
        if "{id}" in route.path:
            return Request(route.method, path, self.client())
        query = {self.rng.choice(list(SEARCHED)): self.rng.choice([*known, "http://example.org/x"])}
        if route.method == "POST":
            return Request("POST", path, self.client(), FORM, urlencode(query))
        return Request(route.method, f"{path}?{urlencode(query)}", self.client())


Asking = tuple[str, Callable[[Asks, Route], Request]]
_SEARCHED = ("/fhir", "/fhir/[type]", "/fhir/[type]/{id}/[type]", "/fhir/[type]/{id}/*")
_BY_SHAPE: dict[str, Asking] = {
    **{f"GET {place}": ("search", Asks._search) for place in _SEARCHED},
    **{f"POST {place}/_search": ("search", Asks._form) for place in _SEARCHED},
    "POST /fhir/[type]": ("write", Asks._create),
    "PUT /fhir/[type]": ("write", Asks._conditional_update),
    "DELETE /fhir/[type]": ("write", Asks._conditional_delete),
    "GET /fhir/[type]/{id}": ("read", Asks._read),
    "GET /fhir/[type]/{id}/_history": ("read", Asks._history),
    "GET /fhir/[type]/_history": ("read", Asks._history),
    "GET /fhir/_history": ("read", Asks._history),
    "GET /fhir/[type]/{id}/_history/{vid}": ("read", Asks._read),
    "PUT /fhir/[type]/{id}": ("write", Asks._update),
    "DELETE /fhir/[type]/{id}": ("write", Asks._delete),
    "PATCH /fhir/[type]/{id}": ("write", Asks._patch),
    "PATCH /fhir/[type]": ("write", Asks._patch),
    "POST /fhir": ("bundle", Asks._bundle),
    "GET /fhir/Library/{id}": ("other", Asks._definition),
    "GET /fhir/SubscriptionTopic/{id}": ("other", Asks._definition),
    **{f"GET /fhir/{kind}": ("other", Asks._definition) for kind in catalog.TYPES},
    **{f"POST /fhir/{kind}/_search": ("other", Asks._definition) for kind in catalog.TYPES},
    **{f"GET /fhir/{kind}/{{id}}": ("other", Asks._definition) for kind in catalog.TYPES},
    "GET /fhir/AuditEvent": ("operation", Asks._audit),
    "POST /fhir/AuditEvent/_search": ("operation", Asks._audit),
    "GET /fhir/AuditEvent/{id}": ("operation", Asks._audit),
    "GET /fhir/export/{id}": ("operation", Asks._exported),
    "DELETE /fhir/export/{id}": ("operation", Asks._exported),
    "GET /fhir/export/{id}/{name}": ("operation", Asks._exported),
    "GET /fhir/submission/{id}": ("operation", Asks._submission),
    "GET /fhir/submission/{id}/{name}": ("operation", Asks._submission),
    "POST /fhir/submission/{id}/{name}": ("operation", Asks._submission),
    "GET /docs/{asset}": ("other", Asks._asset),
    "POST /auth/token": ("other", Asks._token_form),
    "POST /auth/introspect": ("other", Asks._token_form),
    "POST /auth/revoke": ("other", Asks._token_form),
}
_FIXED = (
    "/",
    "/auth/jwks",
    "/.well-known/smart-configuration",
    "/fhir/.well-known/smart-configuration",
    "/fhir/metadata",
    "/health",
    "/health/live",
    "/health/ready",
    "/openapi.json",
    "/docs",
    "/docs/oauth2-redirect",
)
SHAPES: dict[str, Asking] = {
    **_BY_SHAPE,
    **{f"{m} {path}": ("other", Asks._fixed) for path in _FIXED for m in ("GET", "HEAD")},
    **{f"{method} {path}": ("operation", Asks._operation) for method, path in operations.SERVED},
}
"""Method and shape of a route -> its kind and how it is asked."""

"""An Ed-Fi ODS/API that takes interventions and who took part in them, for the tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import orjson

from tests.intake.pull.provider import Answered, Asked, ProviderStandIn, providing

DATA = "/data/v3/ed-fi/"
Key = tuple[str, str]
"""A student's number and the code of an intervention."""


@dataclass
class Ods:
    """What it holds by natural key, and which students it knows."""

    students: set[str]
    http: ProviderStandIn = field(default=None)  # type: ignore[assignment]
    interventions: dict[str, dict[str, Any]] = field(default_factory=dict)
    parts: dict[Key, dict[str, Any]] = field(default_factory=dict)
    writes: list[tuple[str, str]] = field(default_factory=list)
    """Each write that was done: its method and resource."""
    ids: dict[Key, str] = field(default_factory=dict)

    def answer(self, asked: Asked) -> Answered:
        """The root, an upsert, or a deletion."""
        if asked.path == "/":
            return Answered(200, self._root())
        resource, _, own = asked.path.removeprefix(DATA).partition("/")
        self.writes.append((asked.method, resource))
        if asked.method == "DELETE":
            return self._delete(own)
        body = orjson.loads(asked.body)
        if resource == "interventions":
            self.interventions[body["interventionIdentificationCode"]] = body
            return Answered(201, b"", {"Location": f"{self.http.url}{DATA}{resource}/{uuid4().hex}"})
        return self._part(body)

    def _part(self, body: dict[str, Any]) -> Answered:
        student = body["studentReference"]["studentUniqueId"]
        code = body["interventionReference"]["interventionIdentificationCode"]
        if student not in self.students or code not in self.interventions:
            return Answered(409, {"type": "urn:ed-fi:api:data-conflict:unresolved-reference", "status": 409})
        status = 200 if (student, code) in self.parts else 201
        self.parts[student, code] = body
        own = self.ids.setdefault((student, code), uuid4().hex)
        return Answered(status, b"", {"Location": f"{self.http.url}{DATA}studentInterventionAssociations/{own}"})

    def _delete(self, own: str) -> Answered:
        key = next((k for k, i in self.ids.items() if i == own), None)
        if key is None:
            return Answered(404, {"status": 404})
        del self.ids[key], self.parts[key]
        return Answered(204, b"")

    def _root(self) -> dict[str, Any]:
        urls = {"oauth": "/oauth/token", "dataManagementApi": "/data/v3/"}
        return {
            "version": "7.3",
            "dataModels": [{"name": "Ed-Fi", "version": "5.2.0"}],
            "urls": {name: self.http.url + path for name, path in urls.items()},
        }

    @property
    def minutes(self) -> dict[Key, int | None]:
        """The dosage of each part."""
        return {key: body.get("dosage") for key, body in self.parts.items()}


@contextmanager
def serving(*students: str) -> Iterator[Ods]:
    """An API that knows these students."""
    ods = Ods(set(students))
    with providing(ods.answer) as http:
        ods.http = http
        yield ods

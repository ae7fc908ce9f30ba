"""Requests that are wrong in some way: the answer to them may tell no more than to right ones."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from assurance.noninterference.wire import Request

WRONG_QUERIES = (
    "_sort=nothing",
    "name:never=x",
    "_count=-1",
    "_include=Patient",
    "birthdate=yesterday",
    "_cursor=AAAA",
    "%ff=%00",
    "_id=",
)


def spoiled(rng: Random, request: Request) -> Request:
    """The request with something wrong about it."""
    headers = tuple(h for h in request.headers if h[0] != "Content-Type")
    choices = [
        replace(request, path=request.path + ("&" if "?" in request.path else "?") + rng.choice(WRONG_QUERIES)),
        replace(request, headers=(*request.headers, ("Accept", rng.choice(["text/xml", "application/json"])))),
        replace(request, headers=(*request.headers, ("Prefer", "return=everything"))),
        replace(request, headers=(*headers, ("Content-Type", "text/plain"))),
        replace(request, client=None),
        replace(request, client=None, headers=(*request.headers, ("Authorization", "Bearer nonsense"))),
        replace(request, method=rng.choice(["PATCH", "OPTIONS", "HEAD", "DELETE", "PUT"])),
        replace(request, path=request.path.replace("/fhir/", "/fhir//", 1)),
        replace(request, headers=(*request.headers, ("If-Match", "nonsense"))),
    ]
    if request.body:
        half = len(request.body) // 2
        choices += [
            replace(request, body=request.body[:half]),
            replace(request, body=request.body.replace('"status"', '"state"', 1)),
            replace(request, body=request.body.replace('"reference"', '"display"', 1)),
            replace(request, body=request.body.replace('"resourceType": "', '"resourceType": "Un', 1)),
        ]
    return rng.choice(choices)

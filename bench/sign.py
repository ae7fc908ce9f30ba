"""What a release costs that opens a thousand resources: to sign and to revoke it, against a plain update."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import Any

from bench.figures import Figure
from bench.serving import fetched
from bench.stage import Stage
from bench.swell import swell

RESOURCES = 1_000
TIMES = 40


def signing(stage: Stage, own: str) -> Figure:
    """Milliseconds at the 95th percentile that a signature or revocation takes more than an update of an Encounter."""
    swell(stage, "ServiceRequest", range(1, RESOURCES + 1))
    network = stage.network
    token = network.district.headers["Authorization"]
    release = fetched(f"{own}/fhir/Consent/{network.sample['Consent']}", token)
    visit = fetched(f"{own}/fhir/Encounter/{network.sample['Encounter']}", token)
    plain = [_took(own, token, {**visit, "language": f"en-{'US' if n % 2 else 'GB'}"}) for n in range(TIMES)]
    ended = [_took(own, token, {**release, "status": "inactive" if n % 2 == 0 else "active"}) for n in range(TIMES)]
    found = _p95(ended) - _p95(plain)
    what = f"signing or revoking a release over {RESOURCES} resources: ms more than a plain update, p95"
    return Figure("sign", what, 60, found, max(ended) - min(ended), True)


def _took(own: str, token: str, content: dict[str, Any]) -> float:
    request = urllib.request.Request(
        f"{own}/fhir/{content['resourceType']}/{content['id']}",
        json.dumps(content).encode(),
        {"Authorization": token, "Content-Type": "application/fhir+json"},
        method="PUT",
    )
    started = time.perf_counter()
    with urllib.request.urlopen(request) as response:
        response.read()
    return (time.perf_counter() - started) * 1000


def _p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95) - 1]

"""What a release costs that opens a thousand resources: to sign and to revoke it, against a plain update."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from typing import Any

from bench.figures import Figure
from bench.stage import Stage, fetched, run

RESOURCES = 1_000
TIMES = 40
_TABLES = ("resource", "term_token", "term_string", "term_reference", "term_date", "term_quantity", "term_uri")


def signing(stage: Stage, own: str) -> Figure:
    """Milliseconds at the 95th percentile that a signature or revocation takes more than an update of an Encounter."""
    asyncio.run(_fill(stage))
    network = stage.network
    token = network.district.headers["Authorization"]
    release = fetched(f"{own}/fhir/Consent/{network.sample['Consent']}", token)
    visit = fetched(f"{own}/fhir/Encounter/{network.sample['Encounter']}", token)
    plain = [_took(own, token, {**visit, "language": f"en-{'US' if n % 2 else 'GB'}"}) for n in range(TIMES)]
    ended = [_took(own, token, {**release, "status": "inactive" if n % 2 == 0 else "active"}) for n in range(TIMES)]
    found = _p95(ended) - _p95(plain)
    what = f"signing or revoking a release over {RESOURCES} resources: ms more than a plain update, p95"
    return Figure("sign", what, 60, found, max(ended) - min(ended), True)


async def _fill(stage: Stage) -> None:
    """Copies of the sample referral for the same student."""
    shard, one = stage.network.sample["Patient"], stage.network.sample["ServiceRequest"]
    copies = f"md5('{one}+' || copy)::uuid"
    for table in _TABLES:
        await run(
            stage.database,
            f"CREATE TABLE bench.{table} AS SELECT * FROM hallpass.{table} WHERE shard = '{shard}' AND id = '{one}'",
            f"INSERT INTO hallpass.{table} SELECT (jsonb_populate_record(t, jsonb_build_object('id', {copies}))).*"
            f" FROM bench.{table} t, generate_series(1, {RESOURCES}) copy",
        )
    await run(
        stage.database,
        "UPDATE hallpass.resource"
        f" SET body = convert_to(replace(convert_from(body, 'UTF8'), '{one}', id::text), 'UTF8')"
        f" WHERE shard = '{shard}' AND type = 'ServiceRequest' AND id <> '{one}'",
        f"SELECT hallpass.index_student('{shard}', NULL)",
        "VACUUM ANALYZE",
    )


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

"""More records for the one student of the sample: copies of one of its resources, in the database."""

from __future__ import annotations

import asyncio

from bench.stage import Stage, run

TABLES = ("resource", "term_token", "term_string", "term_reference", "term_date", "term_quantity", "term_uri")


def swell(stage: Stage, type_name: str, numbers: range) -> None:
    """Copy the sample's resource of this type, within the student, and bring the access index up to date."""
    asyncio.run(run(stage.database, *_statements(stage, type_name, numbers), "VACUUM ANALYZE"))


def _statements(stage: Stage, type_name: str, numbers: range) -> list[str]:
    if not numbers:
        return []
    compartment, one = stage.network.sample["Patient"], stage.network.sample[type_name]
    own = f"md5('{one}+' || copy)::uuid"
    body = f"convert_to(replace(convert_from(t.body, 'UTF8'), '{one}', ({own})::text), 'UTF8')"
    found = []
    for table in TABLES:
        changed = f"'id', {own}" + (f", 'body', {body}" if table == "resource" else "")
        found.append(
            f"INSERT INTO hallpass.{table} SELECT (jsonb_populate_record(t, jsonb_build_object({changed}))).*"
            f" FROM hallpass.{table} t, generate_series({numbers[0]}, {numbers[-1]}) copy"
            f" WHERE t.compartment = '{compartment}' AND t.id = '{one}'"
        )
    return [*found, f"SELECT hallpass.index_student('{compartment}', NULL)"]

"""The same files again: known by their digest, so that an import of them need not read them.
docs/decisions/0030-whose-word-counts.md

What the source says is then what was last written, and nothing happens, whatever the exchange holds. But who is
enrolled hangs on the day as well: so it is kept until which day the files say the same.
"""

from __future__ import annotations

from datetime import date, timedelta

from app.intake.answers import Status
from app.intake.report import Report
from app.intake.roster.facts import RosterFacts
from app.intake.roster.units import Json
from app.intake.roster.years import SUMMER

READ_AFTER = timedelta(days=7)
"""After so long files are read all the same."""
_NEXT = """
    SELECT min(day) FROM (
        SELECT json_extract(CAST(body AS TEXT), '$.begin') AS day FROM fact
            WHERE kind IN ('Enrollment', 'Post', 'Session')
        UNION ALL SELECT date(json_extract(CAST(body AS TEXT), '$.end'), '+1 day') FROM fact
            WHERE kind IN ('Enrollment', 'Post', 'Session')
        UNION ALL SELECT date(json_extract(CAST(body AS TEXT), '$.end'), ?2) FROM fact WHERE kind = 'Session'
    ) WHERE day > ?1
"""


def note(fingerprint: str | None, facts: RosterFacts, report: Report, today: date) -> Json | None:
    """What is kept of an import; None where the next one must read the files: something was refused, or conflicts."""
    if fingerprint is None or any(report.counts[k] for k in report.counts if k[1] in (Status.REFUSED, Status.KEPT)):
        return None
    days = f"+{SUMMER.days + 1} days"
    (changes,) = facts.db.execute(_NEXT, (today.isoformat(), days)).fetchone()
    until = min(changes or "9999-12-31", (today + READ_AFTER).isoformat())
    counts: dict[str, int] = {}
    for (name, status), number in report.counts.items():
        if status is not Status.GONE:
            counts[name] = counts.get(name, 0) + number
    return {"fingerprint": fingerprint, "on": today.isoformat(), "until": until, "counts": counts}


def is_same(held: Json | None, fingerprint: str | None, today: date) -> bool:
    """Whether files are those of the last import, and still say the same today."""
    if held is None or fingerprint is None or held["fingerprint"] != fingerprint:
        return False
    return bool(held["on"] <= today.isoformat() < held["until"])


def tell(held: Json, report: Report) -> None:
    """Count what the last import counted as unchanged."""
    report.line(f"The files are those of the import of {held['on']}. They were not read again.")
    for name, number in held["counts"].items():
        report.counts[name, Status.UNCHANGED] += number

"""Whether all that clients got is on the ledger as they got it, under a release in force; read as its owner."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from assurance.chaos.custodian import Custodian
from assurance.chaos.readers import Account
from assurance.chaos.receipts import Receipt

SLACK = 0.001
"""Seconds: the ledger counts microseconds, and so does this machine's one clock."""
PARTY = frozenset({"Consent"})
DIRECTORY = frozenset({"Organization"})
_ENTRIES = text("""
    SELECT client, extract(epoch FROM at)::float8 AS at, type, id::text, version, interaction, recipient::text,
           custodian::text, student::text, basis, consent::text, consent_version
    FROM hallpass.disclosure WHERE at >= :since
""")


class Judge:
    """Compares what clients wrote down with what the ledger says."""

    def __init__(self, owner: AsyncEngine, custodian: Custodian) -> None:
        self._owner = owner
        self._custodian = custodian
        self.found = 0
        """Receipts that were found."""
        self.ended = 0
        """Receipts whose release was ended or amended while the answer was under way."""

    async def look(self, receipts: list[Receipt], accounts: list[Account]) -> list[str]:
        """What is wrong, in words."""
        moments = [r.sent for r in receipts] + [a.since for a in accounts]
        if not moments:
            return []
        since = datetime.fromtimestamp(min(moments), UTC) - timedelta(seconds=1)
        async with self._owner.connect() as connection:
            rows = list(await connection.execute(_ENTRIES, {"since": since}))
        entered: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
        for row in rows:
            entered[row.client, row.type, row.id, row.version, row.interaction].append(row)
        # To be told of oneself is no disclosure.
        wrong = [w for r in receipts if r.id != r.recipient for w in self._receipt(r, entered)]
        return wrong + [w for a in accounts for w in self._account(a, receipts, rows)]

    def _account(self, account: Account, receipts: list[Receipt], rows: list[Any]) -> list[str]:
        """A record of disclosures holds all that clients had got before it was asked for, and nothing from after."""
        own = self._custodian.student_of
        before = {
            (r.client, r.interaction, r.id, r.version, r.sent)
            for r in receipts
            if own.get(r.id) == account.student and account.since + SLACK <= r.sent and r.received <= account.sent
        }
        most = sum(row.student == account.student and row.at <= account.received + SLACK for row in rows)
        if len(before) <= account.entries <= most:
            return []
        return [f"not {len(before)} to {most} entries: {account}"]

    def _receipt(self, receipt: Receipt, entered: dict[tuple[Any, ...], list[Any]]) -> list[str]:
        r = receipt
        rows = [
            row
            for row in entered[r.client, r.type, r.id, r.version, r.interaction]
            if r.sent - SLACK <= row.at <= r.received + SLACK
        ]
        if not rows:
            return [f"not on the ledger: {r}"]
        self.found += 1
        return [f"{what}: {r} {tuple(row)}" for row in rows[:1] for what in self._differences(r, row)]

    def _differences(self, r: Receipt, row: Any) -> list[str]:
        found = []
        custodian = r.id if r.type in DIRECTORY else str(self._custodian.member.organization)
        if (row.recipient, row.custodian) != (r.recipient, custodian):
            found.append("other parties")
        if row.student != self._custodian.student_of.get(r.id):
            found.append("another student")
        basis = "party" if r.type in PARTY else "directory" if r.type in DIRECTORY else "release"
        if row.basis != basis:
            found.append("another basis")
        if r.mark is not None and r.mark != self._mark(r):
            found.append("other content")
        if basis == "release" and not self._in_force(r, row):
            found.append("a release that was not in force")
        return found

    def _mark(self, r: Receipt) -> str | None:
        kept = self._custodian.versions[r.type, r.id].get(r.version)
        return str(kept.content["note"][0]["text"]) if kept else None

    def _in_force(self, r: Receipt, row: Any) -> bool:
        """Whether the version that is cited was the release's newest, active and the recipient's, at some moment
        between the request and its answer."""
        versions = self._custodian.versions.get(("Consent", row.consent), {})
        cited, after = versions.get(row.consent_version), versions.get(row.consent_version + 1)
        if cited is None or cited.content["status"] != "active":
            return False
        recipient = cited.content["provision"]["actor"][0]["reference"]["reference"]
        if recipient != f"Organization/{r.recipient}" or self._custodian.student_of[row.consent] != row.student:
            return False
        self.ended += after is not None and after.sent <= r.received
        return cited.sent <= r.received and (after is None or after.known >= r.sent)


def summed(counts: Counter[Any]) -> str:
    """Counts, the greatest first."""
    return ", ".join(f"{name} {number}" for name, number in counts.most_common())

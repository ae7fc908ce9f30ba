"""What a release covers and its signatures do not reach, for who files it. 42 CFR 2.14, 45 CFR 164.502(g)(3)

docs/rule.md, 'Whose consent the care rested on'. The release opens the rest.
"""

from __future__ import annotations

from collections import Counter
from uuid import UUID

from app.consent.codes import HANGS_ON_SIGNERS, widen
from app.consent.evaluate import lacks_only_signers
from app.consent.model import Requester
from app.db import policies as stored_rules
from app.db import read as store
from app.db.rows import Stored
from app.errors import Issue
from app.exchange.explaining import policy_set
from app.session import Session


async def unsigned(session: Session, row: Stored) -> tuple[Issue, ...]:
    """A warning for each type of which an active Consent covers records that others must sign for."""
    compartment, own = row.compartment, row.custodian
    held = await stored_rules.attributes(session.connection, compartment, own, parts=False)
    hanging = [f for f in held if f.labels & HANGS_ON_SIGNERS]
    if not hanging:
        return ()
    releases = await stored_rules.releases(session.connection, compartment)
    release = next((r for r in releases if r.consent == row.id), None)
    if release is None:
        return ()
    policies = await policy_set(session, compartment, held, releases)
    purposes = widen(p for node in release.provisions for p in node.purposes or ())
    at = max(await store.moment(session.connection), release.opens)
    askers = [Requester(r, frozenset({r}), frozenset(), purposes, at) for r in sorted(release.recipients)]
    found: dict[UUID, str] = {
        f.id: f.type
        for f in hanging
        for asker in askers
        if any(lacks_only_signers(p, release, policies, asker, f) for p in release.provisions)
    }
    return tuple(
        Issue(
            f"{n} of the records that it covers ({kind}) stay closed: who signed may not sign for them alone.",
            "Consent.performer",
            "business-rule",
            "warning",
        )
        for kind, n in sorted(Counter(found.values()).items())
    )

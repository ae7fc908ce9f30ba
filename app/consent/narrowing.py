"""Whether a release opens nothing that the one before it did not: then nobody has to be shown more."""

from __future__ import annotations

from dataclasses import replace

from app.consent.model import Provision, Release


def narrows(before: Release, now: Release) -> bool:
    """Whether the new form of a Consent only ends sooner, or has more exceptions that deny.

    An exception that denies stands under the root of a permit and has none of its own; what is not plainly narrower
    is not called so.
    """
    same = replace(now, version=before.version, closes=before.closes, provisions=before.provisions)
    if same != before or now.closes > before.closes or not before.provisions or not now.provisions:
        return False
    (old_root, *old), (root, *rest) = before.provisions, now.provisions
    if not root.permit or root != replace(old_root, period=root.period) or not _inside(root, old_root):
        return False
    if any(p.permit or p.parent != 0 for p in (*old, *rest)):
        return False
    kept = [_unnumbered(p) for p in rest]
    return all(_unnumbered(p) in kept for p in old)


def only_sooner(before: Release, now: Release) -> bool:
    """Whether nothing but its times are narrower: each exception is what it was, and none was added."""
    return narrows(before, now) and before.provisions[1:] == now.provisions[1:]


def _inside(root: Provision, old_root: Provision) -> bool:
    return old_root.period[0] <= root.period[0] and root.period[1] <= old_root.period[1]


def _unnumbered(p: Provision) -> Provision:
    return replace(p, node=1)

"""The figures of some referrals: counts, and how long families wait. Pure.

Who still waits counts in the Kaplan-Meier estimate (scipy.stats.ecdf with censored data): without them a service that
serves nobody for months looks fast. https://docs.scipy.org/doc/scipy/reference/generated/scipy.stats.ecdf.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import quantiles

from app.report.referral import Referral

DIMENSIONS = ("category", "school", "provider", "month", "tier")
DAY = 86_400


@dataclass(frozen=True, slots=True)
class Times:
    """Days until the first service: of those that were served, and with those that still wait. None: not reached."""

    median: float | None
    p90: float | None
    expected_median: float | None
    expected_p90: float | None


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of some referrals."""

    made: int
    accepted: int
    declined: Counter[str]
    reached: int
    closed: int
    open: int
    overdue: int
    from_referral: Times
    from_need: Times


def figures(referrals: Sequence[Referral], now: datetime) -> Figures:
    """The figures of these referrals at a moment."""
    return Figures(
        made=len(referrals),
        accepted=sum(r.accepted for r in referrals),
        declined=Counter(r.declined for r in referrals if r.declined),
        reached=sum(r.served is not None for r in referrals),
        closed=sum(not r.open() for r in referrals),
        open=sum(r.open() for r in referrals),
        overdue=sum(r.overdue(now) for r in referrals),
        from_referral=_times(referrals, lambda r: r.made, now),
        from_need=_times(referrals, lambda r: r.needed, now),
    )


def by(referrals: Sequence[Referral], dimension: str) -> dict[str, list[Referral]]:
    """The referrals by their place in a dimension, in order."""
    found: dict[str, list[Referral]] = {}
    for r in sorted(referrals, key=lambda r: r.dimensions[dimension]):
        found.setdefault(r.dimensions[dimension], []).append(r)
    return found


def _times(referrals: Sequence[Referral], start: Callable[[Referral], datetime | None], now: datetime) -> Times:
    """Days from a start: of who was served to the service; of who waits to now, and of who ended without to the end."""
    served: list[float] = []
    waited: list[float] = []
    for r in referrals:
        begun = start(r)
        if begun is None:
            continue
        until = r.served or r.ended or now
        days = max(0.0, (until - begun).total_seconds() / DAY)
        (served if r.served else waited).append(days)
    return Times(_quantile(served, 0.5), _quantile(served, 0.9), *_expected(served, waited))


def _quantile(days: list[float], share: float) -> float | None:
    if not days:
        return None
    if len(days) == 1:
        return round(days[0], 1)
    return round(quantiles(days, n=10, method="inclusive")[round(share * 10) - 1], 1)


def _expected(served: list[float], waited: list[float]) -> tuple[float | None, float | None]:
    """The days by which half, and nine of ten, are served, by Kaplan and Meier."""
    if not served:
        return None, None
    censored = [False] * len(served) + [True] * len(waited)
    from scipy.stats import CensoredData, ecdf  # when a report is asked: it takes a second to load, and 60 MB

    waiting = ecdf(CensoredData.right_censored(served + waited, censored)).sf
    reached: list[float | None] = []
    for left in (0.5, 0.1):
        days = [q for q, p in zip(waiting.quantiles, waiting.probabilities, strict=True) if p <= left + 1e-9]
        reached.append(round(float(days[0]), 1) if days else None)
    return reached[0], reached[1]

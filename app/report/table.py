"""A referral report as a table for people, and as a picture. Pure, but for matplotlib, which is asked for when drawn.

https://matplotlib.org/stable/users/explain/figure/backends.html — no window is opened.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.errors import HallpassError, Kind
from app.report.measure_report import GROUPS, display

Json = dict[str, Any]
Row = tuple[str, str, str]


def rows(report: Json) -> list[Row]:
    """What is measured, how many or how long, and the share of all referrals."""
    groups = {g["code"]["coding"][0]["code"]: g for g in report["group"]}
    return [(display(code), *_cells(groups[code])) for code in GROUPS if code in groups]


def by(report: Json, code: str, dimension: str) -> list[tuple[str, int, int]]:
    """A measure by a dimension: value, numerator, denominator."""
    group = next(g for g in report["group"] if g["code"]["coding"][0]["code"] == code)
    strata = [s for s in group.get("stratifier", []) if s["code"][0]["text"] == dimension]
    return [(x["value"]["text"], *_counts(x)) for s in strata for x in s["stratum"]]


def draw(report: Json, names: dict[str, str], path: Path) -> None:
    """Draw what became of the referrals, and how many of each category reached a service. SVG or PNG by the name.

    Raises INVALID where the name says no format that it draws.
    """
    if path.suffix not in (".svg", ".png", ".pdf"):
        raise HallpassError(Kind.INVALID, f"The picture's name must end with .svg, .png or .pdf, and is {path.name}.")
    from matplotlib.figure import Figure  # when a picture is asked: it takes a second to load

    figure = Figure(figsize=(9, 6), layout="constrained")
    (whole, parts) = figure.subplots(2, 1)
    shown = [(display(c), _counts(g)[0]) for g in report["group"] if "population" in g for c in [_code(g)]]
    labels, counts = [s[0].partition(":")[0] for s in reversed(shown)], [s[1] for s in reversed(shown)]
    whole.bar_label(whole.barh(labels, counts, color="#2a6f97"))
    start, end = report["period"]["start"], report["period"]["end"]
    reporter = names.get(report["reporter"]["reference"], report["reporter"]["reference"])
    whole.set_title(f"Referrals of {reporter}, {start} to {end}")
    found = by(report, "reached", "category")
    places = range(len(found))
    parts.barh(places, [made for _, _, made in found], color="#d9d9d9", label="made")
    parts.barh(places, [reached for _, reached, _ in found], color="#2a6f97", label="reached a service")
    parts.set_yticks(places, [value for value, _, _ in found])
    parts.legend()
    figure.savefig(path)


def _code(group: Json) -> str:
    return str(group["code"]["coding"][0]["code"])


def _cells(group: Json) -> tuple[str, str]:
    score = group.get("measureScore", {}).get("value")
    if "population" not in group:
        return ("not reached" if score is None else f"{score:.1f} days"), ""
    number, made = _counts(group)
    return str(number), f"{number / made:.0%}" if made else ""


def _counts(group: Json) -> tuple[int, int]:
    """Numerator and denominator."""
    found = {p["code"]["coding"][0]["code"]: p["count"] for p in group["population"]}
    return found["numerator"], found["denominator"]

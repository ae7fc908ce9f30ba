"""Small plots as SVG: one panel for each thing that was measured, its lines over a logarithmic axis."""

from __future__ import annotations

import math
from html import escape

WIDTH, HEIGHT, GAP = 250, 170, 60
COLORS = ("#1f5fa8", "#c05a1c")
Points = list[tuple[float, float]]


def plot(title: str, axis: str, unit: str, panels: dict[str, dict[str, Points]]) -> str:
    """An SVG of panels: by the name of each, its lines, by their names, as points (x above 0, y from 0 up)."""
    across = min(3, len(panels))
    down = math.ceil(len(panels) / across)
    width, height = across * (WIDTH + GAP) + GAP, down * (HEIGHT + GAP) + 2 * GAP
    names = list(dict.fromkeys(name for lines in panels.values() for name in lines))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif"'
        f' font-size="11" fill="#333"><rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="{GAP}" y="24" font-size="15">{escape(title)}</text>',
    ]
    for n, name in enumerate(names):
        x = GAP + 160 * n
        parts.append(f'<rect x="{x}" y="36" width="14" height="4" fill="{COLORS[n]}"/>')
        parts.append(f'<text x="{x + 20}" y="42">{escape(name)}</text>')
    for n, (name, lines) in enumerate(panels.items()):
        left, top = GAP + n % across * (WIDTH + GAP), 80 + n // across * (HEIGHT + GAP)
        parts += _panel(left, top, f"{name}, {unit}", axis, {names.index(line): p for line, p in lines.items()})
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(left: float, top: float, title: str, axis: str, lines: dict[int, Points]) -> list[str]:
    xs = sorted({x for points in lines.values() for x, _ in points})
    most = nice(max(y for points in lines.values() for _, y in points))
    low, high = math.log(xs[0]), math.log(xs[-1])

    def at(x: float, y: float) -> tuple[float, float]:
        across = (math.log(x) - low) / (high - low) if high > low else 0.5
        return left + across * WIDTH, top + HEIGHT - y / most * HEIGHT

    parts = [f'<text x="{left}" y="{top - 10}" font-weight="bold">{escape(title)}</text>']
    for k in range(5):
        y = at(xs[0], most * k / 4)[1]
        parts.append(f'<path d="M{left} {y:.1f}h{WIDTH}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{most * k / 4:g}</text>')
    for x in xs:
        across = at(x, 0)[0]
        parts.append(f'<text x="{across:.1f}" y="{top + HEIGHT + 16}" text-anchor="middle">{x:,.0f}</text>')
    parts.append(
        f'<text x="{left + WIDTH}" y="{top + HEIGHT + 32}" text-anchor="end" fill="#777">{escape(axis)}</text>'
    )
    for n, points in lines.items():
        placed = [at(x, y) for x, y in sorted(points)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{COLORS[n]}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{COLORS[n]}"/>' for x, y in placed]
    return parts


def nice(value: float) -> float:
    """The least of 1, 2, 4, 8 times a power of ten that is not less."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 4, 8, 10) if step * power >= value)

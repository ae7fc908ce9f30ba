"""Writes the drawings and tables of docs/referral.md again, from the table of a referral's life.

Run: python -m tools.referral
"""

from __future__ import annotations

import re
from pathlib import Path

from app.referral import drawing

PAGE = Path("docs/referral.md")


def main() -> None:
    """Replace what stands between the marks."""
    text = PAGE.read_text()
    parts = {"reasons": drawing.reasons(), "reasons Return": drawing.reasons_of_returns()}
    for name in drawing.DRAWN:
        parts[f"drawing {name}"] = f"```mermaid\n{drawing.diagram(name)}\n```"
        parts[f"table {name}"] = drawing.transitions(name)
    for name, content in parts.items():
        mark = rf"(<!-- {name} -->\n).*?(\n<!-- end -->)"
        text = re.sub(mark, lambda m, c=content: f"{m[1]}{c}{m[2]}", text, flags=re.DOTALL)  # type: ignore[misc]
    PAGE.write_text(text)


if __name__ == "__main__":
    main()

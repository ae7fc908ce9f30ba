"""The office's pages as Jinja2 templates: every value is escaped, and a name that is missing is an error."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_HERE = Path(__file__).parent
_ENVIRONMENT = Environment(
    loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
STYLE_PATH = "/office/office.css"
SCRIPT = (_HERE / "passkey.js").read_text()
STYLE = (_HERE / "office.css").read_text()


def render(template: str, **values: object) -> str:
    """A template with its values."""
    return _ENVIRONMENT.get_template(template).render(**values)

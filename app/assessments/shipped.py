"""The forms that come with the exchange: in the public domain, or our own. app/assessments/forms has one file each."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any


def _load() -> tuple[dict[str, Any], ...]:
    folder = files("app.assessments").joinpath("forms")
    found = sorted((f for f in folder.iterdir() if f.name.endswith(".json")), key=lambda f: f.name)
    return tuple(json.loads(f.read_text(encoding="utf-8")) for f in found)


SHIPPED = _load()
"""Each form as a Questionnaire."""

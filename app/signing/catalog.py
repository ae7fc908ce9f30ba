"""What the pages say, in each language: one file of texts for each, and dates as its people write them. Pure.

A language is added by a file in catalogs/ that has every text of en.json.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

_FOLDER = Path(__file__).parent / "catalogs"
DEFAULT = "en"


@dataclass(frozen=True, slots=True)
class Catalog:
    """The texts of one language."""

    language: str
    texts: dict[str, str]

    def __call__(self, key: str, **said: str) -> str:
        """A text with what is put into it. Raises KeyError for a text that there is not."""
        return self.texts[key].format(**said)

    def listed(self, prefix: str, keys: tuple[str, ...]) -> list[str]:
        """A text for each key."""
        return [self(f"{prefix}.{key}") for key in keys]

    def day(self, value: date) -> str:
        """A day."""
        return self("day", day=str(value.day), month=self(f"month.{value.month}"), year=str(value.year))

    def date_of(self, text: str, zone: ZoneInfo) -> str:
        """A FHIR date or dateTime as a day; '' for none, and what is less than a day as it is."""
        try:
            if "T" in text:
                return self.day(datetime.fromisoformat(text).astimezone(zone).date())
            return self.day(date.fromisoformat(text)) if text else ""
        except ValueError:
            return text

    def moment(self, at: datetime, zone: ZoneInfo) -> str:
        """A moment by the clocks of a place, with its zone."""
        local = at.astimezone(zone)
        return f"{self.day(local.date())}, {local:%H:%M} ({zone})"


CATALOGS = {file.stem: Catalog(file.stem, json.loads(file.read_text())) for file in sorted(_FOLDER.glob("*.json"))}


def catalog(language: str | None) -> Catalog:
    """The texts of a language by its tag (`es`, `es-MX`); English where there is none of it."""
    return CATALOGS.get((language or "").lower().partition("-")[0], CATALOGS[DEFAULT])

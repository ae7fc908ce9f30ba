"""Ed-Fi folders for the tests of the intake."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.intake.edfi import interchanges, records
from app.intake.shapes import Record
from app.intake.staging import Staging

GRAND_BEND = Path(__file__).parents[3] / "shared" / "data" / "edfi-grand-bend"
needs_grand_bend = pytest.mark.skipif(not GRAND_BEND.is_dir(), reason="the Grand Bend sample district is not here")


def interchange(folder: Path, name: str, body: str, *, file: str | None = None, version: str = "5.2.0") -> Path:
    """Write an interchange file with `body` inside its root element."""
    path = folder / (file or f"{name}.xml")
    path.write_text(f'<Interchange{name} xmlns="http://ed-fi.org/{version}">{body}</Interchange{name}>')
    return path


def read(path: Path) -> list[tuple[str, Record]]:
    """All records of a file."""
    return list(records(path))


def stage(folder: Path) -> Staging:
    """A Staging with every record of a folder, resolved."""
    staging = Staging()
    for file in interchanges(folder)[0]:
        for name, record in records(file.path):
            staging.add(file.path.name, name, record)
    staging.resolve()
    return staging

"""The definitions and examples as a FHIR package: a tgz that validators and other servers load.

https://hl7.org/fhir/packages.html — the same definitions give the same bytes.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path

from app.capability.catalog import examples, ours
from app.consent.codes import OURS
from app.terminology.definition import FHIR_VERSION, PACKAGE, PUBLISHED, PUBLISHER, SUBJECT, VERSION, Json

_DATE = PUBLISHED.replace("-", "") + "000000"


def manifest() -> Json:
    """package.json."""
    return {
        "name": PACKAGE,
        "version": VERSION,
        "canonical": OURS,
        "url": OURS,
        "title": "Hallpass",
        "description": SUBJECT,
        "author": PUBLISHER,
        "fhirVersions": [FHIR_VERSION],
        "dependencies": {"hl7.fhir.r4.core": FHIR_VERSION},
        "type": "IG",
        "date": _DATE,
    }


def contents() -> dict[str, Json]:
    """Every file of the package by its path."""
    found = {f"package/{_file(d)}": d for d in ours()}
    shown = {f"package/example/{_file(e)}": e for e in examples()}
    return {
        "package/package.json": manifest(),
        "package/.index.json": _index(list(found.values())),
        **dict(sorted(found.items())),
        "package/example/.index.json": _index(list(shown.values())),
        **dict(sorted(shown.items())),
    }


def package() -> bytes:
    """The tgz, byte for byte the same each time."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, content in contents().items():
            data = (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return gzip.compress(packed.getvalue(), mtime=0)


def write(folder: Path) -> Path:
    """Write the tgz below a folder; answer where."""
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / f"{PACKAGE}-{VERSION}.tgz"
    place.write_bytes(package())
    return place


def _file(resource: Json) -> str:
    return f"{resource['resourceType']}-{resource['id']}.json"


def _index(resources: list[Json]) -> Json:
    """What tools read instead of every file."""
    names = ("resourceType", "id", "url", "version", "kind", "type")
    rows = [{"filename": _file(r), **{k: r[k] for k in names if isinstance(r.get(k), str)}} for r in resources]
    return {"index-version": 1, "files": sorted(rows, key=lambda row: str(row["filename"]))}

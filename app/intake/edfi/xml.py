"""Reads Ed-Fi interchange XML of versions 4 to 6 one record at a time, in memory that does not grow with the file.
https://docs.ed-fi.org/reference/data-exchange/data-standard

The parser refuses a DTD, so there are no entities to expand. A record that is larger than any real one is refused
before it is held, so that neither one endless element nor one endless record can fill the memory.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, iterparse

from app.errors import HallpassError, Issue, Kind
from app.intake.edfi.shapes import EARLIER, ONLY_WHERE, SHAPES, Record, Shape

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

INTERCHANGES = (
    "EducationOrganization",
    "EducationOrgCalendar",
    "Student",
    "StudentEnrollment",
    "Contact",
    "StaffAssociation",
)
"""The interchanges that hold records of ours, in the order in which they are read."""
MAX_RECORD_BYTES = 4_000_000
TOLD_BYTES = 65_536
"""So much is read before it is told."""

_ROOT = re.compile(r"\{http://ed-fi\.org/(?P<version>[^}]*)\}Interchange(?P<name>\w+)")


@dataclass(frozen=True, slots=True)
class Interchange:
    """One file of a folder: its path and the interchange that its root element names."""

    path: Path
    name: str


def interchanges(folder: Path, *, staff: bool = False) -> tuple[list[Interchange], list[str]]:
    """The files of a folder that are read, in reading order, and the names of the XML files that are not.

    Raises HallpassError where the folder or the Student interchange is missing, a file is not XML, or a file is of
    another version of the standard than 4 to 6.
    """
    if not folder.is_dir():
        raise HallpassError(Kind.INVALID, f"There is no folder {folder}.")
    found: list[Interchange] = []
    passed_over: list[str] = []
    for path in sorted(p for p in folder.glob("*.xml") if not p.name.startswith(".")):
        name = _interchange(path)
        if name in INTERCHANGES and (staff or name != "StaffAssociation"):
            found.append(Interchange(path, name))
        else:
            passed_over.append(path.name)
    if not any(i.name == "Student" for i in found):
        raise HallpassError(Kind.INVALID, f"There is no Ed-Fi Student interchange in {folder}.")
    return sorted(found, key=lambda i: (INTERCHANGES.index(i.name), i.path.name)), passed_over


def records(path: Path, on_bytes: Callable[[int], None] = lambda _: None) -> Iterator[tuple[str, Record]]:
    """Each record of a file that has a shape, in document order, as (element name, record).

    `on_bytes` is called now and then with the number of bytes read since. Raises HallpassError where the
    file is not well-formed, has a DTD, or holds a record of more than MAX_RECORD_BYTES.
    """
    return ((name, record) for _, name, record in located(path, on_bytes))


def located(path: Path, on_bytes: Callable[[int], None] = lambda _: None) -> Iterator[tuple[int, str, Record]]:
    """Each record as `records` has it, with the line on which it begins before it."""
    with _readable(path.name), path.open("rb") as file:
        yield from _records(_Bounded(file, on_bytes))


def _records(source: _Bounded) -> Iterator[tuple[int, str, Record]]:
    events = iterparse(source, ("start", "end"), forbid_dtd=True)
    _, root = next(events)
    namespace = root.tag.partition("}")[0] + "}"
    depth, line = 0, 0
    for event, element in events:
        depth += 1 if event == "start" else -1
        if depth == 1 and event == "start":
            line = source.line
        if depth == 0 and event == "end":
            name = _name(element.tag, namespace)
            if name in SHAPES:
                yield line, name, _kept(element, SHAPES[name], namespace)
            root.clear()
            source.record_done()


def _kept(element: Element, shape: Shape, namespace: str) -> Record:
    """The parts of an element that its shape names; empty texts are absent."""
    kept: Record = {f"@{k}": v for k, v in element.attrib.items() if f"@{k}" in shape}
    for child in element:
        name = _name(child.tag, namespace)
        if name not in shape:
            continue
        inner = shape[name]
        value = _kept(child, inner, namespace) if inner is not None else " ".join((child.text or "").split())
        if value and _allowed(name, value):
            kept.setdefault(name, []).append(value)
    return kept


def _name(tag: str, namespace: str) -> str:
    """The name of an element, as the current standard has it."""
    name = tag.removeprefix(namespace)
    return EARLIER.get(name, name)


def _allowed(name: str, value: str | Record) -> bool:
    if name not in ONLY_WHERE or isinstance(value, str):
        return True
    element, codes = ONLY_WHERE[name]
    return any(descriptor.rpartition("#")[2] in codes for descriptor in value.get(element, []))


def _interchange(path: Path) -> str | None:
    """The name of the interchange in a file, or None where the root element is not one of Ed-Fi's."""
    with _readable(path.name), path.open("rb") as file:
        root = next(iterparse(_Bounded(file), ("start",), forbid_dtd=True))[1]
    match = _ROOT.fullmatch(root.tag)
    if match is None:
        return None
    name = EARLIER.get(match["name"], match["name"])
    if name in INTERCHANGES and not re.fullmatch(r"[456]\.\d+\.\d+", match["version"]):
        text = f"{path.name} is of Ed-Fi Data Standard {match['version'][:20]}. Export it as version 4, 5 or 6."
        raise HallpassError(Kind.INVALID, text)
    return name


class _Bounded:
    """A file that tells how far it has been read, and ends the reading where one record takes too much of it.

    It gives a line at a time, so that the parser's events are those of the line.
    """

    def __init__(self, file: BinaryIO, on_bytes: Callable[[int], None] = lambda _: None) -> None:
        self._file = file
        self._on_bytes = on_bytes
        self._of_record = 0
        self._untold = 0
        self._whole = True
        self.line = 0

    def read(self, size: int = -1, /) -> bytes:
        if self._of_record > MAX_RECORD_BYTES:
            raise HallpassError(Kind.TOO_LARGE, f"one record is larger than {MAX_RECORD_BYTES} bytes")
        piece = self._file.readline(size)
        self.line += self._whole
        self._whole = piece.endswith(b"\n")
        self._of_record += len(piece)
        self._untold += len(piece)
        if self._untold >= TOLD_BYTES or not piece:
            self._on_bytes(self._untold)
            self._untold = 0
        return piece

    def record_done(self) -> None:
        self._of_record = 0


@contextmanager
def _readable(name: str) -> Iterator[None]:
    """Names the file in what goes wrong with it. The parser's message holds a line number and no content."""
    try:
        yield
    except HallpassError as e:
        raise HallpassError(e.kind, *(Issue(f"{name}: {i.text}.", i.expression) for i in e.issues)) from None
    except DefusedXmlException:
        raise HallpassError(Kind.INVALID, f"{name}: a DTD or an entity is not accepted.") from None
    except ParseError as e:
        raise HallpassError(Kind.INVALID, f"{name}: {e}.") from None
    except (LookupError, OSError):
        raise HallpassError(Kind.INVALID, f"{name}: cannot be read.") from None

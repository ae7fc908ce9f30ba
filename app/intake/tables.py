"""Reads a CSV file row by row, in memory that does not grow with it, and never shifts a value into another column.
https://www.rfc-editor.org/rfc/rfc4180

Tolerated: one byte order mark, any kind of line end, no line end after the last row, wholly empty rows. A row with
another number of cells than the header is one bad row. What could make rows run into each other refuses the file.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from app.errors import HallpassError, Kind
from app.intake.roster.model import Finding, Origin

PIECE = 65_536
MAX_LINE = 200_000
"""Bytes; a row of a roster has some hundred."""
_BOM = b"\xef\xbb\xbf"

Row = dict[str, str]


@dataclass(slots=True)
class Table:
    """A CSV file: its header, and its rows, each with the line on which it begins. Rows are read once."""

    name: str
    header: list[str]
    rows: Iterator[tuple[int, Row]]
    empty: int = 0
    ragged: list[int] = field(default_factory=list)


def read(file: BinaryIO, name: str, on_bytes: Callable[[int], None], refuse: Callable[[Finding], None]) -> Table:
    """A table, with its header read. Raises HallpassError, here or at a row, where the file as a whole is unfit."""
    lines = _Lines(file, name, on_bytes)
    reader = csv.reader(lines, strict=True)
    try:
        header = [cell.strip() for cell in next(reader)]
    except StopIteration:
        raise _unfit(name, 1, "The file is empty. A header is expected") from None
    except csv.Error:
        raise _unfit(name, 1, "The header has a stray quotation mark") from None
    _require_header(name, header)
    table = Table(name, header, iter(()))
    table.rows = _rows(table, reader, refuse)
    return table


def _rows(table: Table, reader: Any, refuse: Callable[[Finding], None]) -> Iterator[tuple[int, Row]]:
    width = len(table.header)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise _unfit(table.name, line, "A quotation mark is where none may be, or is never closed") from None
        if not any(cell.strip() for cell in cells):
            table.empty += 1
        elif len(cells) != width:
            text = f"This row has {len(cells)} cells, the header has {width}. Mend the row."
            refuse(Finding(Origin(table.name, line), text, refused=True, kind=table.name))
            table.ragged.append(line)
        else:
            yield line, {name: cell.strip() for name, cell in zip(table.header, cells, strict=True)}


def _require_header(name: str, header: Sequence[str]) -> None:
    if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
        raise _unfit(name, 1, "The cells are not separated by commas. Export the file as CSV with commas")
    twice = sorted({cell for cell in header if header.count(cell) > 1})
    if twice:
        raise _unfit(name, 1, f"A column stands twice in the header: {', '.join(twice)[:80]}")


class _Lines:
    """The lines of a file as text, each with one kind of line end."""

    def __init__(self, file: BinaryIO, name: str, on_bytes: Callable[[int], None]) -> None:
        self._file, self._name, self._on_bytes = file, name, on_bytes
        self._rest = b""
        self._ended = False
        self._ready: list[bytes] = []
        self._line = 0
        self._first = True

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        while not self._ready:
            if self._ended:
                raise StopIteration
            self._read()
        self._line += 1
        raw = self._ready.pop(0)
        if b"\0" in raw:
            raise _unfit(self._name, self._line, "A cell holds a NUL byte, which is no text")
        try:
            return raw.decode() + "\n"
        except UnicodeDecodeError as e:
            text = f"Byte {e.start + 1} of the line is not UTF-8. Export the file as UTF-8"
            raise _unfit(self._name, self._line, text) from None

    def _read(self) -> None:
        piece = self._file.read(PIECE)
        self._on_bytes(len(piece))
        if self._first:
            self._first = False
            if piece.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise _unfit(self._name, 1, "The file is UTF-16. Export it as UTF-8")
            piece = piece.removeprefix(_BOM)
        held = self._rest + piece
        self._ended = not piece
        if held.endswith(b"\r") and not self._ended:
            self._rest = held  # the line end may be cut in two
        else:
            parts = held.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
            self._rest = parts.pop()
            self._ready = parts
            if self._ended and self._rest:
                self._ready.append(self._rest)
                self._rest = b""
        if len(self._rest) > MAX_LINE:
            raise _unfit(self._name, self._line + 1, f"A line is longer than {MAX_LINE} bytes")


def _unfit(name: str, line: int, text: str) -> HallpassError:
    return HallpassError(Kind.INVALID, f"{name}, line {line}: {text}.")

"""Flat tables of NDJSON files, as Parquet or CSV: one for each view, written as the lines are read."""

from __future__ import annotations

import csv
import importlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import orjson

from app.errors import HallpassError, Kind
from app.extract.state import PART
from app.extract.view import Column, Row, View

FORMATS = ("parquet", "csv")
ROWS_AT_ONCE = 10_000
_NUMBERS = {"integer": "int64", "positiveInt": "int64", "unsignedInt": "int64", "integer64": "int64"}
_ARROW = {"boolean": "bool_", "decimal": "float64", **_NUMBERS}


class Writer(Protocol):
    """Takes rows of a table."""

    def __call__(self, rows: Sequence[Row], /) -> None:
        """Write some rows."""


def load_views(paths: Iterable[Path]) -> list[View]:
    """The views in files, and in the directories that are named. Raises HallpassError for what is none."""
    found: list[View] = []
    for path in paths:
        files = sorted(path.glob("*.json")) if path.is_dir() else [path]
        for file in files:
            try:
                content = orjson.loads(file.read_bytes())
            except OSError:
                raise HallpassError(Kind.INVALID, f"There is no view in {file}.") from None
            except orjson.JSONDecodeError:
                raise HallpassError(Kind.INVALID, f"{file} is not JSON.") from None
            found += [View(c) for c in (content if isinstance(content, list) else [content])]
    if not found:
        raise HallpassError(Kind.INVALID, "There are no views. Name a file or a directory of ViewDefinitions.")
    if len({v.name for v in found}) < len(found):
        raise HallpassError(Kind.INVALID, "Two views have one name.")
    return found


def write_table(view: View, sources: Path, folder: Path, form: str, tell: Callable[[int], None]) -> int:
    """Write the table of a view from a directory of NDJSON; answers its rows. It is there whole or not at all."""
    target = folder / f"{view.name}.{form}"
    part = target.with_name(f"{target.name}{PART}")
    count = 0
    opened = _parquet if form == "parquet" else _csv
    with opened(part, view.columns) as write:
        waiting: list[Row] = []
        for resource in _resources(sources, view.resource):
            waiting += view.rows(resource)
            tell(1)
            if len(waiting) >= ROWS_AT_ONCE:
                write(waiting)
                count, waiting = count + len(waiting), []
        write(waiting)
        count += len(waiting)
    part.rename(target)
    return count


def _resources(folder: Path, kind: str) -> Iterator[dict[str, Any]]:
    """The resources of a type in a directory's NDJSON files, line by line."""
    for path in sorted(folder.glob(f"{kind}*.ndjson")):
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    found = orjson.loads(line)
                except orjson.JSONDecodeError:
                    raise HallpassError(Kind.INVALID, f"Line {number} of {path} is not JSON.") from None
                if isinstance(found, dict) and found.get("resourceType") == kind:
                    yield found


@contextmanager
def _csv(path: Path, columns: Sequence[Column]) -> Iterator[Writer]:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [c.name for c in columns])
        writer.writeheader()

        def write(rows: Sequence[Row]) -> None:
            writer.writerows({k: _cell(v) for k, v in row.items()} for row in rows)

        yield write


def _cell(value: Any) -> Any:
    if isinstance(value, bool | list | dict):
        return orjson.dumps(value).decode()
    return value


@contextmanager
def _parquet(path: Path, columns: Sequence[Column]) -> Iterator[Writer]:
    arrow, parquet = _library("pyarrow"), _library("pyarrow.parquet")
    schema = arrow.schema([(c.name, _type(arrow, c)) for c in columns])
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:

        def write(rows: Sequence[Row]) -> None:
            held = {c.name: [_typed(row[c.name], c) for row in rows] for c in columns}
            try:
                writer.write_table(arrow.table(held, schema=schema))
            except (arrow.ArrowInvalid, arrow.ArrowTypeError) as e:
                raise HallpassError(Kind.INVALID, f"A value does not have the type that its column says: {e}") from None

        yield write


def _type(arrow: Any, column: Column) -> Any:
    found = getattr(arrow, _ARROW.get(column.type, "string"))()
    return arrow.list_(found) if column.collection else found


def _typed(value: Any, column: Column) -> Any:
    """A value as its column holds it: what is no text in a column of texts is written as JSON has it."""
    if isinstance(value, list):
        return [_typed(v, column) for v in value]
    if value is None or isinstance(value, str) or column.type in _ARROW:
        return float(value) if column.type == "decimal" and isinstance(value, int | str) else value
    return orjson.dumps(value).decode()


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        text = "Parquet needs pyarrow: pip install 'hallpass[tables]'. CSV needs nothing."
        raise HallpassError(Kind.INVALID, text) from None

"""SQL-on-FHIR v2 view definitions: the rows that a resource comes to. The paths are evaluated by fhirpathpy.

https://build.fhir.org/ig/FHIR/sql-on-fhir-v2/StructureDefinition-ViewDefinition.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from antlr4 import CommonTokenStream, InputStream, Token
from fhirpathpy import compile as compile_fhirpath
from fhirpathpy.engine.nodes import ResourceNode
from fhirpathpy.models import models
from fhirpathpy.parser.generated.FHIRPathLexer import FHIRPathLexer
from fhirpathpy.parser.generated.FHIRPathParser import FHIRPathParser

from app.errors import HallpassError, Kind

Json = dict[str, Any]
Row = dict[str, Any]
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_BRANCH = frozenset({"column", "select", "unionAll", "forEach", "forEachOrNull", "id", "extension"})
_COLUMN = frozenset({"name", "path", "type", "collection", "description", "tag", "id", "extension"})


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its name, its FHIR type where the view says it, and whether it holds lists."""

    name: str
    type: str
    collection: bool


class View:
    """A view definition that was understood. Raises HallpassError for one that was not: nothing in it is skipped."""

    def __init__(self, content: Json) -> None:
        self.name = str(content.get("name") or content.get("id") or "")
        self.resource = str(content.get("resource") or "")
        if not _NAME.fullmatch(self.name) or not self.resource:
            raise _bad("A view has a name of letters, digits and _, and a resource.")
        if not content.get("select"):
            raise _bad(f"The view {self.name} selects nothing.")
        self._constants = {str(c.get("name")): _constant(c) for c in content.get("constant", [])}
        self._where = [self._path(w.get("path")) for w in content.get("where", [])]
        self._select = self._branch({"select": content["select"]})
        self.columns = self._select.columns
        if len({c.name for c in self.columns}) < len(self.columns):
            raise _bad(f"Two columns of the view {self.name} have one name.")

    def rows(self, resource: Json) -> list[Row]:
        """The rows of one resource of the view's type. Raises HallpassError for a value that fits no column."""
        root = ResourceNode.create_node(resource, self.resource)  # type: ignore[no-untyped-call]
        if all(self._true(where(root)) for where in self._where):
            return list(self._select.rows(root))
        return []

    def _true(self, found: list[Any]) -> bool:
        """What a `where` comes to: what is there and is no Boolean counts as true."""
        values = [_plain(v) for v in found]
        return bool(values) and values != [False]

    def _path(self, text: Any) -> Callable[[Any], list[Any]]:
        if not isinstance(text, str):
            raise _bad(f"A path of the view {self.name} is missing.")
        unknown = set(re.findall(r"%`?([A-Za-z]\w*)", text)) - self._constants.keys() - {"context", "resource", "ucum"}
        if unknown:
            raise _bad(f"The view {self.name} has no constant {sorted(unknown)[0]}.")
        options = {"userInvocationTable": _FUNCTIONS, "returnRawData": True}
        path = text.replace("$this", "itself()")
        if not _is_fhirpath(path):
            raise _bad(f"The view {self.name} has a path that is no FHIRPath: {text}")
        compiled = compile_fhirpath(path, models["r4"], options)

        def found(node: Any) -> list[Any]:
            try:
                return list(compiled(node, self._constants))
            except Exception as e:  # what the library raises on, of whatever kind
                raise _bad(f"The view {self.name} cannot evaluate {text}: {type(e).__name__}.") from e

        return found

    def _branch(self, content: Json) -> _Branch:
        if not isinstance(content, dict) or content.keys() - _BRANCH:
            raise _bad(f"The view {self.name} selects by what is not understood: {sorted(content.keys() - _BRANCH)}")
        cells = tuple(self._cell(c) for c in content.get("column", []))
        inner = tuple(self._branch(s) for s in content.get("select", []))
        union = tuple(self._branch(u) for u in content.get("unionAll", []))
        if len({tuple(c.name for c in u.columns) for u in union}) > 1:
            raise _bad(f"The parts of a unionAll of the view {self.name} have not the same columns.")
        focus = content.get("forEach", content.get("forEachOrNull"))
        if "forEach" in content and "forEachOrNull" in content:
            raise _bad(f"The view {self.name} has forEach and forEachOrNull in one place.")
        each = None if focus is None else self._path(focus)
        return _Branch(cells, inner, union, each, "forEachOrNull" in content)

    def _cell(self, content: Json) -> _Cell:
        if content.keys() - _COLUMN or not _NAME.fullmatch(str(content.get("name"))):
            raise _bad(f"A column of the view {self.name} is not understood: {content.get('name')}")
        column = Column(content["name"], str(content.get("type", "string")), bool(content.get("collection")))
        return _Cell(column, self._path(content.get("path")), self.name)


@dataclass(frozen=True, slots=True)
class _Cell:
    column: Column
    path: Callable[[Any], list[Any]]
    view: str

    def value(self, node: Any) -> Any:
        """The value of this column. Raises HallpassError for several where the column is no collection."""
        found = [_plain(v) for v in self.path(node)]
        if self.column.collection:
            return found
        if len(found) > 1:
            raise _bad(f"The column {self.column.name} of the view {self.view} has several values in one resource.")
        return found[0] if found else None


@dataclass(frozen=True, slots=True)
class _Branch:
    cells: tuple[_Cell, ...]
    inner: tuple[_Branch, ...]
    union: tuple[_Branch, ...]
    each: Callable[[Any], list[Any]] | None
    or_null: bool

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns, in their order."""
        own = tuple(c.column for c in self.cells)
        nested = tuple(c for branch in self.inner for c in branch.columns)
        return own + nested + (self.union[0].columns if self.union else ())

    def rows(self, node: Any) -> Iterator[Row]:
        """The rows that a node comes to."""
        nodes = [node] if self.each is None else self.each(node)
        if not nodes and self.or_null:
            yield {c.name: [] if c.collection else None for c in self.columns}
        for focus in nodes:
            parts = [[{c.column.name: c.value(focus) for c in self.cells}]]
            parts += [list(branch.rows(focus)) for branch in self.inner]
            parts += [[row for branch in self.union for row in branch.rows(focus)]] if self.union else []
            for combination in product(*parts):
                yield {name: value for row in combination for name, value in row.items()}


def _is_fhirpath(text: str) -> bool:
    """Whether a text is an expression as a whole: the library's own parser mends what is not, and goes on."""
    lexer = FHIRPathLexer(InputStream(text))
    parser = FHIRPathParser(CommonTokenStream(lexer))
    for part in (lexer, parser):
        part.removeErrorListeners()
    try:
        parser.expression()
    except Exception:  # what the lexer cannot read at all
        return False
    return bool(parser.getCurrentToken().type == Token.EOF and parser.getNumberOfSyntaxErrors() == 0)


def _plain(value: Any) -> Any:
    data = value.data if isinstance(value, ResourceNode) else value
    return data if isinstance(data, str | bool | int | float | dict) or data is None else str(data)


def _data(values: list[Any]) -> list[Any]:
    return [v.data if isinstance(v, ResourceNode) else v for v in values]


def _resource_key(values: list[Any]) -> list[str]:
    return [str(v["id"]) for v in _data(values) if isinstance(v, dict) and "id" in v]


def _reference_key(values: list[Any], kind: Any = None) -> list[str]:
    texts = [str(v.get("reference", "")) for v in _data(values) if isinstance(v, dict)]
    parts = [text.partition("/_history/")[0].split("/") for text in texts]
    return [p[-1] for p in parts if len(p) > 1 and (kind is None or p[-2] == str(kind))]


_FUNCTIONS: Json = {
    "getResourceKey": {"fn": _resource_key, "arity": {0: []}},
    "getReferenceKey": {"fn": _reference_key, "arity": {0: [], 1: ["Identifier"]}},
    "itself": {"fn": lambda values: values, "arity": {0: []}},
}
"""What views may call beside FHIRPath. `$this` at the beginning of a path is `itself()` to fhirpathpy."""


def _constant(content: Json) -> Any:
    values = [v for k, v in content.items() if k.startswith("value")]
    if len(values) != 1:
        raise _bad(f"The constant {content.get('name')} has not one value.")
    return values[0]


def _bad(text: str) -> HallpassError:
    return HallpassError(Kind.INVALID, text)

"""FHIR's XML as the JSON that says the same, so that one reader judges both.

https://hl7.org/fhir/R4/xml.html — no document type, and so no entities; what FHIR does not have is refused. Names that
a type does not have stay, and are refused where they are in JSON.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn
from xml.parsers import expat

import orjson

from app.errors import HallpassError, Issue, Kind
from app.fhir.json import MAX_DEPTH, dump
from app.fhir.validation.narrative import MAX_NAMESPACE
from app.fhir.validation.plan import Model, plan, resource_model
from app.fhir.xml.write import NAMESPACE

_XHTML = "http://www.w3.org/1999/xhtml"
_OF_SCHEMA = "http://www.w3.org/2001/XMLSchema-instance "
_NUMBERS = frozenset({"decimal", "integer", "positiveInt", "unsignedInt"})
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_OPENING = re.compile(rb"<div(?:\s[^>]*)?\sxmlns\s*=")
_BOM = b"\xef\xbb\xbf"
MAX_XHTML_DEPTH = 256
Json = dict[str, Any]


class _Node:
    """An element of the document; of a narrative, its source."""

    __slots__ = ("attributes", "children", "name", "source")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name, self.attributes = name, attributes
        self.children: list[_Node] = []
        self.source: str | None = None


def json_of(body: bytes, most: int) -> bytes:
    """The JSON of a document with no more than `most` elements. Raises MALFORMED, with a place and never a value."""
    return dump(_resource(_Reader(body.removeprefix(_BOM), most).read()))


class _Reader:
    """One run of the parser."""

    def __init__(self, body: bytes, most: int) -> None:
        self._body, self._left = body, most
        self._open: list[_Node] = []
        self._root: _Node | None = None
        self._narrative, self._start = 0, 0
        self._parser = parser = expat.ParserCreate("utf-8", " ")
        parser.StartElementHandler, parser.EndElementHandler = self._begin, self._end
        parser.CharacterDataHandler = self._characters
        parser.StartNamespaceDeclHandler = self._declared
        parser.StartDoctypeDeclHandler = self._doctype

    def read(self) -> _Node:
        try:
            self._body.decode()
            if b"\0" in self._body:
                _refuse("The body is not UTF-8 text: it has zero bytes, as UTF-16 does.")
            self._parser.Parse(self._body, True)
        except UnicodeDecodeError as e:
            _refuse(f"The body is not UTF-8: byte {e.start}.")
        except expat.ExpatError as e:
            _refuse(f"The body is not XML: line {e.lineno}, column {e.offset + 1}.")
        assert self._root is not None
        return self._root

    def _count(self, values: int) -> None:
        self._left -= values
        if self._left < 0:
            raise HallpassError(Kind.TOO_LARGE, "The body has more elements and attributes than a body may have.")

    def _declared(self, _prefix: str | None, uri: str | None) -> None:
        self._count(1)
        if len(uri or "") > MAX_NAMESPACE:
            self._here(f"A namespace is longer than {MAX_NAMESPACE} characters")

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._count(1 + len(attributes))
        if self._narrative:
            self._narrative += 1
            if self._narrative > MAX_XHTML_DEPTH:
                self._here(f"A narrative is nested deeper than {MAX_XHTML_DEPTH} levels")
            return
        space, _, local = name.rpartition(" ")
        if len(self._open) >= MAX_DEPTH:
            self._here(f"The body is nested deeper than {MAX_DEPTH} levels")
        if space == _XHTML and local == "div" and self._open:
            self._narrative, self._start = 1, self._parser.CurrentByteIndex
        elif space != NAMESPACE:
            self._here(f"An element is not in the namespace {NAMESPACE}")
        own = {k: v for k, v in attributes.items() if not k.startswith(_OF_SCHEMA)}
        if not self._narrative and own.keys() - {"id", "url", "value"}:
            self._here("An element has an attribute that FHIR does not have")
        node = _Node(local, own)
        if self._open:
            self._open[-1].children.append(node)
        else:
            self._root = node
        self._open.append(node)

    def _end(self, _name: str) -> None:
        if self._narrative:
            self._narrative -= 1
            if self._narrative:
                return
            self._open[-1].source = self._source()
        self._open.pop()

    def _source(self) -> str:
        """The narrative that ends here, as it stands in the body."""
        end = self._body.index(b">", self._parser.CurrentByteIndex) + 1
        source = self._body[self._start : end]
        if not _OPENING.match(source):
            self._here('A narrative begins with <div xmlns="http://www.w3.org/1999/xhtml">, without a prefix')
        return source.decode()

    def _characters(self, text: str) -> None:
        if not self._narrative and text.strip():
            self._here("A value is in an attribute, and not in text between elements")

    def _doctype(self, *_: object) -> None:
        self._here("A document type is not taken")

    def _here(self, text: str) -> NoReturn:
        place = f"line {self._parser.CurrentLineNumber}, column {self._parser.CurrentColumnNumber + 1}"
        _refuse(f"{text}: {place}.")


def _resource(node: _Node) -> Json:
    model = resource_model(node.name)
    return {"resourceType": node.name, **_content(node, model, is_resource=True)}


def _content(node: _Node, model: Model | None, *, is_resource: bool = False) -> Json:
    """The element as a JSON object. Raises MALFORMED for what stands twice and does not repeat."""
    elements = plan(model).elements if model else {}
    found: Json = {}
    allowed = set() if is_resource else {"id", "url"} if node.name in _URLS else {"id"}
    if node.attributes.keys() - allowed:
        _refuse("The element has an attribute that elements of its kind do not have.", node.name)
    found |= node.attributes
    for child in node.children:
        known = elements.get(child.name)
        if known is None or child.name.startswith("_") or known.sibling:
            _put(found, child.name, _unknown(child), many=False)
        elif known.check is not None:
            _put_primitive(found, child, known.type, many=known.many)
        elif known.model is not None:
            _put(found, child.name, _content(child, known.model), many=known.many)
        else:
            _put(found, child.name, _contained(child), many=known.many)
    for name in [n for n in found if n.startswith("_") and isinstance(found[n], list)]:
        _evened(found, name)
    return found


_URLS = frozenset({"extension", "modifierExtension"})
"""The elements whose url is an attribute; that of others is an element."""


def _contained(node: _Node) -> Json:
    if len(node.children) != 1 or node.attributes:
        _refuse("One resource stands here.", node.name)
    return _resource(node.children[0])


def _unknown(node: _Node) -> Any:
    """What no type has, in a shape that is refused as what it is."""
    if not node.children and node.attributes.keys() == {"value"}:
        return node.attributes["value"]
    return {**node.attributes, **{child.name: _unknown(child) for child in node.children}}


def _put(found: Json, name: str, value: Any, *, many: bool) -> None:
    if many:
        found.setdefault(name, []).append(value)
    elif name in found:
        _refuse("An element stands twice that does not repeat.", name)
    else:
        found[name] = value


def _put_primitive(found: Json, node: _Node, kind: str, *, many: bool) -> None:
    if node.source is None and node.attributes.keys() - {"id", "value"}:
        _refuse("The attribute url does not stand at an element of this kind.", node.name)
    value = node.source if kind == "xhtml" else _value(node.attributes.get("value"), kind)
    beside: Json = {"id": node.attributes["id"]} if "id" in node.attributes and kind != "xhtml" else {}
    for child in node.children:
        model = _extension() if child.name == "extension" else None
        _put(beside, child.name, _content(child, model) if model else _unknown(child), many=model is not None)
    name = node.name
    if many:
        found.setdefault(name, []).append(value)
        found.setdefault(f"_{name}", []).append(beside or None)
        return
    if name in found or f"_{name}" in found:
        _refuse("An element stands twice that does not repeat.", name)
    if value is not None or not beside:
        found[name] = value
    if beside:
        found[f"_{name}"] = beside


def _extension() -> Model:
    model = resource_model("Basic")
    assert model is not None
    found = plan(model).elements["extension"].model
    assert found is not None
    return found


def _evened(found: Json, name: str) -> None:
    """Of a list of primitives and what is beside it, only what holds something. https://hl7.org/fhir/R4/json.html"""
    if not any(found[name]):
        del found[name]
    elif name[1:] in found and all(v is None for v in found[name[1:]]):
        del found[name[1:]]


def _value(text: str | None, kind: str) -> Any:
    if text is not None and kind == "boolean" and text in ("true", "false"):
        return text == "true"
    if text is not None and kind in _NUMBERS and _NUMBER.fullmatch(text):
        return orjson.Fragment(text)
    return text


def _refuse(text: str, element: str | None = None) -> NoReturn:
    raise HallpassError(Kind.MALFORMED, Issue(text, element))

"""The FHIRPath expressions of search parameters, compiled over the elements of a type. Pure.

https://hl7.org/fhir/R4/search.html#construction — the text is parsed by fhirpathpy; what HL7's definitions use of the
language is served:

    Patient.name.family                              a path, through lists and choices
    A.b | A.c                                        a union
    (Condition.onset as Age), Condition.onset.as(Age), Condition.onset.ofType(Age)
    Patient.telecom.where(system='email')            elements with a value
    Encounter.subject.where(resolve() is Patient)    references to a type
    Observation.extension('http://...'), item.where(hasExtension('http://...'))
    Bundle.entry[0].resource                         one of a list
    A.b.exists() and A.b != false                    a truth
    %resource.referenceSeq.chromosome                in a composite: from the resource, not from the element

An expression of any other form, or of an element that the type lacks, raises TypeError.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from fhirpathpy.parser import parse

from app.search.elements import Element, ModelClass, elements
from app.search.references import target

Node = dict[str, Any]
ABSTRACT = ("Resource", "DomainResource")
_PLAIN = re.compile(r"[A-Za-z]+(?:\.[A-Za-z]+)*")


class Found(NamedTuple):
    """A value of a resource and its FHIR type."""

    type: str
    value: Any


@dataclass(frozen=True, slots=True)
class Down:
    """To an element: its keys, one for each type of a choice."""

    elements: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class Where:
    """Those with a value in one of their elements."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Refers:
    """References to one type."""

    type: str


@dataclass(frozen=True, slots=True)
class Extended:
    """Those that have an extension."""

    url: str


@dataclass(frozen=True, slots=True)
class Nth:
    """One of a list."""

    n: int


Step = Down | Where | Refers | Extended | Nth


@dataclass(frozen=True, slots=True)
class Path:
    """One compiled member of a union."""

    steps: tuple[Step, ...]
    truth: bool = False
    rooted: bool = False
    """It starts from the resource, wherever it stands (`%resource`)."""

    @property
    def types(self) -> frozenset[str]:
        """The FHIR types that its values can have."""
        if self.truth:
            return frozenset({"boolean"})
        last = next((s for s in reversed(self.steps) if isinstance(s, Down)), None)
        return frozenset(e.type for e in last.elements) if last else frozenset()

    @property
    def heads(self) -> frozenset[str] | None:
        """The keys of a resource of which one must be there for it to lead to a value; None: it may without."""
        first = self.steps[0] if self.steps and not self.truth else None
        return frozenset(e.key for e in first.elements) if isinstance(first, Down) else None

    def values(self, resource: dict[str, Any], element: Any = None) -> Iterator[Found]:
        """The values in document order, lists flattened; below an element of the resource, where one is given."""
        found = [Found("", resource if element is None or self.rooted else element)]
        for step in self.steps:
            found = _down(found, step.elements) if isinstance(step, Down) else list(_taken(step, found, resource))
            if not found:
                break
        if self.truth:
            return iter([Found("boolean", any(f.value is not False for f in found))])
        return iter(found)


def compile_expression(expression: str, model: ModelClass) -> tuple[Path, ...]:
    """The members of the union `expression` over the resource class `model`. Raises TypeError."""
    return _compiled(expression, (model,), model.get_resource_type(), model)


def compile_below(expression: str, path: Path, model: ModelClass) -> tuple[Path, ...]:
    """The members of an expression that starts at the elements that `path` leads to in `model`. Raises TypeError."""
    last = next((s for s in reversed(path.steps) if isinstance(s, Down)), None)
    models = tuple(e.model for e in last.elements if e.model is not None) if last else (model,)
    return _compiled(expression, models, "", model)


def _compiled(expression: str, models: tuple[ModelClass, ...], head: str, root: ModelClass) -> tuple[Path, ...]:
    reader = _Reader(models, head, root)
    parts = [p.strip() for p in expression.split("|")]
    if all(_PLAIN.fullmatch(p) for p in parts):  # most are: no parser is needed to see that they are names alone
        return tuple(reader.plain(p.split(".")).path() for p in parts)
    try:
        tree = parse(expression)  # type: ignore[no-untyped-call]
    except Exception as e:
        raise TypeError(f"an expression that is no FHIRPath: {expression}") from e
    if not tree.get("children") or not tree["children"][0].get("children"):
        raise TypeError("an expression without a path")
    return tuple(d.path() for d in reader.read(tree["children"][0]))


@dataclass(frozen=True, slots=True)
class _Draft:
    """A path as far as it was read, and the classes of the elements that it leads to."""

    steps: tuple[Step, ...]
    models: tuple[ModelClass, ...]
    truth: bool = False
    rooted: bool = False

    def path(self) -> Path:
        return Path(self.steps, self.truth, self.rooted)

    def down(self, name: str) -> _Draft:
        """To an element by its name."""
        found = tuple(e for m in self.models for e in elements(m, name))
        if not found:
            raise TypeError(f"no such element: {name}")
        return self._to(found)

    def typed(self, name: str) -> _Draft:
        """Those of one type of a choice."""
        last = self.steps[-1] if self.steps else None
        kept = tuple(e for e in last.elements if e.type.casefold() == name.casefold()) if isinstance(last, Down) else ()
        if not kept:
            raise TypeError(f"no such type of the element: {name}")
        return _Draft(self.steps[:-1], (), self.truth, self.rooted)._to(kept)

    def kept(self, step: Step) -> _Draft:
        """Those that fulfill a condition."""
        return _Draft((*self.steps, step), self.models, self.truth, self.rooted)

    def _to(self, found: tuple[Element, ...]) -> _Draft:
        models = tuple(e.model for e in found if e.model is not None)
        return _Draft((*self.steps, Down(found)), models, self.truth, self.rooted)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the tree of an expression; each kind of node by the method of its name."""

    models: tuple[ModelClass, ...]
    head: str
    """The name of the type at the head of each path; '' where a path starts at an element."""
    root: ModelClass
    functions: dict[str, Callable[[list[_Draft], list[Node]], list[_Draft]]] = field(init=False)

    def __post_init__(self) -> None:
        functions = {"as": self._as, "ofType": self._as, "where": self._where, "extension": self._extension}
        object.__setattr__(self, "functions", functions)

    def plain(self, names: list[str]) -> _Draft:
        """The path of names alone."""
        draft, rest = _Draft((), self.models), names
        if self.head:
            if names[0] not in (self.head, *ABSTRACT):
                raise TypeError(f"a path of another type: {'.'.join(names)}")
            rest = names[1:]
        for name in rest:
            draft = draft.down(name)
        return draft

    def read(self, node: Node) -> list[_Draft]:
        """The paths that a node stands for."""
        children = node.get("children", [])
        match node["type"]:
            case "UnionExpression":
                return [d for c in children for d in self.read(c)]
            case "TermExpression" | "InvocationTerm" | "ParenthesizedTerm":
                return self.read(children[0])
            case "ExternalConstantTerm" if _text(node) == "resource":
                return [_Draft((), (self.root,), rooted=True)]
            case "MemberInvocation":
                return [self.plain([_text(node)])]
            case "InvocationExpression":
                return self._invoked(self.read(children[0]), children[1])
            case "TypeExpression" if node["terminalNodeText"] == ["as"]:
                return self._as(self.read(children[0]), children[1:])
            case "IndexerExpression":
                return [d.kept(Nth(int(_text(children[1])))) for d in self.read(children[0])]
            case "AndExpression":
                return self._truth(*children)
        raise TypeError(f"an expression of a form that is not served: {node['type']}")

    def _invoked(self, found: list[_Draft], node: Node) -> list[_Draft]:
        if node["type"] == "MemberInvocation":
            return [d.down(_text(node)) for d in found]
        function = node["children"][0]
        name, *rest = function["children"]
        known = self.functions.get(_text(name))
        if node["type"] != "FunctionInvocation" or known is None:
            raise TypeError(f"a function that is not served: {_text(name)}")
        return known(found, rest[0]["children"] if rest else [])

    def _as(self, found: list[_Draft], arguments: list[Node]) -> list[_Draft]:
        """Of several members those that have the type; one at least has it."""
        name = _text(arguments[0])
        kept = [d.typed(name) for d in found if any(e.type.casefold() == name.casefold() for e in _last(d))]
        if not kept:
            raise TypeError(f"no such type of the element: {name}")
        return kept

    def _where(self, found: list[_Draft], arguments: list[Node]) -> list[_Draft]:
        (condition,) = arguments
        parts = condition.get("children", [])
        match condition["type"], condition.get("terminalNodeText"):
            case "EqualityExpression", ["="]:
                name, value = _text(parts[0]), _text(parts[1])
                if all(e for d in found for e in [d.down(name)]):
                    return [d.kept(Where(name, value)) for d in found]
            case "TypeExpression", ["is"] if _text(parts[0]) == "resolve":
                return [d.kept(Refers(_text(parts[1]))) for d in found]
            case _ if _text(condition) == "hasExtension":
                return [d.kept(Extended(_texts(condition)[1])) for d in found]
        raise TypeError("a condition of a form that is not served")

    def _extension(self, found: list[_Draft], arguments: list[Node]) -> list[_Draft]:
        url = _text(arguments[0])
        return [d.down("extension").kept(Where("url", url)).down("value") for d in found]

    def _truth(self, exists: Node, differs: Node) -> list[_Draft]:
        """`X.exists() and X != false`."""
        function = exists["children"][-1]
        (draft,) = self.read(exists["children"][0])
        (same,) = self.read(differs["children"][0])
        as_meant = _text(function) == "exists" and differs["terminalNodeText"] == ["!="]
        if not as_meant or same != draft or _text(differs["children"][1]) != "false":
            raise TypeError("a condition of a form that is not served")
        return [_Draft(draft.steps, draft.models, truth=True)]


def _last(draft: _Draft) -> tuple[Element, ...]:
    last = draft.steps[-1] if draft.steps else None
    return last.elements if isinstance(last, Down) else ()


def _texts(node: Node) -> list[str]:
    """The names and literals in a node, without their quotes."""
    if node["type"] in ("Identifier", "StringLiteral", "BooleanLiteral", "NumberLiteral"):
        return [str(node["text"]).strip("'")]
    return [t for c in node.get("children", []) for t in _texts(c)]


def _text(node: Node) -> str:
    return next(iter(_texts(node)), "")


def _taken(step: Step, found: list[Found], resource: dict[str, Any]) -> Iterator[Found]:
    """What a step makes of what the steps before it found."""
    match step:
        case Down(own):
            return iter(_down(found, own))
        case Where(name, value):
            return (f for f in found if isinstance(f.value, dict) and f.value.get(name) == value)
        case Refers(name):
            return (f for f in found if isinstance(f.value, dict) and _type_of(f.value, resource) == name)
        case Extended(url):
            return (f for f in found if any(e.get("url") == url for e in f.value.get("extension", [])))
        case Nth(n):
            return iter(found[n : n + 1])


def _down(found: list[Found], step: tuple[Element, ...]) -> list[Found]:
    """The elements below what was found."""
    inner: list[Found] = []
    for _, node in found:
        if not isinstance(node, dict):
            continue
        for element in step:
            value = node.get(element.key)
            if isinstance(value, list):
                inner += [Found(element.type, v) for v in value if v is not None]
            elif value is not None:
                inner.append(Found(element.type, value))
    return inner


def _type_of(reference: Any, resource: dict[str, Any]) -> str:
    """The type that a Reference points at, by its text, its contained resource or its `type`; '' if unknown."""
    text = reference.get("reference", "")
    if text.startswith("#"):
        inside = (c for c in resource.get("contained", []) if "#" + str(c.get("id")) == text)
        return next((str(c.get("resourceType")) for c in inside), "")
    return target(text, "").type or str(reference.get("type", ""))

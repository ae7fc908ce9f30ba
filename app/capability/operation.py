"""What an operation declares, once, for every part of the server.

Its route, the CapabilityStatement, its OperationDefinition, OpenAPI, the reference page and the walks of tests all come
from one `Operation`. A new operation is one module in app/api/operations. https://hl7.org/fhir/R4/operations.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Literal

HL7 = "http://hl7.org/fhir/OperationDefinition"
OURS = "https://hallpass.example/fhir/OperationDefinition"
SYSTEM = ""
"""In the place of a type: an operation of the whole service."""
PACKAGE = "app.api.operations"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of an OperationDefinition of ours."""

    name: str
    type: str
    documentation: str
    least: int = 0
    most: str = "1"
    use: Literal["in", "out"] = "in"


@dataclass(frozen=True, slots=True)
class Call:
    """One request by which an operation is asked."""

    method: Literal["GET", "POST"]
    operation_id: str
    """Its name in the OpenAPI document."""
    summary: str
    instance: bool = True
    """Whether it is asked of one resource, or of the type."""
    asked: tuple[str, ...] = ()
    """Parameters in the query, by the names of their components in the OpenAPI document."""


@dataclass(frozen=True, slots=True)
class Body:
    """What a POST of an operation holds, by the names of schemas."""

    schemas: tuple[str, ...]
    description: str
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Operation:
    """The declaration of one operation."""

    name: str
    type: str | None
    """The type that has it; None: every type; SYSTEM: the service."""
    calls: tuple[Call, ...]
    note: str
    """What it does, for the reference page."""
    answer: Callable[..., Any]
    """The route's work: takes the request, its context, the declared type and the id (None where it has none)."""
    scopes: tuple[str, ...] = ()
    """The scopes that it takes, all of them; none: those of what it is about."""
    hl7: str = ""
    """The name of HL7's definition; where it has none, the definition is ours and made of `parameters`."""
    canonical: str = ""
    """The URL of a definition of another guide's."""
    parameters: tuple[Parameter, ...] = ()
    affects_state: bool = False
    body: Body | None = None
    returns: str = "Bundle"
    """The schema of its answer."""
    returns_text: str = "The answer."
    status: int = 200
    """What it answers where it succeeds. Without content where `returns` is empty."""
    headers: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    """Media types of its answer beside FHIR's."""

    def __post_init__(self) -> None:
        if not self.hl7 and not self.canonical and not self.parameters:
            raise TypeError(f"${self.name}: an operation of ours says its parameters")
        if any(c.method == "POST" for c in self.calls) and self.body is None:
            raise TypeError(f"${self.name}: a POST says what its body holds")

    @property
    def id(self) -> str:
        """The id of its OperationDefinition, where that is ours."""
        return f"{self.type or 'Resource'}-{self.name}"

    @property
    def definition(self) -> str:
        """The canonical URL of its OperationDefinition."""
        if self.canonical:
            return self.canonical
        return f"{HL7}/{self.hl7}" if self.hl7 else f"{OURS}/{self.id}"

    @property
    def requests(self) -> tuple[str, ...]:
        """Method and path of each call, as the reference page writes them."""
        kind = "" if self.type == SYSTEM else f"{self.type or '[type]'}/"
        return tuple(f"{c.method} {kind}{'[id]/' if c.instance else ''}${self.name}" for c in self.calls)


@cache
def operations() -> tuple[Operation, ...]:
    """Every operation: those of every type first, then by type and name.

    They are found by the name of their package: its modules know this one, and this one knows none of them.
    """
    package = import_module(PACKAGE)
    modules = [import_module(f"{PACKAGE}.{m.name}") for m in iter_modules(package.__path__)]
    found = [o for m in modules for o in m.OPERATIONS]
    return tuple(sorted(found, key=lambda o: (o.type or "", o.name)))

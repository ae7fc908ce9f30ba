"""From `Consent.provision`, at any depth, to a flat list of provisions.

https://hl7.org/fhir/R4/consent-definitions.html#Consent.provision — elements of one provision are ANDed,
repetitions ORed, and a nested provision is an exception that turns its parent round.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from app.consent import codes as c
from app.consent.model import Provision, Window
from app.consent.recipients import BY_CODE, RecipientClass, named_class
from app.errors import Issue
from app.fhir.dates import BEGINNING, END, period
from app.resources.paths import values
from app.resources.refs import local_id

DEEPEST = 16
ALWAYS: Window = (BEGINNING, END)


@dataclass(slots=True)
class Tree:
    """The provisions in document order, where each stands in the Consent, and what could not be understood."""

    nodes: tuple[Provision, ...] = ()
    missing: list[Issue] = field(default_factory=list)
    expression: dict[int, str] = field(default_factory=dict)
    contradicted: set[int] = field(default_factory=set)
    """The provisions whose own type is not the one that their place gives them."""

    def line(self, node: Provision) -> list[Provision]:
        """A provision and those that it is an exception to, up to the root."""
        found = [node]
        while found[-1].parent >= 0:
            found.append(self.nodes[found[-1].parent])
        return found


def read_tree(root: Any, zone: ZoneInfo, custodian: UUID, organizations: frozenset[UUID]) -> Tree:
    """Flatten a root provision. A provision whose actions are none that open a read is left out with its own."""
    reader = _Reader(zone, custodian, organizations)
    if not isinstance(root, dict):
        reader.tree.missing.append(Issue("The provision is missing.", "Consent.provision", "required"))
    elif root.get("type") not in ("permit", "deny"):
        text = "The root provision needs a type: permit or deny."
        reader.tree.missing.append(Issue(text, "Consent.provision.type", "required"))
    else:
        reader.add(root, -1, root["type"] == "permit", "Consent.provision", 0)
    reader.tree.nodes = tuple(reader.nodes)
    return reader.tree


class _Reader:
    """Collects nodes and gaps while it walks."""

    def __init__(self, zone: ZoneInfo, custodian: UUID, organizations: frozenset[UUID]) -> None:
        self.tree = Tree()
        self.nodes: list[Provision] = []
        self._zone = zone
        self._custodian = custodian
        self._organizations = organizations

    def add(self, node: dict[str, Any], parent: int, permit: bool, at: str, depth: int) -> None:
        """Read one provision and those nested in it."""
        if depth > DEEPEST:
            self._missing_requirement("The provisions are nested too deeply.", at)
            return
        if node.get("type") not in (None, "permit" if permit else "deny"):
            self._missing_requirement(
                "A nested provision must have the other type: an exception to a permit denies, one to a deny permits.",
                f"{at}.type",
            )
            self.tree.contradicted.add(len(self.nodes))
        actions = self._codes(node, "action", c.CONSENT_ACTION, c.ACTIONS, at)
        if actions is not None and not actions & c.READING_ACTIONS:
            return
        number = len(self.nodes)
        self.tree.expression[number] = at
        data = self._data(node, at)
        confidentiality, labels = self._labels(node, permit, at)
        self.nodes.append(
            Provision(
                node=number,
                parent=parent,
                permit=permit,
                period=self._window(node, "period", at) or ALWAYS,
                recipients=self._recipients(node, at),
                purposes=self._codings(node, "purpose", c.ACT_REASON, c.PURPOSES, at),
                classes=self._classes(node, at),
                codes=self._content(node, at),
                confidentiality=confidentiality,
                labels=labels,
                instances=data.get("instance"),
                related=data.get("related"),
                dependents=data.get("dependents"),
                authored=data.get("authoredby"),
                about=self._window(node, "dataPeriod", at),
            )
        )
        for i, child in enumerate(values(node, "provision")):
            self.add(child, number, not permit, f"{at}.provision[{i}]", depth + 1)

    def _missing_requirement(self, text: str, at: str) -> None:
        self.tree.missing.append(Issue(text, at, "value"))

    def _window(self, node: dict[str, Any], element: str, at: str) -> Window | None:
        stated = node.get(element)
        if not stated:
            return None
        found = period(stated, self._zone)
        if found.lower == found.upper:
            self._missing_requirement("The period ends before it starts.", f"{at}.{element}")
        return found.lower, found.upper

    def _codings(
        self, node: dict[str, Any], element: str, system: str, known: Iterable[str], at: str
    ) -> frozenset[str] | None:
        """The codes of a list of Codings, each from one system; others are gaps."""
        found = set()
        for i, coding in enumerate(values(node, element)):
            if coding.get("system") == system and coding.get("code") in known:
                found.add(coding["code"])
            else:
                self._missing_requirement(
                    "Unknown code. docs/reference.md lists the codes that are supported.", f"{at}.{element}[{i}]"
                )
        return frozenset(found) if node.get(element) else None

    def _codes(
        self, node: dict[str, Any], element: str, system: str, known: Iterable[str], at: str
    ) -> frozenset[str] | None:
        """The codes of a list of CodeableConcepts, one that is known in each."""
        found = set()
        for i, concept in enumerate(values(node, element)):
            codes = {x.get("code") for x in values(concept, "coding") if x.get("system") == system} & set(known)
            if not codes:
                self._missing_requirement(
                    "Unknown code. docs/reference.md lists the codes that are supported.", f"{at}.{element}[{i}]"
                )
            found |= {str(x) for x in codes}
        return frozenset(found) if node.get(element) else None

    def _recipients(self, node: dict[str, Any], at: str) -> frozenset[UUID] | None:
        found: set[UUID] = set()
        constrained = False
        for i, actor in enumerate(values(node, "actor")):
            roles = {(x.get("system"), x.get("code")) for x in values(actor, "role.coding")}
            where = f"{at}.actor[{i}]"
            organization = local_id(actor.get("reference"), "Organization")
            if (c.PARTICIPATION, "IRCP") in roles:
                constrained = True
                kind = named_class(actor.get("reference"))
                if isinstance(kind, RecipientClass):
                    found.add(kind.id)
                elif kind is not None:
                    self._missing_requirement(
                        f"Unknown class of recipients. Use one of: {', '.join(BY_CODE)}.", f"{where}.reference"
                    )
                elif organization in self._organizations:
                    found.add(organization)
                else:
                    self._missing_requirement(
                        "The recipient must be an Organization of this server.", f"{where}.reference"
                    )
            elif (c.PARTICIPATION, "CST") in roles:
                if organization != self._custodian:
                    self._missing_requirement(
                        "The discloser must be the organization that files the release.", f"{where}.reference"
                    )
            elif (c.ACTOR_ROLE, "intermediary") not in roles:
                self._missing_requirement(
                    "Unknown actor role. Use CST for the discloser and IRCP for a recipient.", f"{where}.role"
                )
        return frozenset(found) if constrained else None

    def _classes(self, node: dict[str, Any], at: str) -> frozenset[str] | None:
        """Resource types by name, profiles by their URL."""
        found = set()
        for i, coding in enumerate(values(node, "class")):
            system, code = coding.get("system"), coding.get("code")
            if code and ((system == c.RESOURCE_TYPES and code in c.TYPE_NAMES) or (system == c.URI and ":" in code)):
                found.add(code)
            else:
                self._missing_requirement(
                    "The class must be a FHIR resource type or the URI of a profile.", f"{at}.class[{i}]"
                )
        return frozenset(found) if node.get("class") else None

    def _content(self, node: dict[str, Any], at: str) -> frozenset[str] | None:
        found = set()
        for i, concept in enumerate(values(node, "code")):
            codings = [x for x in values(concept, "coding") if x.get("system") and x.get("code")]
            if not codings:
                self._missing_requirement(
                    "The code needs both a system and a code. Text alone matches nothing.", f"{at}.code[{i}]"
                )
            found |= {f"{x['system']}|{x['code']}" for x in codings}
        return frozenset(found) if node.get("code") else None

    def _labels(self, node: dict[str, Any], permit: bool, at: str) -> tuple[int | None, frozenset[str] | None]:
        """The confidentiality that is named (the highest for a permit, the lowest for a deny) and the labels."""
        levels: list[int] = []
        labels: set[str] = set()
        for i, coding in enumerate(values(node, "securityLabel")):
            system, code = coding.get("system"), coding.get("code")
            if system == c.CONFIDENTIALITY_SYSTEM and code in c.CONFIDENTIALITY:
                levels.append(c.CONFIDENTIALITY[code])
            elif system == c.ACT_CODE and code in c.SENSITIVITY | c.PRIVACY_LAWS:
                labels.add(code)
            else:
                self._missing_requirement(
                    "Unknown security label. docs/reference.md lists the labels that are supported.",
                    f"{at}.securityLabel[{i}]",
                )
        if not node.get("securityLabel"):
            return None, None
        return ((max if permit else min)(levels) if levels else None), frozenset(labels)

    def _data(self, node: dict[str, Any], at: str) -> dict[str, frozenset[UUID]]:
        found: dict[str, set[UUID]] = {}
        for i, data in enumerate(values(node, "data")):
            target = local_id(data.get("reference"))
            if local_id(data.get("reference"), "Binary") is not None:
                text = "A Binary is seen where a record that refers to it is. Name that record."
                self._missing_requirement(text, f"{at}.data[{i}].reference")
            elif target is None:
                self._missing_requirement(
                    "The data reference must be to a resource of this server.", f"{at}.data[{i}].reference"
                )
            else:
                found.setdefault(data["meaning"], set()).add(target)
        return {meaning: frozenset(ids) for meaning, ids in found.items()}

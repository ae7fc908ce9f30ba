"""What a resource type declares, once, for every part of the server.

Routes, OpenAPI, the CapabilityStatement, search, index columns, the compartment and the facts that consent is
judged by all come from one `ResourceType`. The fields that the access service needs have no default: a type that leaves
one out fails at import.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any
from uuid import UUID


def no_parties(_resource: dict[str, Any]) -> list[str]:
    """The rule of every type whose resources have no parties."""
    return []


OPEN_TO_CLAIM = UUID(int=1)
"""Stands among the parties of a record that is open to claim, in the place of the one that is to come."""

SEEN_BY_PARTIES = UUID(int=2)
"""Stands among the parties of a record that they see, though what they see of its type hangs on releases else."""


class Visibility(Enum):
    """How far resources of a type can travel. https://hl7.org/fhir/R4/compartmentdefinition-patient.html"""

    DIRECTORY = "directory"
    """Carries no patient; any authenticated member reads it."""
    COMPARTMENT = "compartment"
    """Lies in one student's compartment; custody, party or a release opens it."""
    CUSTODY = "custody"
    """Carries several students (a class list): its custodian's alone, no release opens it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ResourceType:
    """The declaration of one FHIR resource type.

    Paths are dotted element names from the resource's root (`provision.actor.reference`), through lists;
    a choice element is written `occurrence[x]`.
    """

    name: str
    model: type[Any]
    """The fhir.resources R4B class."""
    visibility: Visibility
    student: str | None
    """Path of the Reference to the student; `id` for Patient itself; None outside a compartment."""
    codes: tuple[str, ...]
    """Paths of the codings that `Consent.provision.code` is matched with: the type's code, category and type."""
    clinical_date: tuple[str, ...]
    """Paths that say when the data was about, the first present one counts; empty: about no time (demographics)."""
    authors: tuple[str, ...]
    """Paths of the References that `provision.data.meaning = authoredby` is matched with."""
    parties: Callable[[dict[str, Any]], list[str]] = no_parties
    """The references of a resource whose organizations see it without a release."""
    party_writes: tuple[str, ...] = ()
    """Top-level elements that a party that is not the custodian may change."""
    claim: str | None = None
    """The element by which whoever sees an open record takes it up, naming its own organization; None: nobody can."""
    labels: tuple[str, ...] = ()
    """Paths of the codings that label a resource as `meta.security` does."""
    by_referrers: bool = False
    """Whether its resources are seen where a record of the same custodian is that refers to them."""
    entry_of: tuple[str, ...] = ()
    """Of a directory type: paths of the organizations whose entry it is; one of them files it, or one above it."""
    deletable: bool = True

    @property
    def parties_see(self) -> bool:
        """Whether an organization sees such a resource since it is named in it."""
        return self.parties is not no_parties

    def __post_init__(self) -> None:
        if (self.visibility is Visibility.COMPARTMENT) != (self.student is not None):
            raise TypeError(f"{self.name}: a type of a compartment, and no other, names the path to its student")
        judged = {
            path.partition(".")[0]
            for path in (self.student or "", *self.codes, *self.clinical_date, *self.authors, *self.labels)
        }
        if judged & set(self.party_writes):
            raise TypeError(f"{self.name}: what consent judges by is not a party's to write")

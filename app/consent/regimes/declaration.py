"""What a regime declares, once, for every part of the server: a law under which a release of information is signed.

Completeness of a Consent, the profile of a release, the code system of regimes, the notices and the guide for members
all come from one `Regime`. A new law is one more module in this package.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from app.consent.codes import PRIVACY_LAWS, REGIME_SYSTEM, SENSITIVITY

Coding = tuple[str, str]
"""System and code."""


class Element(Enum):
    """What a law may require of a release before it can be active."""

    SIGNED_ON = "the day it was signed"
    SIGNER = "who signed"
    EVIDENCE = "evidence of the signature"
    DISCLOSER = "the discloser"
    RECIPIENT = "the recipient"
    CONTENT = "what is released"
    PURPOSE = "why"
    EXPIRY = "the expiry"
    INTERMEDIARY = "the intermediary"


@dataclass(frozen=True, slots=True)
class Notice:
    """What a recipient is told about the records that it received: a Library under `id`."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Regime:
    """The declaration of one law."""

    code: str
    """Its code in the code system of regimes."""
    display: str
    policy_uris: tuple[str, ...]
    """What `Consent.policy.uri` says where a release is signed under it."""
    codings: tuple[Coding, ...] = ()
    """What `Consent.policyRule.coding` may say, besides its own code in the code system of regimes."""
    requires: Mapping[Element, str]
    """The elements that it requires, each with the paragraph that asks for it."""
    paths: Mapping[str, str] = field(default_factory=dict)
    """Other elements of the Consent that it requires, by path (`verification.verified`), each with its paragraph."""
    opens_only: frozenset[str] = frozenset()
    """Security labels whose records only a release under this law opens, or under another law that declares them."""
    education_records: bool = False
    """Whether it is the law of education records, whose rights pass to a student in postsecondary enrollment."""
    redisclosable: bool = False
    """Whether it leaves a recipient free to pass on what it received: the label NORDSCLCD does not go with it."""
    endless: frozenset[str] = frozenset()
    """Purposes for which 'none' is expiry enough, where a release is for no other."""
    classes_treat: str = ""
    """The paragraph by which a class of recipients must be one of treating providers; empty: any class will do."""
    notice: Notice

    def __post_init__(self) -> None:
        if unknown := self.opens_only - SENSITIVITY - PRIVACY_LAWS:
            raise TypeError(f"{self.code}: no security labels of v3-ActCode: {', '.join(sorted(unknown))}")
        if not self.policy_uris or not self.requires:
            raise TypeError(f"{self.code}: a law has a policy URI, and requires something")

    @property
    def rule_codings(self) -> tuple[Coding, ...]:
        """Every coding of `Consent.policyRule` that names it."""
        return ((REGIME_SYSTEM, self.code), *self.codings)

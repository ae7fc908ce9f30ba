"""The laws under which a release can be signed, each declared in a module of its own: a new one is a new module."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from app.consent.regimes.declaration import Element, Notice, Regime

REGIMES: tuple[Regime, ...] = tuple(
    import_module(f"{__name__}.{m.name}").REGIME
    for m in sorted(iter_modules(__path__), key=lambda m: m.name)
    if m.name != "declaration"
)
"""Every regime, by the name of its module."""
BY_URI: dict[str, Regime] = {uri: r for r in REGIMES for uri in r.policy_uris}
"""By what `Consent.policy.uri` says."""
BY_CODE: dict[str, Regime] = {r.code: r for r in REGIMES}
BY_CODING: dict[tuple[str, str], Regime] = {coding: r for r in REGIMES for coding in r.rule_codings}
"""By what `Consent.policyRule.coding` says."""


def closed_labels(named: frozenset[str]) -> frozenset[str]:
    """The security labels that a release under the regimes with these codes cannot open."""
    gated = frozenset(label for r in REGIMES for label in r.opens_only)
    return gated - {label for r in REGIMES if r.code in named for label in r.opens_only}


__all__ = ["BY_CODE", "BY_CODING", "BY_URI", "REGIMES", "Element", "Notice", "Regime", "closed_labels"]

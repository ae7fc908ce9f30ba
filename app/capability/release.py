"""The profile of a release of information: a Consent that can be made active, as app/consent reads it.

https://hl7.org/fhir/R4/consent.html — what each law asks for is declared in app/consent/regimes. What no profile
can say (whose records they are, who may sign) the server judges when it is written.
"""

from __future__ import annotations

from app.capability.rules import Constraint, Rule
from app.consent import codes as c
from app.consent.regimes import BY_URI, REGIMES, Element, Regime
from app.terminology.value_sets import value_set

_URIS = " or ".join(f"$this = '{uri}'" for uri in BY_URI)


def _named(*regimes: Regime) -> str:
    """FHIRPath: whether the Consent names one of the regimes."""
    uris = [f"policy.where(uri = '{u}').exists()" for r in regimes for u in r.policy_uris]
    rules = [
        f"policyRule.coding.where(system = '{system}' and code = '{code}').exists()"
        for r in regimes
        for system, code in r.rule_codings
    ]
    return " or ".join(uris + rules)


def _requiring(element: Element) -> str:
    """FHIRPath: whether the Consent names a regime that requires an element."""
    return _named(*(r for r in REGIMES if element in r.requires))


def _actor(system: str, code: str) -> str:
    return f"actor.where(role.coding.where(system = '{system}' and code = '{code}').exists()).exists()"


_READS = "action.empty() or action.coding.where(code = 'access' or code = 'disclose').exists()"
_RECIPIENT = _actor(c.PARTICIPATION, "IRCP")
_WHAT = "class.exists() or code.exists() or securityLabel.exists() or data.exists() or dataPeriod.exists()"
_EVENTS = " or ".join(f"code = '{e}'" for e in sorted(c.EVENTS))
_PERMITS = "(provision.type = 'permit' or provision.provision.exists())"


def _each_permit(asked: str) -> str:
    """FHIRPath, at the root provision: it, or under a deny each exception to it or the root, has what is asked for."""
    permit = f"type = 'permit' implies ({asked})"
    exception = f"type = 'deny' implies (({asked}) or provision.where({_READS}).all({asked}))"
    return f"({_READS}) implies (({permit}) and ({exception}))"


def _event(codes: str) -> str:
    """FHIRPath: whether the Consent ends with an event of these."""
    coded = f"extension.where(url = '{c.EXPIRY_EVENT_EXTENSION}').value.coding"
    return f"{coded}.where(system = '{c.EXPIRY_EVENT}' and ({codes})).exists()"


def _endless(regime: Regime) -> str:
    """FHIRPath: where the Consent names the regime, all that is permitted is for what 'none' is expiry enough for."""
    codes = " or ".join(f"code = '{code}'" for code in sorted(regime.endless)) or "false"
    purposes = f"purpose.exists() and purpose.all(system = '{c.ACT_REASON}' and ({codes}))"
    return f"(({_named(regime)}) implies provision.all({_each_permit(purposes)}))"


_NO_END = " and ".join(
    [_event(f"code = '{c.NO_EVENT}'"), *(_endless(r) for r in REGIMES if Element.EXPIRY in r.requires)]
)
_ORGANIZATION = Constraint(
    "rel-7",
    "A discloser or recipient is an Organization, or a class of recipients by its identifier",
    f"role.coding.where(system = '{c.PARTICIPATION}' and (code = 'IRCP' or code = 'CST')).exists() implies"
    " (reference.reference.contains('Organization/')"
    f" or (reference.reference.empty() and reference.identifier.system = '{c.RECIPIENT_CLASS}'))",
)
_CODED = Constraint(
    "rel-9",
    "A code has a system: text alone matches nothing",
    "coding.where(system.exists() and code.exists()).exists()",
)
_REFERRED = Constraint("rel-10", "Records are named by a reference", "reference.reference.exists()")
_PROVISION = (
    Constraint(
        "rel-1", "What is permitted is permitted to a recipient (actor with role IRCP)", _each_permit(_RECIPIENT)
    ),
    Constraint("rel-2", "What is permitted is named: nothing is opened by silence", _each_permit(_WHAT)),
    Constraint("rel-3", "What is permitted has a purpose", _each_permit("purpose.exists()")),
    Constraint(
        "rel-4",
        "An exception turns its parent round",
        " and ".join(
            f"{'.'.join(['provision'] * depth)}.all(type.empty() or type {'!=' if depth % 2 else '='} %context.type)"
            for depth in (1, 2, 3, 4)
        ),
    ),
)
_ROOT = (
    Constraint(
        "rel-5",
        "An authorization under HIPAA or 42 CFR Part 2 has an end: a date, an expiry event, or 'none' where it is one",
        f"(({_requiring(Element.EXPIRY)}) and {_PERMITS}) implies"
        f" (provision.period.end.exists() or {_event(_EVENTS)} or ({_NO_END}))",
    ),
    Constraint(
        "rel-6",
        "A consent under 42 CFR Part 2 names the intermediary",
        f"(({_requiring(Element.INTERMEDIARY)}) and {_PERMITS}) implies"
        f" provision.{_actor(c.ACTOR_ROLE, 'intermediary')}",
    ),
    *(
        Constraint(f"rel-{r.code}-{n}", f"{rule} requires {path}", f"({_named(r)}) implies {path}.exists()")
        for r in REGIMES
        for n, (path, rule) in enumerate(r.paths.items(), 1)
    ),
)


def _elements(at: str) -> tuple[Rule, ...]:
    """What a provision and each exception to it are made of: codes that are understood, and nothing that is not."""
    return (
        Rule(path=f"{at}.period", short="When the release has effect"),
        Rule(path=f"{at}.actor", short="To whom", constraints=(_ORGANIZATION,)),
        Rule(path=f"{at}.actor.modifierExtension", most="0"),
        Rule(path=f"{at}.actor.role", binding=("required", value_set("release-actor"))),
        Rule(path=f"{at}.action", binding=("required", value_set("release-action"))),
        Rule(path=f"{at}.securityLabel", binding=("required", value_set("release-label"))),
        Rule(path=f"{at}.purpose", short="Why", binding=("required", value_set("release-purpose"))),
        Rule(path=f"{at}.class", short="Which types", binding=("required", value_set("release-class"))),
        Rule(path=f"{at}.code", short="Which content", constraints=(_CODED,)),
        Rule(path=f"{at}.dataPeriod", short="When the records were about"),
        Rule(path=f"{at}.data", short="Which records, by reference", constraints=(_REFERRED,)),
        Rule(path=f"{at}.data.modifierExtension", most="0"),
    )


RELEASE: tuple[Rule, ...] = (
    Rule(path="", constraints=_ROOT),
    Rule(path="implicitRules", most="0"),
    Rule(path="extension:expiry-event", extension=c.EXPIRY_EVENT_EXTENSION, least=0, most="1"),
    Rule(path="extension:signature-asked", extension=c.SIGNATURE_ASKED, least=0, most="*"),
    Rule(path="modifierExtension", most="0"),
    Rule(path="status", short="active while the release stands, inactive when it was ended"),
    Rule(
        path="scope",
        pattern=("CodeableConcept", {"coding": [{"system": c.CONSENT_SCOPE, "code": "patient-privacy"}]}),
    ),
    Rule(path="patient", short="The student", least=1, targets=("Patient",)),
    Rule(path="dateTime", short="Signed on", least=1),
    Rule(path="performer", short="Who signed", least=1, targets=("Patient", "RelatedPerson")),
    Rule(path="organization", short="The discloser: whose records they are", least=1, targets=("Organization",)),
    Rule(path="source[x]", short="Evidence of the signature", least=1),
    Rule(path="policy.modifierExtension", most="0"),
    Rule(
        path="policy.uri",
        short="The law that it is signed under",
        least=1,
        constraints=(Constraint("rel-8", "The policy is one of the regimes of the exchange", _URIS),),
    ),
    Rule(path="policyRule", short="The law that it is signed under", binding=("required", value_set("release-rule"))),
    Rule(path="verification.extension:confirmed-by", extension=c.CONFIRMED_BY, least=0, most="1"),
    Rule(path="verification.modifierExtension", most="0"),
    Rule(path="provision", least=1, constraints=_PROVISION),
    Rule(path="provision.modifierExtension", most="0"),
    Rule(path="provision.type", short="permit or deny, and exceptions to it below", least=1),
    *_elements("provision"),
    Rule(path="provision.provision", short="Exceptions, which may have exceptions of their own"),
    Rule(path="provision.provision.modifierExtension", most="0"),
    *_elements("provision.provision"),
)
"""Elements in the order of the base."""

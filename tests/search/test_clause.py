"""The key of a criterion: modifiers, chains and _has. https://hl7.org/fhir/R4/search.html#chaining"""

from __future__ import annotations

import pytest

from app.errors import HallpassError, Kind
from app.search.clause import MAX_DEPTH, MAX_JOINS, MAX_VALUES, parameters_of
from app.search.parameters import PARAMETERS, ParamKind
from app.search.query import Branch, Chain, Clause, Criterion, Has, ReferenceValue, TextValue, TokenValue
from tests.search.support import ID, search


def clause(type_name: str | None, query: str) -> Clause:
    (found,) = search(type_name, query).criteria
    return found


def named(text: str, code: str = "name") -> Criterion:
    return Criterion(code, ParamKind.STRING, None, (TextValue(text),))


def test_values_between_commas_are_alternatives() -> None:
    """A comma that is not escaped divides values."""
    assert clause("Patient", r"name=a,b\,c") == Criterion(
        "name", ParamKind.STRING, None, (TextValue("a"), TextValue("b,c"))
    )


def test_a_modifier_is_kept_and_a_type_goes_into_the_value() -> None:
    """`:Patient` says which type the id is of."""
    assert clause("Patient", "name:exact=A") == Criterion("name", ParamKind.STRING, "exact", (TextValue("A"),))
    assert clause("Encounter", f"subject:Patient={ID}") == Criterion(
        "subject", ParamKind.REFERENCE, None, (ReferenceValue("Patient", ID, None),)
    )


def test_a_chain_asks_the_type_that_the_reference_leads_to() -> None:
    """The one target, the named one, or of several those that have the parameter."""
    patient = Chain("patient", (Branch("Patient", named("x")),))
    assert clause("Encounter", "patient.name=x") == patient
    assert clause("Encounter", "patient:Patient.name=x") == patient
    assert clause("Encounter", "subject.name=x") == Chain("subject", (Branch("Patient", named("x")),))
    both = clause("Patient", "general-practitioner.name=x")
    assert both == Chain(
        "general-practitioner", (Branch("Organization", named("x")), Branch("Practitioner", named("x")))
    )


def test_a_chain_has_several_links() -> None:
    """Each link is a reference, the last is any criterion with its modifier."""
    assert clause("Encounter", "subject:Patient.organization.name:contains=x") == Chain(
        "subject",
        (
            Branch(
                "Patient",
                Chain(
                    "organization",
                    (Branch("Organization", Criterion("name", ParamKind.STRING, "contains", (TextValue("x"),))),),
                ),
            ),
        ),
    )


def test_has_asks_what_refers_here() -> None:
    """`_has` nests, stands behind a chain, and a chain stands behind it."""
    planned = Criterion("status", ParamKind.TOKEN, None, (TokenValue(None, "planned"),))
    has = Has("Encounter", "patient", planned)
    assert clause("Patient", "_has:Encounter:patient:status=planned") == has
    assert clause("Task", "patient._has:Encounter:patient:status=planned") == Chain(
        "patient", (Branch("Patient", has),)
    )
    assert clause("Organization", "_has:Patient:organization:_has:Encounter:patient:status=planned") == Has(
        "Patient", "organization", has
    )
    assert clause("Patient", "_has:Encounter:patient:service-provider.name=x") == Has(
        "Encounter", "patient", Chain("service-provider", (Branch("Organization", named("x")),))
    )


@pytest.mark.parametrize(
    ("type_name", "key"),
    [
        ("Patient", "nothing"),
        ("Patient", "near"),
        ("HealthcareService", "near"),
        ("Patient", "phonetic"),
        ("Patient", "_text"),
        ("Patient", "_content"),
        ("Patient", "_list"),
        ("Patient", "_query"),
        ("Patient", "_filter"),
        ("Patient", "_type"),
        ("Patient", ""),
        ("Patient", "name:"),
        ("Patient", "name:below"),
        ("Patient", "name:text"),
        ("Patient", "identifier:in"),
        ("Patient", "gender:text"),
        ("Patient", "gender:of-type"),
        ("Patient", "birthdate:exact"),
        ("Patient", "_id:missing"),
        ("Patient", "_lastUpdated:not"),
        ("Encounter", "subject:Practitioner"),
        ("Encounter", "subject:Location.name"),
        ("Patient", "name.family"),
        ("Patient", "organization.nothing"),
        ("Encounter", "account.name"),
        ("Patient", "general-practitioner.nothing"),
        ("Patient", "organization."),
        ("Patient", "_has:Encounter:patient"),
        ("Patient", "_has:Encounter:nothing:status"),
        ("Patient", "_has:Encounter:status:status"),
        ("Patient", "_has:Specimen:subject:type"),
        ("Patient", "_has:Encounter:location:status"),
        ("Patient", "_has:Encounter:patient:nothing"),
        ("Patient", "_has"),
    ],
)
def test_an_unknown_key_is_refused_by_its_name(type_name: str, key: str) -> None:
    """A parameter, modifier or chain that is not served is a 400 that names it."""
    with pytest.raises(HallpassError) as e:
        search(type_name, f"{key}=x")
    assert e.value.kind is Kind.UNKNOWN_PARAM
    assert not key or f"'{key}'" in e.value.issues[0].text


def test_an_unreadable_key_is_not_repeated() -> None:
    """What cannot be a parameter's name could be anything, and stays out of the answer."""
    with pytest.raises(HallpassError) as e:
        search("Patient", "Ana%20Diaz%20born%202010=x")
    assert "Ana" not in e.value.issues[0].text


@pytest.mark.parametrize(
    "query", ["name=", "name=a,,b", "name=a%5Cb", "name:missing=true,false", "organization.active=maybe", "birthdate=x"]
)
def test_a_value_that_is_not_understood_is_refused(query: str) -> None:
    """The whole key is named, the value is not repeated."""
    with pytest.raises(HallpassError) as e:
        search("Patient", query)
    assert e.value.kind is Kind.INVALID
    assert f"'{query.partition('=')[0]}'" in e.value.issues[0].text


def test_a_value_that_fails_in_a_chain_is_not_another_types_problem() -> None:
    """That one of the types lacks the parameter does not excuse a bad value for the other."""
    with pytest.raises(HallpassError) as e:
        search("Patient", "general-practitioner.active=maybe")
    assert e.value.kind is Kind.INVALID


def test_chains_are_bounded_in_length() -> None:
    """The longest chain is allowed, one link more is too costly."""
    longest = ".".join(["partof"] * MAX_DEPTH) + ".name=x"
    assert search("Organization", longest).criteria
    with pytest.raises(HallpassError) as e:
        search("Organization", "partof." + longest)
    assert e.value.kind is Kind.TOO_COSTLY


def test_joins_are_bounded_over_all_criteria() -> None:
    """A chain over every type fans out and is refused before it is built."""
    with pytest.raises(HallpassError) as e:
        search("Task", "focus.focus.focus.focus.status=x")
    assert e.value.kind is Kind.TOO_COSTLY
    with pytest.raises(HallpassError) as e:
        search("Encounter", "&".join(["patient.name=x"] * (MAX_JOINS + 1)))
    assert e.value.kind is Kind.TOO_COSTLY


def test_values_are_bounded_over_all_criteria() -> None:
    """Many alternatives are allowed, more than the bound are too costly."""
    assert search("Patient", "_id=" + ",".join(["1"] * MAX_VALUES)).criteria
    with pytest.raises(HallpassError) as e:
        search("Patient", "_id=" + ",".join(["1"] * MAX_VALUES) + "&name=a")
    assert e.value.kind is Kind.TOO_COSTLY


def test_several_types_share_what_means_the_same() -> None:
    """A parameter whose elements differ between the types is not shared; targets are those of both."""
    shared = parameters_of(("Encounter", "ServiceRequest"))
    assert shared["subject"].targets == {"Patient", "Group"}
    assert "status" not in shared
    assert "occurrence" not in shared
    assert {"_id", "_lastUpdated", "identifier", "patient"} <= shared.keys()
    assert parameters_of(("Encounter",)) is PARAMETERS["Encounter"]


def test_the_codes_of_a_value_set_count_as_values() -> None:
    """A set of 596 codes twice is more than a search may ask for."""
    sets = "http://hl7.org/fhir/ValueSet/service-type"
    assert search("HealthcareService", f"service-type:in={sets}").criteria
    with pytest.raises(HallpassError) as e:
        search("HealthcareService", f"service-type:in={sets},{sets}")
    assert e.value.kind is Kind.TOO_COSTLY

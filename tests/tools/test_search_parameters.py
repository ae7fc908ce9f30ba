"""What is extracted of HL7's search parameters. https://hl7.org/fhir/R4/searchparameter-registry.html"""

from __future__ import annotations

from typing import Any

import pytest

from tools.search_parameters import COMPARATORS, Bindings, member, records, sentence, value_sets

Json = dict[str, Any]


@pytest.fixture
def found() -> list[Json]:
    """A small set of definitions in the form of the package."""
    common = {"xpathUsage": "normal", "description": "D", "resourceType": "SearchParameter"}
    parameters: list[Json] = [
        {"id": "individual-gender", "code": "gender", "type": "token", "base": ["Patient", "Person"],
         "expression": "Patient.gender | Person.gender"},
        {"id": "use", "code": "use", "type": "token", "base": ["Patient"], "expression": "Patient.address.use"},
        {"id": "birthdate", "code": "birthdate", "type": "date", "base": ["Patient"], "comparator": COMPARATORS,
         "expression": "Patient.birthDate"},
        {"id": "patient-extensions-Patient-age", "code": "age", "type": "number", "base": ["Patient"]},
        {"id": "example", "code": "_id", "type": "token", "base": ["Resource"], "expression": "id"},
        {"id": "enc-patient", "code": "patient", "type": "reference", "base": ["Encounter"],
         "target": ["Group", "Patient"], "expression": "Encounter.subject.where(resolve() is Patient)"},
    ]  # fmt: skip
    code = [{"code": "code"}]
    gender = {"path": "Patient.gender", "type": code, "binding": {"valueSet": "http://v/gender|4.0.1"}}
    address = {"path": "Patient.address", "type": [{"code": "Address"}]}
    use = {"path": "Address.use", "type": code, "binding": {"valueSet": "http://v/use"}}
    sets: list[Json] = [
        {"resourceType": "ValueSet", "url": f"http://v/{n}", "compose": {"include": [{"system": f"http://s/{n}"}]}}
        for n in ("gender", "use")
    ]
    definition = {"resourceType": "StructureDefinition", "derivation": "specialization"}
    concepts = [{"code": "f", "concept": [{"code": "g"}]}]
    return [
        *({**common, "url": f"http://hl7.org/fhir/SearchParameter/{p['id']}", **p} for p in parameters),
        {**definition, "snapshot": {"element": [{"path": "Patient"}, gender, address]}},
        {**definition, "snapshot": {"element": [use]}},
        *sets,
        {"resourceType": "CodeSystem", "url": "http://s/gender", "concept": concepts},
    ]


def test_parameters_of_types_are_taken_and_those_of_extensions_left_out(found: list[Json]) -> None:
    """Examples in the package are left out as well."""
    assert [(r["base"], r["code"]) for r in records(found)] == [
        ("Encounter", "patient"),
        ("Patient", "birthdate"),
        ("Patient", "gender"),
        ("Patient", "use"),
        ("Person", "gender"),
    ]


def test_a_reference_leads_where_its_expression_says(found: list[Json]) -> None:
    assert records(found)[0]["target"] == ["Patient"]


def test_an_expression_is_the_types_own(found: list[Json]) -> None:
    """Of a union over several types the members of one are kept."""
    assert records(found)[2]["expression"] == "Patient.gender"
    assert member("name | alias", "InsurancePlan") == "InsurancePlan.name | InsurancePlan.alias"
    assert member("(Group.value as boolean) | Patient.x | (Group.value as code)", "Group").count("|") == 1
    assert sentence("Several: \r\n\r\n* [Patient](p.html): One\r\n* [Person](q.html): Two\r\n", "Person") == "Two"


def test_codes_come_with_their_systems(found: list[Json]) -> None:
    """The systems are those of the bound value set, also where the element lies in a datatype."""
    assert Bindings(found).of("Patient.address.use") == ["http://s/use"]
    assert [r.get("systems") for r in records(found)] == [None, None, ["http://s/gender"], ["http://s/use"], None]
    assert Bindings(found).of("Patient.address") == []


def test_a_date_without_the_usual_prefixes_stops_the_extraction(found: list[Json]) -> None:
    """All dates take the nine prefixes; a definition that says otherwise has to be looked at."""
    found[2]["comparator"] = ["eq"]
    with pytest.raises(SystemExit):
        records(found)


def test_a_value_set_is_listed_where_its_codes_are_given(found: list[Json]) -> None:
    """Codes below others are codes as well; a system without codes leaves its value set unknown."""
    assert value_sets(found) == [{"url": "http://v/gender", "codes": {"http://s/gender": ["f", "g"]}}]


@pytest.mark.parametrize(
    "change",
    [
        {"include": [{"system": "http://s/gender", "filter": [{"property": "concept", "op": "is-a", "value": "f"}]}]},
        {"include": [{"system": "http://s/gender", "valueSet": ["http://v/use"]}]},
        {"include": [{"valueSet": ["http://v/use"]}]},
        {"include": [{"system": "http://s/gender"}], "exclude": [{"system": "http://s/gender"}]},
        {"include": [{"system": "http://snomed.info/sct", "concept": [{"code": "1"}]}]},
        {"include": [{"system": "http://s/other", "concept": [{"code": str(n)} for n in range(1001)]}]},
    ],
)
def test_a_value_set_that_cannot_be_listed_as_it_is_meant_is_left_out(found: list[Json], change: Json) -> None:
    """Filters, other value sets, exclusions, codes of others and very long lists."""
    next(r for r in found if r.get("url") == "http://v/gender")["compose"] = change
    assert value_sets(found) == []

"""What is extracted from HL7's definitions. https://hl7.org/fhir/R4/downloads.html"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.search.definitions.build import COMPARATORS, Bindings, member, records, sentence, value_sets


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small set of definitions in the form of the download."""
    common = {"xpathUsage": "normal", "url": "http://hl7.org/fhir/SearchParameter/x", "description": "D"}
    parameters = [
        {"id": "individual-gender", "code": "gender", "type": "token", "base": ["Patient", "Person"],
         "expression": "Patient.gender | Person.gender", **common},
        {"id": "use", "code": "use", "type": "token", "base": ["Patient"],
         "expression": "Patient.address.use", **common},
        {"id": "birthdate", "code": "birthdate", "type": "date", "base": ["Patient"], "comparator": COMPARATORS,
         "expression": "Patient.birthDate", **common},
        {"id": "ServiceRequest-order-detail", "code": "order-detail", "type": "token", "base": ["ServiceRequest"],
         "expression": "ServiceRequest.orderDetail.text", **common},
        {"id": "account-owner", "code": "owner", "type": "reference", "base": ["Account"], **common},
    ]  # fmt: skip
    code = [{"code": "code"}]
    gender = {"path": "Patient.gender", "type": code, "binding": {"valueSet": "http://v/gender|4.0.1"}}
    address = {"path": "Patient.address", "type": [{"code": "Address"}]}
    use = {"path": "Address.use", "type": code, "binding": {"valueSet": "http://v/use"}}
    sets = [
        {"resourceType": "ValueSet", "url": f"http://v/{n}", "compose": {"include": [{"system": f"http://s/{n}"}]}}
        for n in ("gender", "use")
    ]

    def write(name: str, resources: list[dict[str, object]]) -> None:
        (tmp_path / name).write_text(json.dumps({"entry": [{"resource": r} for r in resources]}))

    definition = {"resourceType": "StructureDefinition", "derivation": "specialization"}
    write("search-parameters.json", parameters)
    write("profiles-resources.json", [{**definition, "snapshot": {"element": [{"path": "Patient"}, gender, address]}}])
    write("profiles-types.json", [{**definition, "snapshot": {"element": [use]}}])
    code_systems = [
        {
            "resourceType": "CodeSystem",
            "url": "http://s/gender",
            "concept": [{"code": "f", "concept": [{"code": "g"}]}],
        },
    ]
    write("valuesets.json", [*sets, *code_systems])
    write("v3-codesystems.json", [])
    return tmp_path


def test_only_our_types_and_hl7s_parameters_are_taken(folder: Path) -> None:
    """Other types' parameters, and what copies of the file added, are left out."""
    assert [(r["base"], r["code"]) for r in records(folder)] == [
        ("Patient", "birthdate"),
        ("Patient", "gender"),
        ("Patient", "use"),
    ]


def test_an_expression_is_the_types_own(folder: Path) -> None:
    """Of a union over several types the members of one are kept."""
    assert records(folder)[1]["expression"] == "Patient.gender"
    assert member("(Group.value as boolean) | Patient.x | (Group.value as code)", "Group").count("|") == 1
    assert sentence("Several: \r\n\r\n* [Patient](p.html): One\r\n* [Person](q.html): Two\r\n", "Person") == "Two"


def test_codes_come_with_their_systems(folder: Path) -> None:
    """The systems are those of the bound value set, also where the element lies in a datatype."""
    assert Bindings(folder).of("Patient.address.use") == ["http://s/use"]
    assert [r.get("systems") for r in records(folder)] == [None, ["http://s/gender"], ["http://s/use"]]
    assert Bindings(folder).of("Patient.address") == []


def test_a_date_without_the_usual_prefixes_stops_the_extraction(folder: Path) -> None:
    """All dates take the nine prefixes; a definition that says otherwise has to be looked at."""
    path = folder / "search-parameters.json"
    path.write_text(path.read_text().replace('"sa", ', ""))
    with pytest.raises(SystemExit):
        records(folder)


def test_a_value_set_is_listed_where_its_codes_are_given(folder: Path) -> None:
    """Codes below others are codes as well; a system without codes leaves its value set unknown."""
    assert value_sets(folder) == [{"url": "http://v/gender", "codes": {"http://s/gender": ["f", "g"]}}]


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
def test_a_value_set_that_cannot_be_listed_as_it_is_meant_is_left_out(folder: Path, change: dict[str, object]) -> None:
    """Filters, other value sets, exclusions, codes of others and very long lists."""
    path = folder / "valuesets.json"
    bundle = json.loads(path.read_text())
    bundle["entry"][0]["resource"]["compose"] = change
    path.write_text(json.dumps(bundle))
    assert value_sets(folder) == []

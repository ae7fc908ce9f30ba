"""References between resources. https://hl7.org/fhir/R4/references.html"""

from __future__ import annotations

from typing import Any

import pytest

from app.fhir.references import Form, Reference, form, local, references, rewrite, target_type
from app.resources import TYPES
from tests.fhir.samples import examples, sample

BASE = "https://hallpass.example/fhir"
ID = "c757873d-ec9a-4326-a141-556f43239520"


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        (f"Patient/{ID}", Form.LOCAL),
        (f"Patient/{ID}/_history/2", Form.LOCAL),
        (f"{BASE}/Patient/{ID}", Form.LOCAL),
        (f"http://hallpass.example/fhir/Patient/{ID}/_history/2", Form.LOCAL),
        ("#x", Form.CONTAINED),
        ("#", Form.CONTAINED),
        (f"urn:uuid:{ID}", Form.URN),
        ("urn:oid:1.2.3", Form.URN),
        ("Patient?identifier=a|b", Form.CONDITIONAL),
        ("https://other.example/fhir/Patient/1", Form.FOREIGN),
        (f"https://hallpass.example.evil.example/fhir/Patient/{ID}", Form.FOREIGN),
        (f"https://hallpass.example/fhir2/Patient/{ID}", Form.FOREIGN),
        ("mailto:a@example.org", Form.FOREIGN),
        ("", Form.MALFORMED),
        ("Patient", Form.MALFORMED),
        ("patient/1", Form.MALFORMED),
        ("Patient/", Form.MALFORMED),
        ("Patient/a_b", Form.MALFORMED),
        ("Patient/" + "x" * 65, Form.MALFORMED),
        ("Patient/1/_history", Form.MALFORMED),
        ("/Patient/1", Form.MALFORMED),
        ("Patient/1\n", Form.MALFORMED),
        ("https://a b", Form.MALFORMED),
        (f"{BASE}/Patient", Form.MALFORMED),
        (f"{BASE}//Patient/1", Form.MALFORMED),
    ],
)
@pytest.mark.parametrize("slash", ["", "/"])
def test_the_form_of_a_reference_is_told_from_its_text(reference: str, expected: Form, slash: str) -> None:
    assert form(reference, BASE + slash) is expected


@pytest.mark.parametrize("base", [BASE, BASE + "/", "http://hallpass.example/fhir"])
@pytest.mark.parametrize("prefix", ["", f"{BASE}/", "http://hallpass.example/fhir/"])
@pytest.mark.parametrize("version", ["", "/_history/3"])
def test_a_local_reference_has_a_type_and_an_id(base: str, prefix: str, version: str) -> None:
    assert local(f"{prefix}Patient/{ID}{version}", base) == ("Patient", ID)


@pytest.mark.parametrize(
    "reference", ["#x", f"urn:uuid:{ID}", f"https://other.example/fhir/Patient/{ID}", "Patient", ""]
)
def test_another_reference_is_not_local(reference: str) -> None:
    assert local(reference, BASE) is None


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("Patient/1", "Patient"),
        ("https://other.example/a/b/Group/1/_history/2", "Group"),
        ("https://other.example/Group/Patient/1", "Patient"),
        ("https://other.example/x", None),
        ("urn:uuid:" + ID, None),
        ("#x", None),
    ],
)
def test_the_type_of_a_target_is_told_where_the_reference_names_it(reference: str, expected: str | None) -> None:
    assert target_type(reference) == expected


def resource() -> dict[str, Any]:
    """An Encounter with a reference at every kind of place, and things that only look like one."""
    return sample(
        "Encounter",
        subject={
            "reference": "urn:uuid:1",
            "_reference": {"extension": [{"url": "u", "valueReference": {"reference": "urn:uuid:2"}}]},
        },
        participant=[
            {"individual": {"reference": "urn:uuid:3", "identifier": {"assigner": {"reference": "urn:uuid:4"}}}}
        ],
        serviceProvider={"display": "District"},
        extension=[
            {"url": "u", "valueExpression": {"language": "x", "reference": "urn:uuid:not"}},
            {"url": "u", "extension": [{"url": "v", "valueReference": {"reference": "urn:uuid:5"}}]},
        ],
        _status={
            "extension": [
                {
                    "url": "u",
                    "valueAnnotation": {"authorReference": {"reference": "urn:uuid:6"}, "text": "urn:uuid:not"},
                }
            ]
        },
        contained=[{"resourceType": "Location", "id": "l", "partOf": {"reference": "urn:uuid:7"}}],
    )


def test_every_reference_is_found_with_its_path_and_nothing_else() -> None:
    found = {(r.path, r.value.get("reference")) for r in references(resource())}
    assert found == {
        ("Encounter.subject", "urn:uuid:1"),
        ("Encounter.subject.reference.extension[0].value", "urn:uuid:2"),
        ("Encounter.participant[0].individual", "urn:uuid:3"),
        ("Encounter.participant[0].individual.identifier.assigner", "urn:uuid:4"),
        ("Encounter.serviceProvider", None),
        ("Encounter.extension[1].extension[0].value", "urn:uuid:5"),
        ("Encounter.status.extension[0].value.author", "urn:uuid:6"),
        ("Encounter.contained[0].partOf", "urn:uuid:7"),
    }


def test_a_reference_is_the_element_itself() -> None:
    encounter = sample("Encounter")
    assert next(references(encounter)).value is encounter["subject"]


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"resourceType": 1},
        {"resourceType": "Foo", "subject": {"reference": "x"}},
        {
            "resourceType": "Encounter",
            "subject": [1, None, "x"],
            "participant": {"individual": 3},
            "contained": [{}, {"resourceType": ["x"]}],
        },
    ],
)
def test_what_has_not_the_shape_of_its_type_is_passed_over(value: dict[str, Any]) -> None:
    assert list(references(value)) == []


def test_a_reference_in_an_array_that_should_not_be_one_is_found() -> None:
    value = {"resourceType": "Encounter", "subject": [{"reference": "Patient/1"}]}
    assert list(references(value)) == [Reference("Encounter.subject[0]", {"reference": "Patient/1"})]


def test_rewriting_maps_each_reference_and_nothing_else() -> None:
    before = resource()
    after = rewrite(before, lambda text: text.replace("urn:uuid:", "Patient/"))
    assert before == resource()
    texts = sorted(text for r in references(after) if (text := r.value.get("reference")))
    assert texts == [f"Patient/{n}" for n in range(1, 8)]
    for reference in references(after):
        if "reference" in reference.value:
            reference.value["reference"] = reference.value["reference"].replace("Patient/", "urn:uuid:")
    assert after == before


def test_a_reference_that_is_no_string_is_left_as_it_is() -> None:
    value = {"resourceType": "Encounter", "subject": {"reference": 3}}
    assert rewrite(value, str.upper) == value


def test_rewriting_to_the_same_leaves_the_official_examples_equal() -> None:
    found = list(examples(*TYPES))
    if not found:
        pytest.skip("the official examples are not here")
    for _, example in found:
        assert rewrite(example, lambda text: text) == example

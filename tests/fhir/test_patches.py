"""JSON Patch and FHIRPath Patch as functions. https://hl7.org/fhir/R4/fhirpatch.html"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from app.errors import HallpassError, Kind
from app.fhir.patch import fhirpath_patch, json_patch

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "1",
    "active": True,
    "identifier": [{"system": "urn:a", "value": "1"}, {"system": "urn:b", "value": "2"}],
    "name": [{"use": "official", "given": ["Ana", "Maria"], "_given": [None, {"id": "x"}]}, {"family": "Usual"}],
    "birthDate": "2014-05-02",
    "_birthDate": {"id": "b"},
    "deceasedBoolean": False,
    "extension": [{"url": "urn:e", "valueCode": "x"}],
}


def operation(type_: str, path: str, value: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """One operation as a parameter."""
    keys = {"name": "valueString", "index": "valueInteger", "source": "valueInteger", "destination": "valueInteger"}
    parts: list[dict[str, Any]] = [{"name": "type", "valueCode": type_}, {"name": "path", "valueString": path}]
    parts += [{"name": n, keys[n]: v} for n, v in more.items()]
    parts += [{"name": "value", **value}] if value else []
    return {"name": "operation", "part": parts}


def after(*operations: dict[str, Any]) -> dict[str, Any]:
    """The Patient after a patch; the patch itself stays as it was."""
    parameters = {"resourceType": "Parameters", "parameter": list(operations)}
    kept = deepcopy(parameters)
    found = fhirpath_patch.patched(deepcopy(PATIENT), parameters)
    assert parameters == kept
    return found


def text(value: str) -> dict[str, str]:
    """A value that is a string."""
    return {"valueString": value}


CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("add", operation("add", "Patient", {"valueCode": "female"}, name="gender"), {"gender": "female"}),
    (
        "add to a list",
        operation("add", "Patient", {"valueIdentifier": {"value": "3"}}, name="identifier"),
        {"identifier": [*PATIENT["identifier"], {"value": "3"}]},
    ),
    (
        "add a choice",
        operation("add", "Patient", {"valueInteger": 2}, name="multipleBirth"),
        {"multipleBirthInteger": 2},
    ),
    (
        "add a group of elements",
        operation(
            "add",
            "Patient",
            {
                "part": [
                    {"name": "name", "valueHumanName": {"family": "R"}},
                    {"name": "gender", "valueCode": "female"},
                ]
            },
            name="contact",
        ),
        {"contact": [{"name": {"family": "R"}, "gender": "female"}]},
    ),
    (
        "add below",
        operation("add", "Patient.name.where(use = 'official')", text("Rivera"), name="family"),
        {"name": [{**PATIENT["name"][0], "family": "Rivera"}, PATIENT["name"][1]]},
    ),
    (
        "insert beside an extension",
        operation("insert", "Patient.name[0].given", text("Luz"), index=1),
        {
            "name": [
                {**PATIENT["name"][0], "given": ["Ana", "Luz", "Maria"], "_given": [None, None, {"id": "x"}]},
                PATIENT["name"][1],
            ]
        },
    ),
    (
        "insert at the end",
        operation("insert", "Patient.identifier", {"valueIdentifier": {"value": "3"}}, index=2),
        {"identifier": [*PATIENT["identifier"], {"value": "3"}]},
    ),
    ("delete", operation("delete", "Patient.birthDate"), {"birthDate": None, "_birthDate": None}),
    ("delete nothing", operation("delete", "Patient.maritalStatus"), {}),
    ("delete no match", operation("delete", "Patient.identifier.where(system = 'urn:z')"), {}),
    ("delete by test", operation("delete", "Patient.identifier.where(system='urn:a' and value='1')"), {
        "identifier": [PATIENT["identifier"][1]]
    }),
    ("delete the last", operation("delete", "Patient.extension[0]"), {"extension": None}),
    ("delete by url", operation("delete", "Patient.extension('urn:e')"), {"extension": None}),
    ("delete a choice", operation("delete", "Patient.deceased"), {"deceasedBoolean": None}),
    (
        "delete one of a list of primitives",
        operation("delete", "Patient.name.first().given[1]"),
        {"name": [{"use": "official", "given": ["Ana"]}, PATIENT["name"][1]]},
    ),
    ("replace", operation("replace", "Patient.active", {"valueBoolean": False}), {"active": False}),
    (
        "replace in a list",
        operation("replace", "Patient.name.last()", {"valueHumanName": {"text": "A"}}),
        {"name": [PATIENT["name"][0], {"text": "A"}]},
    ),
    (
        "replace by another type",
        operation("replace", "Patient.deceased", {"valueDateTime": "2024"}),
        {"deceasedBoolean": None, "deceasedDateTime": "2024"},
    ),
    (
        "replace of a type",
        operation("replace", "Patient.deceased.ofType(boolean)", {"valueBoolean": True}),
        {"deceasedBoolean": True},
    ),
    (
        "replace what has an extension",
        operation("replace", "Patient.birthDate", {"valueDate": "2015"}),
        {"birthDate": "2015", "_birthDate": None},
    ),
    (
        "move",
        operation("move", "Patient.name[0].given", source=1, destination=0),
        {
            "name": [
                {"use": "official", "given": ["Maria", "Ana"], "_given": [{"id": "x"}, None]},
                PATIENT["name"][1],
            ]
        },
    ),
]  # fmt: skip


@pytest.mark.parametrize(("operation_", "changed"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_an_operation_changes_what_it_names_and_nothing_else(
    operation_: dict[str, Any], changed: dict[str, Any]
) -> None:
    expected = {k: v for k, v in {**PATIENT, **changed}.items() if v is not None}
    assert after(operation_) == expected


def test_operations_build_on_each_other() -> None:
    found = after(
        operation("delete", "Patient.name[0]"),
        operation("add", "Patient.name[0]", text("Ana"), name="given"),
        operation("add", "Patient.name[0]", text("Luz"), name="given"),
        operation("move", "Patient.name[0].given", source=1, destination=0),
    )
    assert found["name"] == [{"family": "Usual", "given": ["Luz", "Ana"]}]


BAD: list[tuple[Any, str]] = [
    (operation("add", "Patient", {"valueDate": "2014"}, name="birthDate"), "name"),
    (operation("add", "Patient", {"valueDate": "2014"}, name="nickname"), "name"),
    (operation("add", "Patient.name", text("x"), name="family"), "path"),
    (operation("add", "Patient.name.where(use='x')", text("x"), name="family"), "path"),
    (operation("add", "Patient", {"valueQuantity": {}}, name="multipleBirth"), "value"),
    (operation("add", "Patient", name="gender"), "value"),
    (operation("insert", "Patient.name", {"valueHumanName": {}}, index=3), "index"),
    (operation("insert", "Patient.birthDate", text("x"), index=0), "path"),
    (operation("delete", "Patient.identifier"), "path"),
    (operation("delete", "Patient"), "path"),
    (operation("delete", "Patient.nickname"), "path"),
    (operation("delete", "Encounter.status"), "path"),
    (operation("delete", "Patient.name.select(given)"), "path"),
    (operation("delete", "Patient.name.where(given.exists())"), "path"),
    (operation("delete", "Patient.name.where(use='x"), "path"),
    (operation("delete", "Patient" + ".name" * 400), "path"),
    (operation("replace", "Patient.gender", {"valueCode": "male"}), "path"),
    (operation("replace", "Patient.identifier", {"valueIdentifier": {}}), "path"),
    (operation("move", "Patient.name", source=0, destination=2), "destination"),
    (operation("move", "Patient.contact", source=0, destination=0), "source"),
    (operation("copy", "Patient.name"), "type"),
    ({"name": "operation"}, "type"),
]


@pytest.mark.parametrize(("operation_", "part"), BAD)
def test_what_cannot_be_done_is_refused_with_the_part_that_is_to_blame(operation_: Any, part: str) -> None:
    with pytest.raises(HallpassError) as refused:
        after(operation("add", "Patient", {"valueCode": "female"}, name="gender"), operation_) if (
            part != "path" or "gender" not in str(operation_)
        ) else after(operation("delete", "Patient.active"), operation_)
    assert refused.value.kind is Kind.UNPROCESSABLE
    assert refused.value.issues[0].expression == f"Parameters.parameter[1].part.where(name='{part}')"


@pytest.mark.parametrize("parameters", [{}, {"parameter": []}, {"parameter": [1]}, {"parameter": [{"name": "x"}]}])
def test_a_patch_is_a_list_of_operations(parameters: dict[str, Any]) -> None:
    with pytest.raises(HallpassError):
        fhirpath_patch.patched(deepcopy(PATIENT), parameters)


def json_after(*operations: Any, most: int = 10_000) -> dict[str, Any]:
    """The Patient after a JSON Patch."""
    return json_patch.patched(deepcopy(PATIENT), list(operations), most)


def test_json_patch_does_what_its_specification_says() -> None:
    found = json_after(
        {"op": "test", "path": "/active", "value": True},
        {"op": "replace", "path": "/active", "value": False},
        {"op": "add", "path": "/identifier/-", "value": {"value": "3"}},
        {"op": "remove", "path": "/name/1"},
        {"op": "move", "from": "/identifier/0", "path": "/identifier/2"},
        {"op": "copy", "from": "/birthDate", "path": "/name/0/family"},
    )
    assert found["active"] is False
    assert [i["value"] for i in found["identifier"]] == ["2", "3", "1"]
    assert [n["family"] for n in found["name"]] == ["2014-05-02"]


JSON_BAD: list[Any] = [
    {"op": "test", "path": "/birthDate", "value": "secret"},
    {"op": "remove", "path": "/nothing"},
    {"op": "replace", "path": "/name/9", "value": 1},
    {"op": "add", "path": "name", "value": 1},
    {"op": "add", "path": "/name"},
    {"op": "copy", "path": "/name"},
    {"op": "copy", "from": 1, "path": "/name"},
    {"op": "erase", "path": "/name"},
    {"op": 1, "path": "/name"},
    {"path": "/name"},
    {},
    1,
    None,
    "x",
]


@pytest.mark.parametrize("operation_", JSON_BAD)
def test_a_json_patch_that_fails_says_which_operation_and_no_value(operation_: Any) -> None:
    with pytest.raises(HallpassError) as refused:
        json_after({"op": "remove", "path": "/active"}, operation_)
    assert refused.value.kind is Kind.UNPROCESSABLE
    assert refused.value.issues[0].expression == "[1]"
    assert "2014-05-02" not in str(refused.value)
    assert "secret" not in str(refused.value)


def test_copies_of_copies_come_to_an_end() -> None:
    grow = [{"op": "copy", "from": "/name", "path": "/name/0/x"}] * 60
    with pytest.raises(HallpassError, match="copies more"):
        json_after(*grow)
    with pytest.raises(HallpassError):
        json_after(*[{"op": "copy", "from": "", "path": "/x"}] * 300, most=10**9)
    with pytest.raises(HallpassError, match="at most"):
        json_after(*[{"op": "test", "path": "/active", "value": True}] * 1001)


@pytest.mark.parametrize("body", [b"{}", b"1", b'[],"x":1', b"[", b"", b"null"])
def test_a_json_patch_is_an_array(body: bytes) -> None:
    with pytest.raises(HallpassError):
        json_patch.read(body)
    assert json_patch.read(b'[{"op":"remove","path":"/a"}]') == [{"op": "remove", "path": "/a"}]

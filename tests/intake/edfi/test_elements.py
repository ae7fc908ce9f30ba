"""Parts of Ed-Fi records as FHIR data types. https://hl7.org/fhir/R4/datatypes.html"""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import HallpassError
from app.intake.edfi import elements
from app.intake.edfi.codes import LANGUAGE_TAG


def descriptor(name: str, code: str) -> str:
    return f"uri://ed-fi.org/{name}Descriptor#{code}"


def test_a_name_becomes_official_and_a_preferred_one_usual() -> None:
    """Given names, family, prefix and suffix are official; a preferred part replaces its part in the usual name."""
    name = {
        "PersonalTitlePrefix": ["Ms"],
        "FirstName": ["Lisa"],
        "MiddleName": ["Sybil"],
        "LastSurname": ["Woods"],
        "GenerationCodeSuffix": ["II"],
        "PreferredFirstName": ["Lisarae"],
    }
    assert elements.names({"Name": [name]}) == [
        {"use": "official", "family": "Woods", "given": ["Lisa", "Sybil"], "prefix": ["Ms"], "suffix": ["II"]},
        {"use": "usual", "family": "Woods", "given": ["Lisarae"]},
    ]


@pytest.mark.parametrize(
    ("kind", "use"),
    [("Nickname", "nickname"), ("Previous Legal Name", "old"), ("Alias", "usual"), ("Other Name", "usual")],
)
def test_another_name_has_the_use_of_its_type(kind: str, use: str) -> None:
    """OtherNameTypeDescriptor decides the use of a further name."""
    other = {"FirstName": ["A"], "LastSurname": ["B"], "OtherNameType": [descriptor("OtherNameType", kind)]}
    person = {"Name": [{"FirstName": ["C"], "LastSurname": ["D"]}], "OtherName": [other]}
    assert elements.names(person)[1] == {"use": use, "family": "B", "given": ["A"]}


@pytest.mark.parametrize("missing", ["FirstName", "LastSurname"])
def test_a_person_without_a_name_is_refused_at_its_element(missing: str) -> None:
    """The issue names the element and holds no value."""
    name = {"FirstName": ["Zebedee"], "LastSurname": ["Zebedee"]}
    with pytest.raises(HallpassError) as refused:
        elements.names({"Name": [{k: v for k, v in name.items() if k != missing}]})
    assert refused.value.issues[0].expression == f"Name.{missing}"
    assert "Zebedee" not in str(refused.value)


@pytest.mark.parametrize(("text", "date"), [("2014-11-13", "2014-11-13"), ("2014-11-13Z", "2014-11-13")])
def test_a_date_is_a_fhir_date_without_its_zone(text: str, date: str) -> None:
    """An xs:date may have a zone, which a FHIR date has not."""
    assert elements.day({"BeginDate": [text]}, "BeginDate") == date


@pytest.mark.parametrize("text", ["13/11/2014", "2014-02-30", "2014", "2014-11-13T00:00:00", "0000-01-01", "x"])
def test_what_is_not_a_date_is_refused(text: str) -> None:
    """A date that cannot be is an error at its element."""
    with pytest.raises(HallpassError) as refused:
        elements.day({"BeginDate": [text]}, "BeginDate")
    assert refused.value.issues[0].expression == "BeginDate"


@pytest.mark.parametrize(("text", "value"), [("true", True), ("1", True), ("false", False), ("0", False)])
def test_a_flag_is_true_false_or_absent(text: str, value: bool) -> None:
    """The four spellings of xs:boolean; absent is None, which is neither."""
    assert elements.boolean({"LivesWith": [text]}, "LivesWith") is value
    assert elements.boolean({}, "LivesWith") is None


@pytest.mark.parametrize("text", ["TRUE", "yes", "2", "Y"])
def test_a_flag_that_is_neither_is_refused(text: str) -> None:
    """A flag that cannot be read is not guessed."""
    with pytest.raises(HallpassError, match="true or false"):
        elements.boolean({"LivesWith": [text]}, "LivesWith")


def test_an_address_has_its_lines_county_and_period() -> None:
    """Street, building and apartment are lines, the county is the district."""
    address = {
        "StreetNumberName": ["263 New Street"],
        "ApartmentRoomSuiteNumber": ["4B"],
        "City": ["Grand Bend"],
        "StateAbbreviation": [descriptor("StateAbbreviation", "TX")],
        "PostalCode": ["78834"],
        "NameOfCounty": ["WILLISTON"],
        "Period": [{"BeginDate": ["2001-04-20"]}],
        "AddressType": [descriptor("AddressType", "Home")],
    }
    assert elements.addresses({"Address": [address]}) == [
        {
            "use": "home",
            "line": ["263 New Street", "4B"],
            "city": "Grand Bend",
            "district": "WILLISTON",
            "state": "TX",
            "postalCode": "78834",
            "period": {"start": "2001-04-20"},
        }
    ]


def test_a_period_that_ends_before_it_begins_is_refused() -> None:
    """Period has the invariant per-1."""
    address = {"City": ["A"], "Period": [{"BeginDate": ["2024-02-01"], "EndDate": ["2024-01-31"]}]}
    with pytest.raises(HallpassError, match="ends before it begins"):
        elements.addresses({"Address": [address]})


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("Home", {"use": "home"}),
        ("Work", {"use": "work"}),
        ("Temporary", {"use": "temp"}),
        ("Billing", {"use": "billing"}),
        ("Mailing", {"type": "postal"}),
        ("Physical", {"type": "physical"}),
        ("Shelter, Transitional housing, Awaiting Foster", {}),
        ("Unsheltered", {}),
        ("Doubled - up (i.e., living with another family)", {}),
    ],
)
def test_an_address_type_says_the_use_and_never_that_a_family_is_homeless(kind: str, expected: dict[str, str]) -> None:
    """The types that tell of homelessness leave no trace."""
    address = {"City": ["Grand Bend"], "AddressType": [descriptor("AddressType", kind)]}
    assert elements.addresses({"Address": [address]}) == [{**expected, "city": "Grand Bend"}]


@pytest.mark.parametrize("flag", ["true", "1"])
def test_what_is_not_to_be_published_is_left_out(flag: str) -> None:
    """An address, telephone or e-mail with DoNotPublishIndicator goes nowhere."""
    hidden = {"DoNotPublishIndicator": [flag]}
    record: dict[str, Any] = {
        "Address": [{"City": ["A"], **hidden}],
        "Telephone": [{"TelephoneNumber": ["1"], **hidden}],
        "ElectronicMail": [{"ElectronicMailAddress": ["a@example.org"], **hidden}],
    }
    assert elements.addresses(record) == []
    assert elements.telecom(record) == []


def test_telephones_and_mail_become_contact_points() -> None:
    """Telephones first, with system, use and rank, then e-mail."""
    record = {
        "ElectronicMail": [
            {
                "ElectronicMailAddress": ["a@example.org"],
                "ElectronicMailType": [descriptor("ElectronicMailType", "Home/Personal")],
            }
        ],
        "Telephone": [
            {
                "TelephoneNumber": ["(950) 1"],
                "TelephoneNumberType": [descriptor("TelephoneNumberType", "Mobile")],
                "OrderOfPriority": ["1"],
            },
            {"TelephoneNumber": ["(950) 2"], "TelephoneNumberType": [descriptor("TelephoneNumberType", "Fax")]},
            {"TelephoneNumber": ["(950) 3"], "OrderOfPriority": ["0"]},
        ],
    }
    assert elements.telecom(record) == [
        {"system": "phone", "value": "(950) 1", "use": "mobile", "rank": 1},
        {"system": "fax", "value": "(950) 2"},
        {"system": "phone", "value": "(950) 3"},
        {"system": "email", "value": "a@example.org", "use": "home"},
    ]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("spa", {"coding": [{"system": "urn:ietf:bcp:47", "code": "es"}]}),
        ("hmn", {"coding": [{"system": "urn:ietf:bcp:47", "code": "hmn"}]}),
        ("Spanish", {"text": "Spanish"}),
    ],
)
def test_a_language_is_a_bcp_47_tag(code: str, expected: dict[str, Any]) -> None:
    """Two letters where a language has them, three where not, text where the descriptor is not of ISO 639."""
    languages = [{"Language": [descriptor("Language", code)]}] * 2
    assert elements.communication({"Language": languages}) == [{"language": expected}]


def test_an_unknown_language_is_none() -> None:
    """`und` and its like say nothing, so nothing is sent."""
    assert elements.communication({"Language": [{"Language": [descriptor("Language", "und")]}]}) == []


def test_language_tags_are_three_letters_to_two() -> None:
    """The table is well-formed: a two-letter tag for each three-letter code."""
    assert all(len(k) == 3 and len(v) == 2 for k, v in LANGUAGE_TAG.items())
    assert len(set(LANGUAGE_TAG.values())) > 170


@pytest.mark.parametrize(
    ("sex", "gender"),
    [("Female", "female"), ("Male", "male"), ("Non-binary", "other"), ("Not Selected", "unknown"), ("Else", None)],
)
def test_sex_becomes_gender(sex: str, gender: str | None) -> None:
    """SexDescriptor to administrative-gender; what the table does not know is left out."""
    assert elements.gender({"Sex": [descriptor("Sex", sex)]}) == gender
    assert elements.gender({}) is None

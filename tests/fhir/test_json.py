"""Strict JSON in and out. https://hl7.org/fhir/R4/json.html"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import HallpassError, Issue, Kind
from app.fhir.json import MAX_DEPTH, canonical, dump, parse

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="".join(map(chr, range(32)))))
DECIMALS = st.builds(
    lambda digits, exponent: Decimal((0, digits, exponent)), st.tuples(st.integers(1, 9)), st.integers(-99, 99)
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | DECIMALS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)
OBJECTS = st.dictionaries(TEXT, VALUES, max_size=5)


def refused(body: bytes) -> Issue:
    """The one issue that `body` is refused with."""
    with pytest.raises(HallpassError) as caught:
        parse(body)
    assert caught.value.kind is Kind.MALFORMED
    (issue,) = caught.value.issues
    return issue


@given(OBJECTS)
def test_what_is_dumped_parses_to_the_same(value: dict[str, Any]) -> None:
    assert parse(dump(value)) == value
    assert parse(dump(value, pretty=True)) == value


@given(OBJECTS)
def test_decimals_keep_every_digit(value: dict[str, Any]) -> None:
    assert dump(parse(dump(value))) == dump(value)


@given(st.from_regex(r"-?(0|[1-9][0-9]{0,5})\.[0-9]{1,6}", fullmatch=True))
def test_a_decimal_with_a_fraction_keeps_its_precision(text: str) -> None:
    number = parse(f'{{"value": {text}}}'.encode())["value"]
    assert number.as_tuple() == Decimal(text).as_tuple()
    assert number.as_tuple() == parse(dump({"value": number}))["value"].as_tuple()


@given(
    st.binary(max_size=60)
    | OBJECTS.map(dump).flatmap(lambda b: st.integers(0, len(b)).map(lambda n: b[:n] + b[n + 1 :]))
)
def test_any_body_is_parsed_or_refused_as_malformed(body: bytes) -> None:
    try:
        value = parse(body)
    except HallpassError as e:
        kind = e.kind
    else:
        assert json.loads(body.removeprefix(b"\xef\xbb\xbf")).keys() == value.keys()
        kind = Kind.MALFORMED
    assert kind is Kind.MALFORMED


@pytest.mark.parametrize(
    "spelling", ["1.00", "0.10", "-0.0", "1.0E+2", "12345678901234567890.12", "1E-7", "9223372036854775807"]
)
def test_a_number_keeps_its_spelling(spelling: str) -> None:
    assert dump(parse(b'{"value":' + spelling.encode() + b"}")) == b'{"value":' + spelling.encode() + b"}"


@pytest.mark.parametrize(
    ("spelling", "written"), [("1.0e2", "1.0E+2"), ("0.00000010", "1.0E-7"), ("100e-2", "1.00"), ("-0", "0")]
)
def test_the_spelling_of_an_exponent_is_not_kept(spelling: str, written: str) -> None:
    assert dump(parse(b'{"value":' + spelling.encode() + b"}")) == b'{"value":' + written.encode() + b"}"


def test_a_byte_order_mark_is_tolerated() -> None:
    assert parse(b'\xef\xbb\xbf{"a":1}') == {"a": 1}


def test_a_body_that_is_not_utf8_is_refused_with_its_byte() -> None:
    assert refused(b'{"a":"\xff"}').text == "The body is not UTF-8: byte 6."


def test_a_surrogate_encoded_as_utf8_is_refused() -> None:
    refused(b'{"a":"\xed\xa0\x80"}')


@pytest.mark.parametrize(
    "body", [b"", b"{", b"{'a':1}", b'{"a":1,}', b'{"a":01}', b'{"a":1} {}', b'{"a":.5}', b"{a:1}", b'{"a":"\n"}']
)
def test_what_is_not_json_is_refused_with_line_and_column(body: bytes) -> None:
    assert "line" in refused(body).text


@pytest.mark.parametrize("body", [b"[]", b'"a"', b"1", b"1.5", b"null", b'[{"resourceType":"Patient"}]'])
def test_a_body_that_is_not_an_object_is_refused(body: bytes) -> None:
    assert refused(body).text == "The body is not a JSON object."


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b'{"a":1,"a":1}', "a"),
        (b'{"b":1,"a":1,"a":1}', "a"),
        (b'{"name":[{"given":["x"]},{"family":"y","family":"z"}]}', "name[1].family"),
        (b'{"a":{"b":1,"b":2},"a":3}', "a"),
        (b'{"Jane Doe":1,"Jane Doe":2}', "?"),
    ],
)
def test_a_repeated_key_is_refused_with_its_path(body: bytes, path: str) -> None:
    assert refused(body).expression == path


@pytest.mark.parametrize(
    "number",
    [
        "NaN",
        "Infinity",
        "-Infinity",
        "9223372036854775808",
        "-9223372036854775809",
        "1" * 5000,
        "1e101",
        "1E-101",
        "0." + "1" * 40,
    ],
)
def test_a_number_that_no_type_can_hold_is_refused_with_its_path(number: str) -> None:
    issue = refused(b'{"a":[0,' + number.encode() + b"]}")
    assert issue.expression == "a[1]"
    assert number not in issue.text


def test_a_refused_body_that_is_a_number_has_no_path() -> None:
    assert refused(b"NaN").expression is None


@pytest.mark.parametrize("number", ["1e100", "1E-100", "0." + "1" * 38])
def test_the_largest_numbers_are_parsed(number: str) -> None:
    assert parse(b'{"a":' + number.encode() + b"}")["a"] == Decimal(number)


@pytest.mark.parametrize(
    "escape", [r"\u0000", r"\u0008", r"\u000b", r"\u000C", r"\u001f", r"\u001F", r"\b", r"\f", r"\\\u0001"]
)
def test_an_escaped_control_character_is_refused(escape: str) -> None:
    assert "control character" in refused(b'{"a":"' + escape.encode() + b'"}').text


@pytest.mark.parametrize(
    ("escape", "text"),
    [(r"\t\n\r", "\t\n\r"), (r"\u0009\u000a\u000D", "\t\n\r"), (r"\\u0000", "\\u0000"), (r"\\b", "\\b")],
)
def test_white_space_and_escaped_backslashes_are_allowed(escape: str, text: str) -> None:
    assert parse(b'{"a":"' + escape.encode() + b'"}') == {"a": text}


@pytest.mark.parametrize(
    "escape", [r"\ud800", r"\uDFFF", r"\udc00\ud800", r"\ud83d\ud83d\ude00", r"\ud83d\\ude00", r"\ud83d\ude00\ude00"]
)
def test_half_a_surrogate_pair_is_refused(escape: str) -> None:
    assert "surrogate" in refused(b'{"a":"' + escape.encode() + b'"}').text


def test_a_surrogate_pair_is_one_character() -> None:
    assert parse(rb'{"a":"\ud83d\ude00"}') == {"a": "\U0001f600"}


@pytest.mark.parametrize("opening", [b'{"a":', b"[", b'{"a":["\\"",'])
def test_ten_thousand_levels_are_refused_at_once(opening: bytes) -> None:
    started = time.process_time()
    assert "nested deeper" in refused(opening * 10_000).text
    assert time.process_time() - started < 1


def test_the_depth_limit_counts_objects_and_arrays_outside_strings() -> None:
    def nested(levels: int) -> bytes:
        return b'{"a":' + b"[" * (levels - 1) + b'"[{\\"[{"' + b"]" * (levels - 1) + b"}"

    assert parse(nested(MAX_DEPTH))
    assert "nested deeper" in refused(nested(MAX_DEPTH + 1)).text


def test_no_refusal_shows_a_value() -> None:
    for body in (
        b'{"name":"Rivera","name":"Rivera"}',
        b'{"name":"Rivera"',
        b'{"name":"Rivera\\u0000"}',
        b'{"Rivera":NaN',
    ):
        issue = refused(body)
        assert "Rivera" not in f"{issue.text}{issue.expression or ''}"


def test_the_dump_is_compact_utf8_or_indented() -> None:
    value = {"a": ["é", Decimal("1.50")]}
    assert dump(value) == '{"a":["é",1.50]}'.encode()
    assert dump(value, pretty=True) == '{\n  "a": [\n    "é",\n    1.50\n  ]\n}'.encode()


@pytest.mark.parametrize(
    "value", [Decimal("NaN"), Decimal("Infinity"), datetime(2024, 1, 1, tzinfo=UTC), {1, 2}, Issue("x"), object()]
)
def test_what_has_no_one_form_in_fhir_json_is_not_dumped(value: object) -> None:
    with pytest.raises(TypeError):
        dump({"a": value})


@given(OBJECTS)
def test_the_canonical_form_does_not_depend_on_the_order_of_keys(value: dict[str, Any]) -> None:
    value.pop("meta", None)
    assert canonical(dict(reversed(value.items()))) == canonical(value)


def test_the_canonical_form_is_without_version_and_time() -> None:
    meta = {"versionId": "3", "lastUpdated": "2024-01-01T00:00:00.000Z"}
    assert canonical({"id": "a", "meta": meta}) == canonical({"id": "a"}) == canonical({"meta": {}, "id": "a"})
    assert canonical({"meta": {**meta, "source": "#x"}}) == b'{"meta":{"source":"#x"}}'


def test_the_canonical_form_tells_content_apart() -> None:
    resources = [
        {"a": [1, 2]},
        {"a": [2, 1]},
        {"a": Decimal("1.0")},
        {"a": Decimal("1.00")},
        {"a": "1"},
        {"meta": {"tag": [{}]}},
    ]
    assert len({canonical(r) for r in resources}) == len(resources)


def test_the_canonical_form_leaves_the_resource_as_it_was() -> None:
    resource = {"meta": {"versionId": "3"}}
    canonical(resource)
    assert resource == {"meta": {"versionId": "3"}}

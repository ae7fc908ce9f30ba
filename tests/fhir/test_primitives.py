"""Values of the primitive types. https://hl7.org/fhir/R4/datatypes.html#primitive"""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest

from app.fhir.validation.primitives import CHECKS, MAX_STRING

GOOD: dict[str, list[Any]] = {
    "base64Binary": ["QQ==", "QUJD", "QU JD\n", "+/+/"],
    "boolean": [True, False],
    "canonical": ["http://example.org/q|1.0", "#x"],
    "code": ["a", "a b", "en-US", "<="],
    "date": ["2024", "2024-02", "2024-02-29", "0001-01-01", "9999-12-31"],
    "dateTime": ["2024", "2024-02-29", "2024-02-29T10:00:00Z", "2016-12-31T23:59:60.123+14:00"],
    "decimal": [Decimal("1.00"), 0, -1, 1.5],
    "id": ["a", "A-1.b", "x" * 64],
    "instant": ["2024-02-29T10:00:00Z", "2024-02-29T10:00:00.123456789-13:59"],
    "integer": [0, -(2**31), 2**31 - 1],
    "language": ["en", "en-US", "zh-Hant-TW", "x-a1"],
    "markdown": ["a *b*\n"],
    "oid": ["urn:oid:1.2.840", "urn:oid:2.0"],
    "positiveInt": [1, 2**31 - 1],
    "string": ["a", " ", "a\tb\r\nc", "\u00e9\u2028x", "\U0001f600"],
    "time": ["00:00:00", "23:59:60", "10:00:00.5"],
    "unsignedInt": [0, 2**31 - 1],
    "uri": ["urn:uuid:x", "a/b?c=d#e"],
    "url": ["https://example.org", "Binary/1"],
    "uuid": ["urn:uuid:c757873d-ec9a-1326-a141-556f43239520"],
    "xhtml": ['<div xmlns="http://www.w3.org/1999/xhtml">x</div>'],
}
BAD: dict[str, list[Any]] = {
    "base64Binary": ["", "A", "QQ=", "Q=Q=", "QQ= Q", "Q!==", "Q===" + "A", 1],
    "boolean": ["true", 1, 0, None],
    "canonical": ["a b", "", 1],
    "code": ["", " a", "a ", "a  b", "a\n", "a\tb", "a\u00a0b", "a\u2003b", 1],
    "date": ["", "24", "0000", "2024-13", "2024-2-1", "2024-02-30", "2023-02-29", "2024-04-31",
        "2024-01-01T00:00:00Z", 2024],
    "dateTime": ["2024-02-29T10:00:00", "2024-02-29T10:00Z", "2023-02-29T10:00:00Z", "2024-02-29T24:00:00Z",
        "2024-01-01 ", 1],
    "decimal": ["1.0", True, None, []],
    "id": ["", "a_b", "x" * 65, "a/b", "a\n", 1],
    "instant": ["2024-02-29", "2024-02-30T10:00:00Z", "2024-02-29T10:00:00", 1],
    "integer": ["1", Decimal("1.0"), 1.0, True, 2**31, -(2**31) - 1],
    "language": ["", "en_US", "en-", "-en", "english-us ", "e n", "en;q=1", "\u00e9n", "a" * 9, 1],
    "markdown": ["", 1],
    "oid": ["1.2.3", "urn:oid:3.1", "urn:oid:1.02", 1],
    "positiveInt": [0, -1, 2**31, "1"],
    "string": ["", 1, None, "a\x00", "\x1f", "\ud800", "x" * (MAX_STRING + 1)],
    "time": ["24:00:00", "10:00", "10:00:00Z", 1],
    "unsignedInt": [-1, 2**31],
    "uri": ["", "a b", "a\n", 1],
    "url": ["", "a b", 1],
    "uuid": ["c757873d-ec9a-1326-a141-556f43239520", "urn:uuid:C757873D-EC9A-1326-A141-556F43239520", 1],
    "xhtml": ["<p/>", 1],
}  # fmt: skip


def cases(table: dict[str, list[Any]]) -> list[tuple[str, Any]]:
    return [(name, value) for name, values in table.items() for value in values]


@pytest.mark.parametrize(("name", "value"), cases(GOOD))
def test_a_value_of_the_type_is_accepted(name: str, value: Any) -> None:
    assert CHECKS[name](value) is None


@pytest.mark.parametrize(("name", "value"), cases(BAD))
def test_a_value_that_is_not_of_the_type_is_refused(name: str, value: Any) -> None:
    assert CHECKS[name](value)


def test_every_primitive_type_has_cases() -> None:
    assert GOOD.keys() == BAD.keys() == CHECKS.keys()


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_no_check_takes_long_over_a_hostile_value(name: str) -> None:
    started = time.process_time()
    for unit in ("a ", " ", "=", "= ", "1.", "urn:oid:1.1", "QUJD  ", "0"):
        CHECKS[name](unit * 50_000 + "!")
    assert time.process_time() - started < 1

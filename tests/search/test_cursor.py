"""Where a page ends. https://hl7.org/fhir/R4/http.html#paging"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.search.cursor import Cursor, SortValue, unpack
from tests.search.support import ID, search

MOMENTS = st.datetimes(timezones=st.just(UTC))


@given(MOMENTS, st.uuids(), st.booleans())
def test_a_cursor_of_the_default_order_packs(updated: datetime, id_: UUID, back: bool) -> None:
    """The moment, to the microsecond, the id and the direction come back."""
    cursor = Cursor((updated,), id_, back)
    assert unpack(cursor.pack(), search("Patient", "")) == cursor


@given(
    st.text() | st.none(),
    MOMENTS | st.none(),
    st.decimals(allow_nan=False) | st.none(),
    st.uuids(),
    st.uuids(),
)
def test_a_cursor_of_any_order_packs(
    text: SortValue, moment: SortValue, number: SortValue, own: SortValue, id_: UUID
) -> None:
    """Each sort value comes back in its type, absent ones as None."""
    found = search("Encounter", "_sort=status,-date,length,_id,_lastUpdated")
    cursor = Cursor((text, moment, number, own, moment), id_, True)
    assert unpack(cursor.pack(), found) == cursor


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", "null", "[[], \"x\", false]", f'[["2024"],"{ID}",0]', f'[["x"],"{ID}",false]',
        f'[["2024-01-01T00:00:00+00:00"],"{ID}",false,1]', '[["2024-01-01T00:00:00+00:00"],"x",false]',
    ],
)  # fmt: skip
def test_what_pack_did_not_write_is_refused(text: str) -> None:
    """A cursor of another shape is a ValueError, whatever it is."""
    with pytest.raises(ValueError):  # noqa: PT011 - JSON, dates and UUIDs say it in their own words
        unpack(text, search("Patient", ""))


@pytest.mark.parametrize("value", ['"x"', "1", "true", "[]", "{}"])
@pytest.mark.parametrize("sort", ["status", "date", "_id", "length"])
def test_a_value_of_another_kind_is_refused(sort: str, value: str) -> None:
    """Each sort value has to read as what its parameter is sorted by; any text is one of a token."""
    if (sort, value) in (("status", '"x"'), ("length", "1"), ("length", "true")):
        return
    with pytest.raises(ValueError):  # noqa: PT011
        unpack(f'[[{value}],"{ID}",false]', search("Encounter", f"_sort={sort}"))


def test_a_cursor_of_another_order_is_refused() -> None:
    """The number of keys has to be that of the search."""
    cursor = Cursor((Decimal(1), "a"), UUID(ID), False)
    with pytest.raises(ValueError, match="not a cursor"):
        unpack(cursor.pack(), search("Encounter", "_sort=length"))

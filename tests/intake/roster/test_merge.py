"""Whose word counts, as a property: any sequence of changes and imports. docs/whose-word-counts.md"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.consent.codes import GUARDIAN_AUTHORITY
from app.intake.roster.merge import AUTHORITY, RESTRICTED, VANISHED, Merged, closed, merge, unchanged
from app.intake.roster.units import Json, Units, digest, join, split
from tests.intake.roster import table

PATIENT = {"reference": "Patient/p"}
VALUES: dict[str, list[Any]] = {
    "active": [True, False],
    AUTHORITY: [None, *([{"url": GUARDIAN_AUTHORITY, "valueBoolean": v}] for v in (True, False))],
    "period": [None, {"start": "2020-01-01"}, {"end": "2024-06-30"}, {"end": "2025-06-30"}],
    "relationship:m": [None, [{"coding": [{"code": "MTH"}]}]],
    "name:official": [[{"use": "official", "family": f}] for f in ("A", "B", "C")],
    "telecom:phone ": [None, [{"system": "phone", "value": "1"}], [{"system": "phone", "value": "2"}]],
}
OPENING = ("active", AUTHORITY, "period")


@dataclass
class Record:
    """A record at the exchange as units, with what the import noted, and what a person holds closed."""

    units: Units = field(default_factory=dict)
    wrote: dict[str, str] | None = None
    shut: set[str] = field(default_factory=set)
    touched: set[str] = field(default_factory=set)

    def person(self, key: str, value: Any) -> None:
        """A person sets a unit over the API, or takes it away."""
        if digest(self.units.get(key)) == digest(value):
            return
        _set(self.units, key, value)
        self.touched.add(key)
        if closed(key, value):
            self.shut.add(key)
        else:
            self.shut.discard(key)

    def take_in(self, source: Units, *, partial: bool = False) -> Merged:
        """An import."""
        wrote = self.wrote or {}
        back = {k for k in self.touched if digest(self.units.get(k)) == wrote.get(digest(k), "")}
        done = merge(self.wrote, source, self.units, partial=partial, touched=back)
        self.touched.clear()
        for key, value in done.changes.items():
            _set(self.units, key, value)
        self.wrote = done.wrote
        return done


def _set(units: Units, key: str, value: Any) -> None:
    if value is None:
        units.pop(key, None)
    else:
        units[key] = value


UNIT = st.sampled_from(sorted(VALUES)).flatmap(lambda k: st.tuples(st.just(k), st.sampled_from(VALUES[k])))
STATED = st.fixed_dictionaries({k: st.sampled_from(v) for k, v in VALUES.items()})
STEP = st.one_of(
    st.tuples(st.just("person"), UNIT),
    st.tuples(st.just("import"), STATED),
    st.tuples(st.just("restricted"), STATED),
    st.tuples(st.just("gone"), st.none()),
    st.tuples(st.just("refused but restricted"), st.none()),
)


def source_of(kind: str, stated: dict[str, Any] | None) -> tuple[Units, bool]:
    """What a source says in a step, and whether the rest is unknown."""
    if kind == "gone":
        return {VANISHED: True}, True
    if kind == "refused but restricted":
        return {RESTRICTED: True}, True
    found = {k: v for k, v in (stated or {}).items() if v is not None} | {"patient": PATIENT}
    if kind == "restricted":
        found |= {RESTRICTED: True, AUTHORITY: [{"url": GUARDIAN_AUTHORITY, "valueBoolean": False}]}
    return found, False


@settings(max_examples=1000, deadline=None)
@given(STATED, st.lists(STEP, max_size=12))
def test_no_import_opens_what_a_person_closed_and_each_unit_ends_as_the_table_says(
    first: dict[str, Any], steps: list[tuple[str, Any]]
) -> None:
    source, _ = source_of("import", first)
    record = Record(dict(source), {digest(k): digest(v) for k, v in source.items()})
    for kind, what in steps:
        if kind == "person":
            record.person(*what)
            continue
        source, partial = source_of(kind, what)
        before, wrote = dict(record.units), dict(record.wrote or {})
        done = record.take_in(source, partial=partial)
        for key in record.units.keys() | before.keys():
            _as_the_table_says(key, source, before.get(key), record.units.get(key), wrote)
        for key in record.shut:
            assert closed(key, record.units.get(key)), key
        if RESTRICTED in source and digest(RESTRICTED) not in wrote:
            assert closed(AUTHORITY, record.units.get(AUTHORITY))
        if VANISHED in source and digest(VANISHED) not in wrote:
            assert closed("active", record.units["active"])
            assert closed(AUTHORITY, record.units.get(AUTHORITY))
        assert not set(done.kept) & done.changes.keys()
        assert record.take_in(source, partial=partial).changes == {}


def _as_the_table_says(key: str, source: Units, before: Any, after: Any, wrote: dict[str, str]) -> None:
    """A unit changes to what the source says, where the source changed its mind and no person decided; or it closes."""
    if digest(after) == digest(before):
        return
    taken = (RESTRICTED in source and key == AUTHORITY) or (VANISHED in source and key in ("active", AUTHORITY))
    assert digest(after) == digest(source.get(key)) or (taken and closed(key, after))
    if key in OPENING and closed(key, after) and (not closed(key, before) or key == "period"):
        return
    assert digest(before) == wrote.get(digest(key), ""), "a person decided, and the import wrote over it"


@settings(max_examples=300, deadline=None)
@given(st.lists(STATED, min_size=1, max_size=6))
def test_where_no_person_decides_the_exchange_is_what_the_source_says(statements: list[dict[str, Any]]) -> None:
    source, _ = source_of("import", statements[0])
    record = Record(dict(source), {digest(k): digest(v) for k, v in source.items()})
    for stated in statements[1:]:
        source, _ = source_of("import", stated)
        record.take_in(source)
        assert record.units == source
        assert unchanged(record.wrote or {}, source)


@settings(max_examples=300, deadline=None)
@given(STATED, STATED)
def test_a_record_that_this_source_never_wrote_is_not_opened(held: dict[str, Any], stated: dict[str, Any]) -> None:
    source, _ = source_of("import", stated)
    record = Record({k: v for k, v in held.items() if v is not None} | {"patient": PATIENT})
    before = dict(record.units)
    record.take_in(source)
    for key in ("active", AUTHORITY, "period", "relationship:m"):
        after = record.units.get(key)
        assert digest(after) == digest(before.get(key)) or closed(key, after)


def test_a_contact_that_comes_back_has_the_authority_that_the_source_states() -> None:
    source, _ = source_of("import", {"active": True, "relationship:m": [{"coding": [{"code": "MTH"}]}]})
    record = Record(dict(source), {digest(k): digest(v) for k, v in source.items()})
    record.take_in({VANISHED: True}, partial=True)
    assert record.units["active"] is False
    record.take_in(source)
    assert record.units == source


def test_a_mark_that_a_person_gave_is_lost_when_the_contact_goes_and_does_not_come_back() -> None:
    no, yes = ([{"url": GUARDIAN_AUTHORITY, "valueBoolean": v}] for v in (False, True))
    source: Units = {"active": True, AUTHORITY: no, "patient": PATIENT}
    record = Record(dict(source), {digest(k): digest(v) for k, v in source.items()})
    record.person(AUTHORITY, yes)
    assert record.take_in(source).changes == {}
    record.take_in({VANISHED: True}, partial=True)
    record.take_in(source)
    assert record.units == {"active": True, AUTHORITY: no, "patient": PATIENT}


@pytest.mark.parametrize(
    ("resource", "changes", "expected"),
    [
        (
            {"identifier": [{"system": "a", "value": "1"}, {"system": "b", "value": "2"}]},
            {"identifier:a|1": None, "identifier:c|3": [{"system": "c", "value": "3"}]},
            {"identifier": [{"system": "b", "value": "2"}, {"system": "c", "value": "3"}]},
        ),
        (
            {"name": [{"use": "official", "family": "A"}, {"use": "usual", "family": "B"}]},
            {"name:official": [{"use": "official", "family": "C"}]},
            {"name": [{"use": "official", "family": "C"}, {"use": "usual", "family": "B"}]},
        ),
        ({"gender": "male", "telecom": [{"system": "phone"}]}, {"gender": None, "telecom:phone ": None}, {}),
    ],
)
def test_a_change_leaves_what_it_does_not_name(resource: Json, changes: Units, expected: Json) -> None:
    assert join(resource, changes) == expected
    assert {k: v for k, v in split(expected).items() if k in changes} == {k: v for k, v in changes.items() if v}


MARKS = [True, False, None]
"""Of an authority; None where it is not said: by a source that does not tell, or a person who takes the mark out."""
VALUES_OF_A_CONTACT: dict[str, list[Any]] = {"active": [True, False], "authority": MARKS, "name": ["A", "B"]}
OF_A_CONTACT = st.fixed_dictionaries({"authority": st.sampled_from(MARKS), "name": st.sampled_from(["A", "B"])})
STEPS_OF_A_CONTACT = st.lists(
    st.one_of(
        st.tuples(
            st.just("person"),
            st.sampled_from(sorted(VALUES_OF_A_CONTACT)).flatmap(
                lambda k: st.tuples(st.just(k), st.sampled_from(VALUES_OF_A_CONTACT[k]))
            ),
        ),
        st.tuples(st.just("import"), OF_A_CONTACT),
        st.tuples(st.just("changes"), OF_A_CONTACT),
        st.tuples(st.just("restricted"), OF_A_CONTACT),
        st.tuples(st.just("gone"), st.none()),
    ),
    max_size=14,
)


def units_of(values: dict[str, Any]) -> Units:
    """A contact of the model as units."""
    said = values["authority"]
    mark = {} if said is None else {AUTHORITY: [{"url": GUARDIAN_AUTHORITY, "valueBoolean": said}]}
    name = [{"use": "official", "family": values["name"]}]
    return {"active": values["active"], **mark, "name:official": name, "patient": PATIENT}


@settings(max_examples=1500, deadline=None)
@given(OF_A_CONTACT, STEPS_OF_A_CONTACT)
def test_a_merge_is_what_the_table_says_where_only_later_versions_are_looked_at(
    first: dict[str, Any], steps: list[tuple[str, Any]]
) -> None:
    """The model of the table knows no digests and no versions; the product looks only at its own and what is after."""
    stated = {"active": True, **first}
    model = table.Record.new(stated)
    units, wrote = units_of(stated), {digest(k): digest(v) for k, v in units_of(stated).items()}
    since: list[Units] = []
    for kind, what in steps:
        if kind == "person":
            since.append(units)
            model = model.decided(*what)
            units = units_of(model.values())
            continue
        restricted, partial = kind == "restricted", kind in ("changes", "gone")
        source = {"active": True, **what} if what else None
        if source is not None:
            source["authority"] = False if restricted else source["authority"]
        given_units: Units = units_of(source) if source else {VANISHED: True}
        given_units |= {RESTRICTED: True} if restricted else {}
        looked = source is not None or digest(VANISHED) not in wrote
        if looked and not (source is not None and unchanged(wrote, given_units, partial=partial)):
            touched = {k for one in since for k in {*one, *units} if digest(one.get(k)) != digest(units.get(k))}
            done = merge(wrote, given_units, units, partial=partial, touched=touched)
            for key, value in done.changes.items():
                _set(units, key, value)
            wrote, since = done.wrote, []
        model = model.imported(source, restricted=restricted, partial=partial)
        assert units == units_of(model.values())

"""The witness's folder: what a full disk cut off is not read, and does not spoil what is written after it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from app.witness.folder import Folder, Head


def test_a_line_that_a_full_disk_cut_off_spoils_none_after_it(tmp_path: Path) -> None:
    folder, at = Folder(tmp_path), datetime(2026, 11, 29, 1, tzinfo=UTC)
    folder.add(Head(1, "a", at), [("client", {"id": "first"})])
    day = tmp_path / "2026-11-29.ndjson"
    day.write_bytes(day.read_bytes() + b'[2,"client",{"id":"sec')
    assert [line.row["id"] for line in folder.since(0)] == ["first"]
    folder.add(Head(2, "b", at), [("client", {"id": "second"})])
    assert [(line.n, line.row["id"]) for line in folder.since(0)] == [(1, "first"), (2, "second")]


def test_a_day_that_begins_with_a_line_cut_off_is_written_again(tmp_path: Path) -> None:
    folder, at = Folder(tmp_path), datetime(2026, 11, 29, 1, tzinfo=UTC)
    (tmp_path / "2026-11-29.ndjson").write_bytes(b"[1,")
    folder.add(Head(1, "a", at), [("client", {"id": "first"})])
    assert [line.row["id"] for line in folder.since(0)] == ["first"]

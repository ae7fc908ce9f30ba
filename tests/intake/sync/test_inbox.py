"""An inbox: what has come whole is taken once, oldest first, and nothing else. docs/guides/roster.md"""

from __future__ import annotations

import os
import time
import zipfile
from pathlib import Path

import pytest

from app.errors import HallpassError
from app.intake.sync.inbox import DONE, TAKEN, Inbox


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    """An inbox that does not wait."""
    found = Inbox(tmp_path, look_seconds=0)
    found.require()
    return found


def put(inbox: Inbox, name: str, *, age: float = 100, content: bytes | None = None) -> Path:
    """A file that was last written so long ago."""
    path = inbox.folder / name
    if content is None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("manifest.csv", "propertyName,value\n")
    else:
        path.write_bytes(content)
    os.utime(path, (time.time() - age,) * 2)
    return path


def taken(inbox: Inbox) -> list[str]:
    """The names of what is taken."""
    return [p.name for p in inbox.take()]


def test_what_has_come_is_taken_oldest_first(inbox: Inbox) -> None:
    put(inbox, "b.zip", age=100)
    put(inbox, "a.zip", age=50)
    put(inbox, "c.csv", age=200, content=b"a\n")
    assert taken(inbox) == ["c.csv", "b.zip", "a.zip"]
    assert sorted(p.name for p in (inbox.folder / TAKEN).iterdir()) == ["a.zip", "b.zip", "c.csv"]


def test_what_is_still_coming_is_left(inbox: Inbox) -> None:
    whole = put(inbox, "whole.zip")
    put(inbox, "young.zip", age=3)
    put(inbox, "cut.zip", content=whole.read_bytes()[:40])
    put(inbox, ".hidden.zip")
    put(inbox, "a.zip.filepart")
    put(inbox, "future.zip", age=-3)
    assert taken(inbox) == ["whole.zip"]


def test_a_file_that_grows_between_two_looks_is_left(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(inbox, "a.csv", content=b"a\n")

    def write(_: float) -> None:
        path.write_bytes(b"a\nb\n")
        os.utime(path, (time.time() - 100,) * 2)

    monkeypatch.setattr(time, "sleep", write)
    assert taken(inbox) == []


def test_a_link_or_a_folder_is_not_taken(inbox: Inbox, tmp_path: Path) -> None:
    outside = tmp_path.parent / "outside.csv"
    outside.write_text("secret\n")
    os.utime(outside, (time.time() - 100,) * 2)
    (inbox.folder / "link.csv").symlink_to(outside)
    (inbox.folder / "folder.zip").mkdir()
    assert taken(inbox) == []


def test_what_was_taken_when_the_worker_was_killed_is_taken_first(inbox: Inbox) -> None:
    put(inbox, "old.zip", age=500)
    assert next(iter(inbox.take())).name == "old.zip"
    put(inbox, "older.zip", age=900)
    assert taken(inbox) == ["old.zip", "older.zip"]


def test_two_files_of_one_name_are_kept_apart(inbox: Inbox) -> None:
    for _ in range(2):
        put(inbox, "a.zip")
        (path,) = inbox.take()
        inbox.put_away(path, DONE, {"status": 0})
    assert len(list((inbox.folder / DONE).glob("*.zip"))) == 2
    assert len(list((inbox.folder / DONE).glob("*.report.json"))) == 2


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(HallpassError, match="There is no directory"):
        Inbox(tmp_path / "none").require()

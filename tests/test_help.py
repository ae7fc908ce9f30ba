"""What help says is what was written: markup takes no word out of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from rich.text import Text

from app.cli import COMMANDS, load


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_every_word_of_a_command_and_of_its_options(command: str) -> None:
    for text in texts(load(command)):
        assert Text.from_markup(text).plain == text.replace("\\[", "["), "write \\[ for a bracket"


def texts(command: Any) -> Iterator[str]:
    """The help of a command, of its options and of the commands in it."""
    yield command.help or ""
    for option in command.params:
        yield getattr(option, "help", None) or ""
    for below in getattr(command, "commands", {}).values():
        yield from texts(below)

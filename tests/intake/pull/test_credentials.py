"""The file of credentials: three kinds, and no message that tells a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.errors import HallpassError
from app.intake.pull.credentials import Bearer, Credentials, OAuth1, OAuth2, parsed, read, written


@pytest.mark.parametrize(
    "credentials",
    [Bearer("t"), OAuth2("c", 's"\\\n', "https://sis.example/token", "a b"), OAuth2("c", "s"), OAuth1("k", "s")],
)
def test_credentials_are_read_as_they_are_written(credentials: Credentials, tmp_path: Path) -> None:
    path = tmp_path / "sis.toml"
    path.write_text(written(credentials))
    assert read(path) == credentials
    assert "secret=" not in repr(credentials)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hush", "is not TOML"),
        ("[basic]\nuser = 'hush'", "is of no known kind"),
        ("[bearer]\ntoken = 'hush'\n[oauth1]\nkey = 'hush'", "is of no known kind"),
        ("[oauth2]\nsecret = 'hush'", "client_id is missing"),
        ("[bearer]\ntoken = 'hush'\nuser = 'hush'", "user is unknown"),
        ("[bearer]\ntoken = 7", "each value is a text"),
        ("bearer = 'hush'", "each value is a text"),
    ],
)
def test_a_fault_is_told_without_the_secret(text: str, said: str) -> None:
    with pytest.raises(HallpassError, match=said) as e:
        parsed(text)
    assert "hush" not in str(e.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(HallpassError, match="cannot be read"):
        read(tmp_path / "none.toml")

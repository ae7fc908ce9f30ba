"""Sets of public keys.
https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html
"""

from __future__ import annotations

from typing import Any

import pytest

from app.auth.jose import Header, Jwk, generate, public
from app.auth.keyset import MAX_KEYS, keys_of, pick, registrable
from app.errors import HallpassError, Kind
from tests.auth.support import EC_KEY, RSA_KEY, rsa_key

EC = {**public(EC_KEY), "kid": "k"}
RSA = {**public(RSA_KEY), "kid": "k"}
HEADER = Header("ES384", "k", "JWT", None)


def test_the_one_key_with_the_kid_and_the_key_type_is_picked() -> None:
    assert pick([RSA, {**EC, "kid": "other"}, EC], HEADER) == EC


@pytest.mark.parametrize(
    "keys",
    [
        [],
        [RSA],
        [{**EC, "kid": "K"}],
        [EC, EC],
        [EC, {**public(generate()), "kid": "k"}],
        [EC, {**EC, "use": "enc"}],
        [{**EC, "use": "enc"}],
        [{**EC_KEY, "kid": "k"}],
        [{**EC, "kty": ["EC"]}],
    ],
)
def test_none_or_several_keys_or_an_unfit_one_is_no_key(keys: list[Jwk]) -> None:
    assert pick(keys, HEADER) is None


@pytest.mark.parametrize("document", [None, [], {}, {"keys": None}, {"keys": {}}, {"keys": [EC] * (MAX_KEYS + 1)}])
def test_what_is_no_key_set_is_refused(document: Any) -> None:
    with pytest.raises(ValueError, match="Key Set"):
        keys_of(document)
    with pytest.raises(HallpassError):
        registrable(document)


def test_members_that_are_no_objects_are_passed_over_in_a_fetched_set() -> None:
    assert keys_of({"keys": [5, EC, None]}) == [EC]


def test_a_registered_set_holds_public_members_only() -> None:
    assert registrable({"keys": [{**EC, "x5c": ["AAAA"], "note": "hers"}, RSA]}) == {"keys": [EC, RSA]}


@pytest.mark.parametrize(
    ("keys", "where", "text"),
    [
        ([], "jwks.keys", "The JWKS holds no key."),
        ([RSA, {**EC_KEY}], "jwks.keys[1]", "The key holds private parts."),
        ([{**EC, "kid": ""}], "jwks.keys[0]", "The key has no kid."),
        ([{**EC, "kid": 1}], "jwks.keys[0]", "The key has no kid."),
        (
            [public(rsa_key(1024))],
            "jwks.keys[0]",
            "The key is not an RSA key of 2048 to 8192 bits with a small exponent.",
        ),
        ([EC, EC], "jwks.keys[0]", "The key shares its kid and kty with another."),
    ],
)
def test_a_set_that_could_not_be_used_is_refused_with_its_flaw(keys: list[Jwk], where: str, text: str) -> None:
    with pytest.raises(HallpassError) as caught:
        registrable({"keys": keys})
    assert caught.value.kind is Kind.UNPROCESSABLE
    assert (caught.value.issues[0].expression, caught.value.issues[0].text) == (where, text)

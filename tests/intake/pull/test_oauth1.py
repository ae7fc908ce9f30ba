"""OAuth 1.0a: signatures as the specification and an implementation by others make them.
https://www.rfc-editor.org/rfc/rfc5849
"""

from __future__ import annotations

import time

import pytest
from oauthlib.oauth1 import RequestValidator, SignatureOnlyEndpoint

from app.intake.pull.oauth1 import header, signature

URL = "https://sis.example/ims/oneroster/v1p1/users?limit=100&offset=0&filter=dateLastModified%3E%272021-09-01%27"


def test_the_signature_is_that_of_the_specifications_example() -> None:
    oauth = {
        "oauth_consumer_key": "dpf43f3p2l4k3l03",
        "oauth_token": "nnch734d00sl2jdk",
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": "137131202",
        "oauth_nonce": "chapoH",
    }
    url = "http://photos.example.net/photos?file=vacation.jpg&size=original"
    assert signature("GET", url, oauth.items(), "kd94hf93k423kf44", "pfkkdhi9sl3r4s00") == (
        "MdpQcU8iPSUjWoN/UDMsK2sui9I="
    )


class Validator(RequestValidator):
    """A provider with one consumer."""

    nonce_length = (8, 60)
    dummy_client = "nobody"

    def get_client_secret(self, client_key: str, request: object) -> str:
        return "a secret & more%"

    def validate_client_key(self, client_key: str, request: object) -> bool:
        return client_key == "key"

    def validate_timestamp_and_nonce(self, *args: object, **more: object) -> bool:
        return True

    @property
    def client_key_length(self) -> tuple[int, int]:
        return 3, 60


@pytest.mark.parametrize(
    "url",
    [URL, "https://SIS.example:8443/v1p1/users?filter=a%3D%27x+y%27&empty=", "https://sis.example:443/v1p1/users"],
)
def test_an_implementation_by_others_takes_the_header_and_no_other(url: str) -> None:
    endpoint = SignatureOnlyEndpoint(Validator())
    now = int(time.time())
    good = header("GET", url, "key", "a secret & more%", nonce="0123456789ab", timestamp=now)
    bad = header("GET", url, "key", "another", nonce="0123456789ab", timestamp=now)
    assert endpoint.validate_request(url, "GET", headers={"Authorization": good})[0]
    assert not endpoint.validate_request(url, "GET", headers={"Authorization": bad})[0]

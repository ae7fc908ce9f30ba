"""The form of a request to an authorization endpoint. https://datatracker.ietf.org/doc/html/rfc6749#section-3.2"""

from __future__ import annotations

import pytest
from starlette.requests import Request

from app.auth.form import MAX_BYTES, TYPE, read_form
from app.auth.oauth import OAuthCode, OAuthError


def request(body: bytes, content_type: str | None = TYPE) -> Request:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [] if content_type is None else [(b"content-type", content_type.encode())]
    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


async def test_fields_are_read_and_those_without_a_value_left_out() -> None:
    form = await read_form(request(b"a=1%202+3&b=&c=%C3%A9", TYPE.title() + "; charset=UTF-8"))
    assert form == {"a": "1 2 3", "c": "é"}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"a=1", None),
        (b"a=1", "application/json"),
        (b"a=1", "multipart/form-data; boundary=x"),
        (b"a=1&a=1", TYPE),
        (b"a=1&a=", TYPE),
        (b"a=%FF", TYPE),
        (b"a=\xff", TYPE),
        (b"a=" + b"x" * MAX_BYTES, TYPE),
        (b"&".join(b"f%d=1" % i for i in range(100)), TYPE),
    ],
)
async def test_a_body_that_is_no_form_of_single_fields_is_refused(body: bytes, content_type: str | None) -> None:
    with pytest.raises(OAuthError) as caught:
        await read_form(request(body, content_type))
    assert caught.value.code is OAuthCode.INVALID_REQUEST

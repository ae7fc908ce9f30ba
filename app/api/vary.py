"""Responses that would be others if a header of the request were. https://www.rfc-editor.org/rfc/rfc9110#section-12.5.5"""

from __future__ import annotations

from starlette.types import Message, Send


def vary(send: Send, header: bytes) -> Send:
    """Sends, and names the header in Vary."""

    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), (b"vary", header)]
        await send(message)

    return told

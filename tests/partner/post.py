"""A mail server that keeps what it is given. https://datatracker.ietf.org/doc/html/rfc5321"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import cast


@dataclass
class Post:
    """Its address, and the mails."""

    url: str = ""
    mails: list[EmailMessage] = field(default_factory=list)
    refused: str = "nobody@"
    """What a recipient has who is refused."""

    def last(self) -> str:
        """The text of the last mail."""
        return str(self.mails[-1].get_content())

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One session."""
        writer.write(b"220 here\r\n")
        while line := (await reader.readline()).strip().upper():
            if line == b"DATA":
                writer.write(b"354 go on\r\n")
                raw = await reader.readuntil(b"\r\n.\r\n")
                self.mails.append(cast(EmailMessage, message_from_bytes(raw[:-5], policy=policy.default)))
            if line.startswith(b"RCPT") and self.refused.upper().encode() in line:
                writer.write(b"550 no such address\r\n")
            else:
                writer.write(b"221 bye\r\n" if line == b"QUIT" else b"250 ok\r\n")
            if line == b"QUIT":
                break
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def post() -> AsyncIterator[Post]:
    """A mail server on a free port of this machine."""
    found = Post()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield found

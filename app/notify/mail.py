"""The email channel: a mail that says how many events there are, and where to read them. No record is in it.

https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/channels.html#email
"""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from app.exchange.following import Told
from app.notify.rest_hook import NotTaken
from app.subscriptions.definition import Definition


def message(told: Told, sender: str, base: str) -> EmailMessage:
    """The mail about a Subscription."""
    where = f"{base}/Subscription/{told.state.id}"
    mail = EmailMessage()
    mail["From"], mail["To"] = sender, told.definition.endpoint.removeprefix("mailto:")
    if told.kind == "handshake":
        mail["Subject"] = "Hallpass: notifications will come to this address"
        lines = [f"A subscription to the topic {told.definition.topic.title} sends to this address from now on."]
    elif told.kind == "heartbeat":
        mail["Subject"] = "Hallpass: nothing new"
        lines = ["There was nothing to tell since the last mail. This one says that notifications work."]
    else:
        count = len(told.events)
        mail["Subject"] = f"Hallpass: {count} new event{'s' if count > 1 else ''} ({told.definition.topic.title})"
        first, last = told.events[0].number, told.events[-1].number
        lines = [
            f"Read them, signed in as your client: {where}/$events?eventsSinceNumber={first}&eventsUntilNumber={last}"
        ]
        if told.definition.content == "id-only":
            lines += [f"{base}/{e.type}/{e.id}" for e in told.events if e.number in told.visible]
    mail.set_content("\n".join([*lines, "", f"Subscription: {where}"]) + "\n")
    return mail


class Mail:
    """Sends mails through the server of an SMTP URL: smtp:// with STARTTLS where it is offered, or smtps://."""

    def __init__(self, url: str | None, sender: str | None) -> None:
        self._url = url
        self._sender = sender

    @asynccontextmanager
    async def open(self, definition: Definition) -> AsyncIterator[Post]:
        """A connection to the mail server. Raises NotTaken."""
        if self._url is None or self._sender is None:
            raise NotTaken("The exchange has no mail server (HALLPASS_SMTP_URL, HALLPASS_MAIL_FROM).")
        try:
            server = await asyncio.to_thread(_connect, self._url, definition.timeout)
        except (OSError, smtplib.SMTPException):
            raise NotTaken("The mail server cannot be reached.") from None
        try:
            yield Post(server, self._sender)
        finally:
            await asyncio.to_thread(server.close)


class Post:
    """An open connection to the mail server."""

    def __init__(self, server: smtplib.SMTP, sender: str) -> None:
        self._server = server
        self._sender = sender

    async def send(self, told: Told, base: str) -> None:
        """Send a mail. Raises NotTaken."""
        try:
            await asyncio.to_thread(self._server.send_message, message(told, self._sender, base))
        except (OSError, smtplib.SMTPException):
            raise NotTaken("The mail server did not take the mail.") from None


def deliver(url: str, mail: EmailMessage, seconds: float) -> None:
    """Give one mail to the server of an SMTP URL. Raises OSError, SMTPException."""
    server = _connect(url, seconds)
    try:
        server.send_message(mail)
    finally:
        server.close()


def _connect(url: str, seconds: float) -> smtplib.SMTP:
    parts = urlsplit(url)
    kind = smtplib.SMTP_SSL if parts.scheme == "smtps" else smtplib.SMTP
    server = kind(str(parts.hostname), parts.port or 0, timeout=seconds)
    server.ehlo_or_helo_if_needed()
    if parts.scheme == "smtp" and server.has_extn("starttls"):
        server.starttls(context=ssl.create_default_context())
    if parts.username:
        server.login(unquote(parts.username), unquote(parts.password or ""))
    return server

"""One mail to one person, whose text holds no record. https://datatracker.ietf.org/doc/html/rfc5321"""

from __future__ import annotations

import asyncio
import smtplib
from email.message import EmailMessage

from app.errors import HallpassError, Kind
from app.notify.mail import deliver
from app.settings import Settings

SECONDS = 20


async def send(settings: Settings, mail: tuple[str, str, str]) -> None:
    """Send a mail by the server of the settings. Raises UNAVAILABLE where there is none, or it does not take it."""
    if settings.smtp_url is None or settings.mail_from is None:
        raise HallpassError(Kind.UNAVAILABLE, "The exchange has no mail server. Ask its operator.")
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = settings.mail_from, mail[0], mail[1]
    message.set_content(mail[2])
    try:
        await asyncio.to_thread(deliver, settings.smtp_url.get_secret_value(), message, SECONDS)
    except (OSError, smtplib.SMTPException):
        raise HallpassError(Kind.UNAVAILABLE, "The mail server did not take the mail. Try again later.") from None

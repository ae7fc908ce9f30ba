"""The mails to a light partner: a link, or a code. No student's data is in one.

https://datatracker.ietf.org/doc/html/rfc5321
"""

from __future__ import annotations

import asyncio
import smtplib
from email.message import EmailMessage

from app.errors import HallpassError, Kind
from app.notify.mail import deliver
from app.settings import Settings

SECONDS = 20


def link_mail(address: str, link: str) -> tuple[str, str, str]:
    """To, subject and text of the mail that a referral has come."""
    text = (
        "A school refers a student to your organization.\n\n"
        f"To see the referral and to answer it, open this page:\n{link}\n\n"
        "The page sends a code to this address before it shows anything. The link works for two weeks, and for as long "
        "as the family's release does. Do not pass it on.\n"
    )
    return address, "A referral for your organization", text


def code_mail(address: str, code: str) -> tuple[str, str, str]:
    """To, subject and text of the mail with a one-time code."""
    text = (
        f"Your code is {code[:4]} {code[4:]}. It works once, within ten minutes.\n\n"
        "If you did not ask for it, do nothing.\n"
    )
    return address, "Your code for a referral", text


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

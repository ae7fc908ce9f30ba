"""The mails to a light partner: a link, or a code. No student's data is in one.

https://datatracker.ietf.org/doc/html/rfc5321
"""

from __future__ import annotations


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

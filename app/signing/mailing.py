"""The mails to who signs: a link, a code, a receipt. Nothing about a student is in one."""

from __future__ import annotations

from app.signing.catalog import Catalog
from app.signing.links import Link

Mail = tuple[str, str, str]
"""To, subject and text."""


def link_mail(words: Catalog, address: str, link: Link, url: str) -> Mail:
    """A link to sign or to end by."""
    return address, words("mail.link.subject"), words(f"mail.{link.act}", link=url)


def code_mail(words: Catalog, address: str, code: str) -> Mail:
    """A one-time code."""
    return address, words("mail.code.subject"), words("mail.code", code=f"{code[:4]} {code[4:]}")


def signed_mail(words: Catalog, address: str, url: str) -> Mail:
    """What was signed can be read and ended here."""
    return address, words("mail.signed.subject"), words("mail.signed", link=url)


def ended_mail(words: Catalog, address: str) -> Mail:
    """It ended."""
    return address, words("mail.ended.subject"), words("mail.ended")

"""Mails light partners a link to each referral that has come to them and that a release lets them see."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta

from app.auth import clients
from app.auth.clients import Client
from app.auth.once import first_use, marks
from app.errors import HallpassError
from app.jobs.job import Job, Tools, Work
from app.keyring import Keyring
from app.notify.letter import send
from app.partner.links import LINK_SECONDS, Links
from app.partner.mailing import link_mail
from app.partner.partners import address_of, caller_of
from app.partner.visit import new_tasks

MAILED = "mailed "
log = logging.getLogger("hallpass")


async def _run(work: Work) -> None:
    settings = work.tools.settings
    if settings.smtp_url is None:
        return
    async with work.tools.db.begin() as connection:
        partners = [(c, a) for c in await clients.everyone(connection) if (a := address_of(c))]
    links, failed = Links(Keyring.of(settings)), list[HallpassError]()
    for client, address in partners:
        try:
            await _mail(work.tools, links, client, address)
        except HallpassError as e:  # an address that the mail server refuses holds up no other
            failed.append(e)
    if failed:
        log.warning("%d of %d light partners could not be mailed; it is tried again", len(failed), len(partners))
    if failed and len(failed) == len(partners):
        raise failed[0]


async def _mail(tools: Tools, links: Links, client: Client, address: str) -> None:
    """Mail one partner its new referrals. Raises UNAVAILABLE where the mail server does not take a mail."""
    caller, mailed = caller_of(client, "mail"), await marks(tools.db, client.id, MAILED)
    async for task in new_tasks(tools.access_service, caller):
        if MAILED + task in mailed:
            continue
        link = f"{tools.settings.base_url}/partner/{links.link(client.id, task, time.time())}"
        await send(tools.settings, link_mail(address, link))  # before the mark: a mail may come twice, and is not lost
        await first_use(tools.db, client.id, MAILED + task, datetime.now(UTC) + timedelta(seconds=LINK_SECONDS))


JOB = Job(
    name="mail_partners",
    summary="Mail light partners a link to each new referral.",
    run=_run,
    schedule="* * * * *",
    at_once=1,
)

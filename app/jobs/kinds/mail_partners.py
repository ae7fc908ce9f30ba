"""Mails light partners a link to each referral that has come to them and that a release lets them see."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from app.auth import clients
from app.auth.once import first_use, uses
from app.jobs.job import Job, Work
from app.keyring import Keyring
from app.partner.links import LINK_SECONDS, Links
from app.partner.mailing import link_mail, send
from app.partner.partners import address_of, caller_of
from app.partner.visit import new_tasks


async def _run(work: Work) -> None:
    settings, db = work.tools.settings, work.tools.db
    if settings.smtp_url is None:
        return
    async with db.begin() as connection:
        partners = [(c, a) for c in await clients.everyone(connection) if (a := address_of(c))]
    links = Links(Keyring.of(settings))
    for client, address in partners:
        for task in await new_tasks(work.tools.access_service, caller_of(client, "mail")):
            mark = f"mailed {task}"
            if await uses(db, client.id, mark):
                continue
            link = f"{settings.base_url}/partner/{links.link(client.id, task, time.time())}"
            await send(settings, link_mail(address, link))  # before the mark: a mail may come twice, and is not lost
            await first_use(db, client.id, mark, datetime.now(UTC) + timedelta(seconds=LINK_SECONDS))


JOB = Job(
    name="mail_partners",
    summary="Mail light partners a link to each new referral.",
    run=_run,
    schedule="* * * * *",
    at_once=1,
)

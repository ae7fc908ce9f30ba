"""`hallpass org` and `hallpass agreement`: the network's members, and who may share with whom."""

from __future__ import annotations

import asyncio
from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from app.commands.leaving import leave
from app.consent.recipients import BY_CODE
from app.console import as_owner, plainly
from app.db import network
from app.exchange.operator import Operator
from app.server import open_database, prepare_schema
from app.settings import Settings, load

org = typer.Typer(help="The organizations of the network.", no_args_is_help=True)
org.command("leave")(leave)
agreement = typer.Typer(help="Agreements: who may share with whom.", no_args_is_help=True)


def _operator() -> Operator:
    settings = load()
    prepare_schema(settings)
    return Operator(open_database(settings), settings)


STATES = frozenset(
    {
        *("AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "DC", "FL", "GA", "HI", "ID", "IL", "IN", "IA", "KS", "KY"),
        *("LA", "ME", "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH", "NJ", "NM", "NY", "NC", "ND", "OH"),
        *("OK", "OR", "PA", "RI", "SC", "SD", "TN", "TX", "UT", "VT", "VA", "WA", "WV", "WI", "WY"),
        *("AS", "GU", "MP", "PR", "VI"),
    }
)
"""The states, the District of Columbia and the territories, as the Postal Service writes them."""


def _of_two_letters(state: str | None) -> str | None:
    """A state by another name would have no rules of its own. Raises BadParameter."""
    if state is not None and state not in STATES:
        raise typer.BadParameter("a US state or territory is two capital letters, as in TX")
    return state


@org.command("edit")
def edit_organization(
    organization: Annotated[UUID, typer.Argument(help="The organization's id.")],
    name: Annotated[str | None, typer.Option(help="Its new name.")] = None,
    state: Annotated[str | None, typer.Option(help="Its US state code.", callback=_of_two_letters)] = None,
    time_zone: Annotated[str | None, typer.Option(help="Its time zone, an IANA name.")] = None,
) -> None:
    """Change an organization's name, state or time zone."""
    if not (name or state or time_zone):
        raise typer.BadParameter("give --name, --state or --time-zone")
    with plainly():
        asyncio.run(_operator().edit_organization(organization, name=name, state=state, zone=time_zone))
        typer.echo(f"{organization} is changed")


@org.command("verify")
def verify_identifier(
    organization: Annotated[UUID, typer.Argument(help="The organization's id.")],
    identifier: Annotated[str, typer.Argument(help="The identifier, as SYSTEM|VALUE: its NPI, NCES id or EIN.")],
) -> None:
    """Let releases name an organization by an identifier that you have verified, without its id here."""
    system, _, value = identifier.partition("|")
    if not (system and value):
        raise typer.BadParameter("give the identifier as SYSTEM|VALUE")
    with plainly():
        asyncio.run(_operator().verify_identifier(organization, system, value))
        typer.echo(f"{organization} may be named by {identifier}")


@org.command("classify")
def classify_organization(
    organization: Annotated[UUID, typer.Argument(help="The organization's id.")],
    classes: Annotated[
        list[str] | None, typer.Argument(help=f"All the classes that it is of: {', '.join(BY_CODE)}; none: of none.")
    ] = None,
) -> None:
    """Say which classes of recipients an organization is of, with all that is a part of it: releases may name them."""
    with plainly():
        asyncio.run(_operator().edit_organization(organization, classes=classes or []))
        typer.echo(f"{organization} is of: {', '.join(classes or []) or 'no class'}")


@org.command("add")
def add_organization(
    name: Annotated[str, typer.Argument(help="Its name, as others will read it.")],
    part_of: Annotated[UUID | None, typer.Option(help="The id of the organization that it is a part of.")] = None,
    identifier: Annotated[str | None, typer.Option(help="A business identifier, as SYSTEM|VALUE.")] = None,
    state: Annotated[
        str | None, typer.Option(help="US state code: the jurisdiction of its releases.", callback=_of_two_letters)
    ] = None,
    time_zone: Annotated[str | None, typer.Option(help="IANA name; dates in its releases are meant there.")] = None,
) -> None:
    """Add an organization and print its id."""
    with plainly():
        system, _, value = (identifier or "").partition("|")
        added = _operator().add_organization(
            name,
            part_of=part_of,
            identifier=(system, value) if identifier else None,
            state=state,
            zone=time_zone,
        )
        typer.echo(asyncio.run(added))


@org.command("list")
def list_organizations() -> None:
    """Print each organization's id and name, with those that are a part of it below it."""

    async def work(connection: AsyncConnection, _settings: Settings) -> list[network.Member]:
        return await network.members(connection)

    with plainly():
        found = as_owner(work)
    for each in found:
        typer.echo(f"{each.id}  {'  ' * (each.depth - 1)}{each.name}")


@agreement.command("add")
def add_agreement(
    discloser: Annotated[UUID, typer.Argument(help="The id of the organization that may share.")],
    recipient: Annotated[UUID, typer.Argument(help="The id of the organization that may receive.")],
    both_ways: Annotated[bool, typer.Option("--both-ways", help="And the other way round.")] = False,
    end: Annotated[str | None, typer.Option(help="The last day, as a FHIR date.")] = None,
) -> None:
    """Record an agreement, without which no release between the two has effect, and print its id."""
    with plainly():
        added = _operator().add_agreement(discloser, recipient, both_ways=both_ways, end=end)
        typer.echo(asyncio.run(added))


@agreement.command("list")
def list_agreements() -> None:
    """Print each agreement: id, whether it is in effect, who may share with whom, and until when."""

    async def work(connection: AsyncConnection, _settings: Settings) -> list[network.Agreement]:
        return await network.agreements(connection)

    with plainly():
        found = as_owner(work)
    for each in found:
        typer.echo(f"{each.id}  {each.standing}  {each.pair}  {each.until}")


@agreement.command("end")
def end_agreement(agreement_id: Annotated[UUID, typer.Argument(help="The agreement's id.")]) -> None:
    """End an agreement: no release between the two has effect from now on, in the direction it stands for."""
    with plainly():
        asyncio.run(_operator().end_agreement(agreement_id))
        typer.echo(f"{agreement_id} is ended")

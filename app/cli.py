"""The `hallpass` command: its parts are imported when they are run, so that help answers at once."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

COMMANDS: dict[str, tuple[str, str]] = {
    "serve": (
        "app.commands.serve:serve",
        "Start the API. Its settings are environment variables.",
    ),
    "worker": ("app.commands.jobs:worker", "Do background work until told to stop."),
    "jobs": ("app.commands.jobs:jobs", "List the background jobs: what is due, waits, runs and has failed."),
    "demo": ("app.commands.serve:demo", "Tell the story of one referral against a fresh server of its own."),
    "migrate": ("app.commands.migrate:migrate", "Bring the database to this version's schema."),
    "settings": ("app.commands.settings:settings", "List the settings, each with its default and what it does."),
    "org": ("app.commands.organizations:org", "The organizations of the network."),
    "agreement": ("app.commands.organizations:agreement", "Agreements: who may share with whom."),
    "client": ("app.commands.clients:client", "The clients: programs that call, each for one organization."),
    "endpoint": ("app.commands.endpoints:endpoint", "Where the notifications of each organization may go."),
    "testbed": ("app.commands.testbed:testbed", "A sandbox with made-up students, for who tests a client."),
    "token": ("app.commands.token:token", "Print an access token for a client."),
    "partner": ("app.commands.partners:partners", "Providers without software, who answer referrals by mail."),
    "staff": ("app.commands.staff:staff", "People of the members, who use the office in a browser."),
    "keys": ("app.commands.keys:keys", "The server's own signing keys."),
    "export": ("app.commands.export:export", "Pull all that a client may see, as NDJSON or as tables."),
    "import": ("app.commands.imports:imports", "Bring the exchange up to a district's roster."),
    "sync": ("app.commands.sync:sync", "Rosters that the worker fetches on a schedule."),
    "inbox": ("app.commands.sync:inbox", "Let the worker watch a directory that SFTP fills with rosters."),
    "guardians": ("app.commands.guardians:guardians", "Who may sign for a student."),
    "directory": ("app.commands.directory:directory", "The directory of services, by HSDS 3.0."),
    "release": ("app.commands.releases:release", "Releases of information: from a signed form to a Consent."),
    "report": ("app.commands.report:report", "What came of referrals."),
    "expunge": (
        "app.commands.expunging:expunge",
        "Destroy the content of a record, or of all about a student, under law.",
    ),
    "ledger": ("app.commands.ledger:ledger", "The disclosure ledger."),
    "verify": ("app.commands.verify:verify", "Recompute what is computed from the resources, and report differences."),
    "doctor": ("app.commands.doctor:doctor", "Look for what is unsafe, and say what to do."),
    "after-restore": (
        "app.commands.after_restore:after_restore",
        "Settle a database that was restored: end again what ended since.",
    ),
    "export-openapi": ("app.commands.documents:export_openapi", "Write the OpenAPI document."),
    "export-reference": ("app.commands.documents:export_reference", "Write docs/reference.md and docs/profiles.md."),
    "export-package": ("app.commands.documents:export_package", "Write the profiles and codes as a FHIR package."),
}
"""Each command's place, as module:name, and the line that help shows for it."""


class Lazy(TyperGroup):
    """The top of the command: it lists COMMANDS, and imports the one that is run."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        for name, (_, line) in COMMANDS.items():
            self.add_command(TyperCommand(name, help=line))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that is run, imported."""
        name, found, rest = super().resolve_command(ctx, args)
        return name, load(name) if name in COMMANDS else found, rest


def load(name: str | None) -> Any:
    """Import a command: a function, or a group of commands."""
    module, _, attribute = COMMANDS[str(name)][0].partition(":")
    found = getattr(import_module(module), attribute)
    if isinstance(found, typer.Typer):
        return get_group(found)
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    alone.command(name)(found)
    return get_command(alone)


app = typer.Typer(cls=Lazy, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def _hallpass() -> None:
    """Hallpass: a FHIR R4 exchange that lets out what a signed release permits, and nothing else."""


def main() -> None:
    """Run the command."""
    app(prog_name="hallpass")


if __name__ == "__main__":
    main()

"""``comity node break-glass``: the operator's help when fewer than two administrators can act.

Owns two commands on the node's machine. Each leaves an event that names the operator's door, and
neither works while two administrators can decide.
"""

from collections.abc import Callable
from typing import Annotated

import typer

from api.cli import output
from api.cli.commands import command, group
from api.cli.node_init import Person
from api.cli.operator import SettingsFile, load_settings
from api.cli.profiles import CliContext

# On the machine nobody is signed in whom the node could tell what an id begins with.
InFull = Annotated[str, typer.Argument(help="Id of the officer, in full.")]

app = group("break-glass", "On the machine: when fewer than two administrators can act.")


@command(app, "reinstate")
def reinstate(context: CliContext, officer: InFull, *, settings: SettingsFile = None) -> None:
    """Take an officer's suspension back; leaves an event.

    Example: comity node break-glass reinstate 01a2… --settings settings.env
    """
    from api.services.desk.suspending import break_glass_reinstate
    from api.services.node import Node

    def use(node: Node) -> tuple[str, str]:
        found = break_glass_reinstate(node, officer)
        return found.id, found.name

    _done(context, settings, use)


@command(app, "appoint")
def appoint(
    context: CliContext,
    *,
    account: Annotated[Person, typer.Option(metavar="ISS SUB NAME", help="The administrator.")],
    settings: SettingsFile = None,
) -> None:
    """Make a person an administrator; leaves an event.

    Example: comity node break-glass appoint --account https://id.example c3 "C. Three"
    """
    from api.services.desk.officers import NewOfficer
    from api.services.desk.suspending import break_glass_appoint
    from api.services.node import Node

    iss, sub, name = account

    def use(node: Node) -> tuple[str, str]:
        found = break_glass_appoint(node, NewOfficer(name, [(iss, sub)]))
        return found.id, found.name

    _done(context, settings, use)


def _done(
    context: CliContext, settings: SettingsFile, use: "Callable[..., tuple[str, str]]"
) -> None:
    from api.bootstrap import build

    installation = build(load_settings(settings))
    try:
        officer, name = use(installation.node)
    finally:
        installation.close()
    output.result(
        context,
        {"officer": officer, "name": name},
        output.details({"officer": officer, "name": name}),
    )
    output.talk("The log says that the operator of the machine did this.")

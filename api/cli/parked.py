"""``comity parked``: statements of partners that this node could not decide.

Owns one group over REST. What to do when something waits is in the runbooks.
"""

from typing import Annotated

import typer

from api.cli import output
from api.cli.arguments import ParkedId
from api.cli.client import connected
from api.cli.commands import command, group
from api.cli.profiles import CliContext

app = group("parked", "Partners' statements that could not be decided: see, retry, refuse.")

Member = Annotated[str, typer.Argument(help="The partner that sent it, as in the membership.")]


@command(app, "list")
def waiting(context: CliContext) -> None:
    """List what waits without a disposition, and why.

    Example: comity --profile us-admin parked list
    """
    with connected(context) as api:
        found = api.get("/parked")
    columns: list[output.Column] = [
        ("MINISTRY", "ministry"),
        ("TYPE", "type"),
        ("WHY", "code"),
        ("DEFECT", "error"),
        ("SINCE", "since"),
        ("STATEMENT", "statement"),
    ]
    output.result(context, found, output.table(found["items"], columns))


@command(app, "retry")
def retry(context: CliContext, member: Member, statement: ParkedId) -> None:
    """Have a statement decided again, once what failed is mended.

    Example: comity --profile us-admin parked retry uk-fcdo sha256:0f…
    """
    with connected(context) as api:
        found = api.post(f"/parked/{member}/{statement}", {"settling": "retry"})
    said = "Decided; the partner is told." if found["settled"] else "It fails still, and waits on."
    output.result(context, found, [said])


@command(app, "refuse")
def refuse(context: CliContext, member: Member, statement: ParkedId) -> None:
    """Refuse a statement that cannot be decided; nothing that failed is run.

    Example: comity --profile us-admin parked refuse uk-fcdo sha256:0f…
    """
    with connected(context) as api:
        found = api.post(f"/parked/{member}/{statement}", {"settling": "refuse"})
    output.result(context, found, ["Refused; the partner is told."])

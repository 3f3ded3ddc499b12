"""The ``comity`` command: global options, the groups, and how every refusal ends.

Owns the root of the command tree and the way from an exception to a sentence and an exit code.
Starts quickly: whatever is heavy is imported inside the command that needs it.
"""

import functools
import os
import sys
from collections.abc import Sequence
from typing import Annotated, Final

import typer
from typer.main import get_command

from api import __version__
from api.cli import (
    aside,
    audit,
    coverage_commands,
    demo,
    designation,
    diary,
    draft,
    epoch,
    key,
    lists,
    manual,
    membership,
    membership_change,
    mirror,
    node,
    officer,
    output,
    package,
    parked,
    peers,
    proposal,
    recovery,
    regimes,
    relying_party,
    restoring,
    ruling,
    session,
    subjects,
    tasks_commands,
    tongue,
    verify,
)
from api.cli.exits import ExitCode, exit_of, problem_of
from api.cli.profiles import CliContext, default_home
from api.cli.short_references import profiles
from api.domain.errors import ComityError
from api.tlog.errors import LogError
from api.wire.errors import WireError

app = typer.Typer(
    name="comity",
    help="Exchange signed evidence and mirror requests between ministries.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
)
session.register(app)
app.add_typer(package.app)
app.add_typer(draft.app)
app.add_typer(audit.app)
verify.register(app)
peers.register(app)
proposal.register(app)
designation.register(app)
mirror.register(app)
coverage_commands.register(app)
subjects.register(app)
tasks_commands.register(app)
lists.register(app)
regimes.register(app)
diary.register(app)
app.add_typer(key.app)
app.add_typer(epoch.app)
app.add_typer(parked.app)
app.add_typer(officer.officers)
app.add_typer(officer.grants)
app.add_typer(aside.recusal)
app.add_typer(aside.delegation)
app.add_typer(relying_party.app)
recovery.register(node.app, audit.app)
ruling.register(node.app)
restoring.register(node.app)
app.add_typer(node.app)
membership_change.register(membership.app)
app.add_typer(membership.app)
demo.register(app)
manual.register(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"comity {__version__}")
        raise typer.Exit


@app.callback()
def options(
    ctx: typer.Context,
    *,
    profile: Annotated[
        str | None,
        typer.Option(
            envvar="COMITY_PROFILE",
            help="Who you are and at which node.",
            autocompletion=profiles,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and end.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    """Take the options that stand before the command."""
    del version  # its callback has answered it
    ctx.obj = CliContext(profile, default_home(), as_json)


# What one run means is in its context; building the tree of all commands takes a tenth of a second.
_tree_of: Final = functools.cache(get_command)


def run() -> None:
    """Run the command line of this process and end it with the right exit code.

    Whatever it writes (databases, keys, evidence, exports, log files) is its owner's alone.
    """
    os.umask(0o077)
    sys.exit(main(sys.argv[1:]))


def main(arguments: Sequence[str]) -> int:
    """Run one command line.

    Args:
        arguments: without the program's name.

    Returns:
        The exit code; results are on stdout, everything else on stderr.
    """
    as_json = "--json" in arguments
    with tongue.for_machines(as_json=as_json):
        return _run(arguments, as_json=as_json)


def _run(arguments: Sequence[str], *, as_json: bool) -> int:
    """Run one command line and tell its refusal."""
    try:
        ended = _tree_of(app).main(args=list(arguments), prog_name="comity", standalone_mode=False)
    except typer.TyperException as error:
        return _usage(error, as_json=as_json)
    except typer.Abort:
        output.talk("Nothing was done.")
        return ExitCode.INTERRUPTED
    except (ComityError, WireError, LogError, OSError) as error:
        return _tell_refusal(error, as_json=as_json)
    except Exception as error:
        if os.environ.get("COMITY_DEBUG"):
            raise
        return _tell_refusal(error, as_json=as_json)
    return ended if isinstance(ended, int) else ExitCode.OK


def _usage(error: typer.TyperException, *, as_json: bool) -> int:
    """Say how the command is used."""
    if as_json:
        problem = {"code": "usage", "detail": error.format_message(), "exit": ExitCode.USAGE}
        typer.echo(output.json_text(problem), err=True)
    else:
        show = getattr(error, "show", None)
        if callable(show):
            show()
        else:
            output.talk(f"{tongue.say('Error:')} {error.format_message()}")
    return ExitCode.USAGE


def _tell_refusal(error: Exception, *, as_json: bool) -> int:
    """Say in one sentence, or one JSON document, why it did not happen."""
    problem = problem_of(error)
    if as_json:
        typer.echo(output.json_text(problem), err=True)
        return exit_of(error)
    hint = ""
    if exit_of(error) is ExitCode.UNEXPECTED and problem["code"] == "internal":
        hint = f" ({type(error).__name__}; {tongue.say('set COMITY_DEBUG=1 for the trace')})"
    told = tongue.refusal(tongue.say(problem["detail"]))
    first, *further = told.split("\n")
    output.talk("\n".join([f"{tongue.say('Error:')} {first} [{problem['code']}]{hint}", *further]))
    for policy in problem.get("policies", []):
        output.talk(f"  {tongue.say('decided by policy')} {policy}")
    for fault in problem.get("errors", []):
        place = fault.get("pointer") or fault.get("parameter")
        allowed = f"; {tongue.say('allowed')}: {fault['allowed']}" if "allowed" in fault else ""
        output.talk(f"  {tongue.say('at')} {place}: {fault.get('fault')}{allowed}")
    return exit_of(error)

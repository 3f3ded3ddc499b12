"""``comity demo``: hands over to the demo's own program.

Owns nothing but the hand-over: the demo is no part of the command line, and this process becomes
it, so that signals and exit codes are the demo's own.
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from api.cli.profiles import CliContext


def register(app: typer.Typer) -> None:
    """Add ``demo`` to ``app``."""
    app.command(
        "demo", context_settings={"allow_extra_args": True, "ignore_unknown_options": True}
    )(demo)


def demo(
    ctx: typer.Context,
    *,
    home: Annotated[Path | None, typer.Option(help="Folder of the demo.")] = None,
    leave: Annotated[bool, typer.Option("--exit", help="End when the story is told.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="End stdout with one JSON line.")] = False,
) -> None:
    """Three ministries on this machine live through the story.

    Example: comity demo --home /tmp/comity-demo
    """
    context: CliContext = ctx.obj
    arguments = [] if home is None else ["--home", str(home)]
    arguments += ["--exit"] if leave else []
    arguments += ["--json"] if as_json or context.json else []
    arguments += ctx.args
    sys.stdout.flush()
    sys.stderr.flush()
    # -P: a folder that is called "api" where the command is run must not be taken for ours.
    os.execv(sys.executable, [sys.executable, "-P", "-m", "api.demo", *arguments])  # noqa: S606

"""How a command becomes part of ``comity``: ``--json`` on each, the context handed over.

Owns the adapter between Typer and the command functions, whose first parameter is a
:class:`~api.cli.profiles.CliContext` and whose others are Typer's options and arguments.
"""

import functools
import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, TypeVar

import typer

from api.cli.profiles import CliContext

F = TypeVar("F", bound=Callable[..., None])

_JSON = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def group(name: str, summary: str) -> typer.Typer:
    """Return an empty group of commands."""
    return typer.Typer(name=name, help=summary, no_args_is_help=True, rich_markup_mode=None)


def command(app: typer.Typer, name: str) -> Callable[[F], F]:
    """Register a function as a command that also takes ``--json``.

    The function's first parameter is the context; its docstring is the help.
    """

    def register(function: F) -> F:
        app.command(name)(_adapted(function))
        return function

    return register


def _adapted(function: Callable[..., None]) -> Callable[..., None]:
    signature = inspect.signature(function, eval_str=True)
    _, *options = signature.parameters.values()

    def run(ctx: typer.Context, **given: Any) -> None:
        as_json = given.pop("as_json")
        context: CliContext = ctx.obj
        function(replace(context, json=context.json or as_json), **given)

    functools.update_wrapper(run, function, assigned=("__name__", "__doc__"), updated=())
    del run.__dict__["__wrapped__"]
    named = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context),
        *(option.replace(kind=named) for option in options),
        inspect.Parameter("as_json", named, default=False, annotation=_JSON),
    ]
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run

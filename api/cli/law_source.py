"""Where the command line reads the law's data: the node's editions in force, or what is shipped.

Owns that one choice. With a profile, named or the only one there is, the node is asked; without
one, the data that came with the program is read and a line on stderr says so.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from api import shipped
from api.cli import output
from api.cli.client import connected
from api.cli.profiles import CliContext, ProfileStore
from api.domain.errors import NotFound

if TYPE_CHECKING:
    from api.domain.regimes.values import Regime

T = TypeVar("T")
Shipped = Annotated[
    bool,
    typer.Option("--shipped", help="Read the data that came with the program; ask no node."),
]


def law_documents(
    context: CliContext, *, from_program: bool, only: str | None = None
) -> Mapping[str, Any]:
    """Return the regimes' documents, by id in alphabetical order.

    Args:
        context: of the command.
        from_program: ask no node, whatever profiles there are.
        only: a regime; no other is asked for.

    Raises:
        NotFound: ``regime.unknown``.
        ComityError: the node's refusal, or ``node.unreachable``.
    """
    if _asks_node(context) and not from_program:
        return _documents_of_node(context, only)
    from api.adapters.policy.regimes import load_documents

    return _shipped(load_documents, only)


def read_law(
    context: CliContext, *, from_program: bool, only: str | None = None
) -> "Mapping[str, Regime]":
    """Return the regimes; see :func:`law_documents`."""
    from api.adapters.policy.regimes import load_regimes
    from api.domain.regimes.form import parse

    if _asks_node(context) and not from_program:
        return {id_: parse(document) for id_, document in _documents_of_node(context, only).items()}
    return _shipped(load_regimes, only)


def _documents_of_node(context: CliContext, only: str | None) -> Mapping[str, Any]:
    with connected(context) as api:
        ids = [only] if only else [one["id"] for one in api.get("/regimes")["items"]]
        return {id_: api.get(f"/regimes/{id_}") for id_ in sorted(ids)}


def _shipped(load: Callable[[Path], Mapping[str, T]], only: str | None) -> Mapping[str, T]:
    output.talk("This is the data that came with the program; no node was asked.")
    known = load(shipped.policies())
    if only is not None and only not in known:
        raise NotFound(
            "regime.unknown", f"There is no regime {only}; choose {', '.join(sorted(known))}."
        )
    return {only: known[only]} if only else known


def _asks_node(context: CliContext) -> bool:
    return context.profile_name is not None or len(ProfileStore(context.home).names()) == 1

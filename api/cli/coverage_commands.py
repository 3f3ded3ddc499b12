"""``comity coverage``: who lists whom, since when, with what lag; from statements or from lists."""

from collections.abc import Iterable
from typing import Annotated, Any

import typer

from api.cli import output
from api.cli.client import connected
from api.cli.commands import command
from api.cli.profiles import CliContext
from api.domain.errors import Invalid


def register(root: typer.Typer) -> None:
    """Add the command to the root of the command tree."""
    command(root, "coverage")(coverage)


def coverage(
    context: CliContext,
    *,
    base: Annotated[
        str | None, typer.Option(help="Whose listings are the measure: US or US:2020-07.")
    ] = None,
    jurisdiction: Annotated[str | None, typer.Option(help="Who is measured, such as CA.")] = None,
    as_of: Annotated[str | None, typer.Option(help="The day; today if not given.")] = None,
    programme: Annotated[
        str | None, typer.Option(help="A programme of a published list, such as GLOMAG.")
    ] = None,
) -> None:
    """Show how far one jurisdiction had followed another's listings; without --base, the board.

    Days are those of registration, else of entry into force. With --programme, published lists are
    compared: who under that programme stands on the jurisdiction's lists.

    Example: comity --profile us-analyst coverage --base US:2020-07 --jurisdiction CA
    --as-of 2021-03-22
    """
    with connected(context) as api:
        if programme is not None:
            if jurisdiction is None:
                raise Invalid("coverage.jurisdiction", "Say with --jurisdiction who is measured.")
            found = api.get("/coverage/programme", programme=programme, jurisdiction=jurisdiction)
            output.result(context, found, _programme(found))
            return
        if base is None:
            found = api.get("/coverage/board", as_of=as_of)
            output.result(context, found, _board(found))
            return
        if jurisdiction is None:
            raise Invalid("coverage.jurisdiction", "Say with --jurisdiction who is measured.")
        found = api.get("/coverage", base=base, jurisdiction=jurisdiction, as_of=as_of)
    output.result(context, found, _table(found))


def _table(found: dict[str, Any]) -> Iterable[str]:
    yield (
        f"{found['jurisdiction']} lists {found['listed']} of {found['of']} subjects of "
        f"{found['base']} on {found['as_of']}."
    )
    rows = [*found["subjects"], *found["gaps"]]
    columns: list[output.Column] = [
        ("NAME", "name"),
        ("SINCE", "since"),
        ("LAG (DAYS)", "lag_days"),
        ("REGIME", "regime"),
    ]
    yield from output.table(rows, columns)


def _programme(found: dict[str, Any]) -> Iterable[str]:
    if not found["known"]:
        yield f"Not known: no list of {found['jurisdiction']} is held; see comity lists import."
        return
    counts = found["counts"]
    yield (
        f"{found['jurisdiction']} lists {counts['listed']} of {counts['subjects']} entries of "
        f"{found['programme']}, as far as names and facts suggest."
    )
    rows = [
        {**match, "subject": one["name"], "base_id": one["list_id"]}
        for one in found["subjects"]
        for match in one["matches"]
    ]
    columns: list[output.Column] = [
        ("ID", "base_id"),
        ("SUBJECT", "subject"),
        ("LIST", "list"),
        ("NAME THERE", "name"),
        ("SCORE", "score"),
        ("SINCE", "since"),
        ("LAG (DAYS)", "lag_days"),
        ("VERDICT", "verdict"),
    ]
    yield from output.table(rows, columns)
    yield from _network_lines(found)


_UNCOVERED = {
    "body": "{one} is on no list of {home}, and hangs on {other}, who is",
    "owner": "{one} is on a list of {home}, and {other}, on whom it hangs, is not",
}


def _network_lines(found: dict[str, Any]) -> Iterable[str]:
    """Yield who is uncovered by a link, then what each law says of owning, and how it is known."""
    open_ = [
        (one["name"], other)
        for one in found["subjects"]
        for other in one["network"]
        if other["uncovered"]
    ]
    for name, other in open_:
        said = _UNCOVERED[other["uncovered"]]
        yield output.safe(
            said.format(one=name, home=found["jurisdiction"], other=other["name"])
            + f" ({other['kind']})"
        )
    for test in found["ownership"] if open_ else ():
        yield output.safe(
            f"{test['regime']}, of bodies that they own: {test['text']} [{test['basis']}]"
        )


def _board(found: dict[str, Any]) -> Iterable[str]:
    def since(home: str) -> Any:
        return lambda item: (item["jurisdictions"][home] or {}).get("since")

    columns: list[output.Column] = [("NAME", "name")]
    columns += [(home, since(home)) for home in found["jurisdictions"]]
    yield from output.table(found["subjects"], columns)

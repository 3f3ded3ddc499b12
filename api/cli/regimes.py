"""``comity regimes``: legal regimes as data, and what they suggest about a case.

Owns nothing of the law: the data says how each fact is known, and none of it is legal advice. Works
without a node.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from api import shipped
from api.cli import output
from api.cli.commands import command, group
from api.cli.profiles import CliContext
from api.domain.errors import Invalid, NotFound

if TYPE_CHECKING:
    from api.domain.regimes.advice import Regime

app = group("regimes", "Look at legal regimes, and check a case against one.")
Many = Annotated[list[str] | None, typer.Option(help="May be repeated.")]


def register(root: typer.Typer) -> None:
    """Add the group to the root of the command tree."""
    root.add_typer(app)


@command(app, "list")
def listed(context: CliContext) -> None:
    """List the regimes: who can be listed, and what has to be found.

    Example: comity regimes list
    """
    rows = [
        {
            "id": one.id,
            "jurisdiction": one.jurisdiction,
            "kinds": sorted(one.subject_kinds),
            "threshold": one.threshold.text,
            "grounds": sorted(one.grounds),
            "clocks": [rule.id for rule in one.clocks],
        }
        for one in _regimes().values()
    ]
    columns: list[output.Column] = [
        ("ID", "id"),
        ("WHERE", "jurisdiction"),
        ("KINDS", "kinds"),
        ("GROUNDS", lambda row: len(row["grounds"])),
        ("THRESHOLD", "threshold"),
    ]
    output.result(context, {"items": rows}, output.table(rows, columns))


@command(app, "check")
def check(
    context: CliContext,
    regime: Annotated[str, typer.Argument(help="Regime, such as CA-JVCFOA.")],
    *,
    kind: Annotated[str, typer.Option(help="person, entity or vessel.")],
    conduct: Many = None,
    involvement: Many = None,
    country: Many = None,
    listed_by: Many = None,
    releasable_sources: Annotated[
        int | None, typer.Option(min=0, help="Releasable open sources for the ground.")
    ] = None,
) -> None:
    """Show what to weigh before a case goes under a regime; an officer decides.

    Example: comity regimes check CA-JVCFOA --kind entity --conduct arbitrary-detention
    """
    from api.domain.regimes.advice import Case, RegimeError, eligibility

    known = _regimes()
    if regime not in known:
        raise NotFound("regime.unknown", "There is no such regime; see regimes list.")
    try:
        case = Case(
            kind,
            conduct=frozenset(conduct or ()),
            involvement=frozenset(involvement or ("responsible",)),
            countries=frozenset(one.upper() for one in country or ()),
            listed_by=frozenset(listed_by or ()),
            releasable_sources=releasable_sources,
        )
    except RegimeError as error:
        raise Invalid("regime.words", str(error)) from error
    rows = [
        {
            "weight": one.weight,
            "code": one.code,
            "sentence": one.sentence,
            "basis": one.basis.value,
            "sources": list(one.sources),
            "offers": list(one.offers),
        }
        for one in eligibility(known[regime], case)
    ]
    output.result(context, {"regime": regime, "suggestions": rows}, _lines(rows))


def _lines(rows: Sequence[Mapping[str, object]]) -> Iterable[str]:
    for one in rows:
        yield output.safe(f"{one['weight']}: {one['sentence']} [{one['basis']}]")
    if not any(one["weight"] == "bar" for one in rows):
        yield "Nothing read here stands in the way; that does not mean that it may be done."


def _regimes() -> "Mapping[str, Regime]":
    from api.adapters.policy.regimes import load_regimes

    return load_regimes(shipped.policies())

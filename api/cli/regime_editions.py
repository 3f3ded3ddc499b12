"""``comity regimes held|document|propose|preview|approve|editions``: the law's data in a node.

Owns these commands over REST; looking at regimes without a node is ``regimes``.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli import output
from api.cli.arguments import RegimeEditionId, Seen
from api.cli.client import connected
from api.cli.commands import command
from api.cli.deciding import Change, Yes, approved, shown
from api.cli.profiles import CliContext
from api.wire.encoding import b64u_encode


def register(app: typer.Typer) -> None:
    """Add the commands to ``comity regimes``."""
    command(app, "held")(held_regimes)
    command(app, "document")(document)
    command(app, "propose")(propose_edition)
    command(app, "preview")(preview_edition)
    command(app, "approve")(approve_edition)
    command(app, "editions")(regime_editions)


def held_regimes(context: CliContext) -> None:
    """List what your node reads of the law: each regime with its edition in force.

    Example: comity --profile us-analyst regimes held
    """
    with connected(context) as api:
        found = api.get("/regimes")
    columns: list[output.Column] = [
        ("REGIME", "id"),
        ("EDITION", "edition"),
        ("SHIPPED", "shipped"),
        ("DECIDED", "decided"),
    ]
    output.result(context, found, output.table(found["items"], columns))


def document(
    context: CliContext,
    regime: Annotated[str, typer.Argument(help="Regime, such as CA-SEMA.")],
    *,
    out: Annotated[Path, typer.Option(help="File to write it to.", dir_okay=False)],
) -> None:
    """Write the document in force to a file, to change it and propose it again.

    Example: comity --profile us-admin regimes document CA-SEMA --out CA-SEMA.json
    """
    with connected(context) as api:
        found = api.get(f"/regimes/{regime}")
    text = json.dumps(found, indent=2, ensure_ascii=False)
    out.write_text(f"{text}\n", encoding="utf-8")
    output.result(context, {"regime": regime, "edition": found["edition"]}, [str(out)])


def propose_edition(
    context: CliContext,
    path: Annotated[Path, typer.Argument(help="The document.", exists=True, dir_okay=False)],
) -> None:
    """Propose an edition of a regime's data; another administrator approves.

    Example: comity --profile us-admin regimes propose CA-SEMA.json
    """
    with connected(context) as api:
        made = api.post("/regimes/editions", {"file": b64u_encode(path.read_bytes())})
    output.result(context, made, _edition_told(made))


def preview_edition(context: CliContext, edition: RegimeEditionId) -> None:
    """Show what a proposed edition changes, member by member.

    Example: comity --profile us-admin2 regimes preview 01a2…
    """
    shown(context, f"/regimes/editions/{edition}/preview")


def approve_edition(
    context: CliContext, edition: RegimeEditionId, *, digest: Seen = None, yes: Yes = False
) -> None:
    """Approve an edition, as the second administrator: shows it and asks; it is in force at once.

    Example: comity --profile us-admin2 regimes approve 01a2…
    """
    path = f"/regimes/editions/{edition}"
    change = Change(f"{path}/preview", f"{path}/approve", _edition_told)
    approved(context, change, digest=digest, yes=yes)


def regime_editions(context: CliContext) -> None:
    """List the editions that were proposed here, who decided on them, and which is in force.

    Example: comity --profile us-auditor regimes editions
    """
    with connected(context) as api:
        found = api.get("/regimes/editions")
    columns: list[output.Column] = [
        ("ID", "id"),
        ("REGIME", "regime"),
        ("EDITION", "edition"),
        ("STATE", "state"),
        ("PROPOSED", output.at("proposed_at")),
        ("DECIDED", output.at("decided_at")),
    ]
    output.result(context, found, output.table(found["items"], columns))


def _edition_told(item: Mapping[str, Any]) -> Iterable[str]:
    return output.details(
        {
            "edition": item["id"],
            "regime": item["regime"],
            "named": item["edition"],
            "state": item["state"],
            "digest": item["digest"],
        }
    )

"""``comity membership``: making the file that every node pins.

Owns reading members' entries and writing the composed file; what a membership is, is
``wire.membership``'s.
"""

from pathlib import Path
from typing import Annotated

import typer

from api.cli import output
from api.cli.commands import command, group
from api.cli.files import write_new
from api.cli.profiles import CliContext
from api.domain.errors import Invalid

app = group("membership", "The list of ministries and their keys.")


@command(app, "compose")
def compose(
    context: CliContext,
    *,
    member: Annotated[
        list[Path],
        typer.Option(help="A member's entry, from its node init.", exists=True, dir_okay=False),
    ],
    serial: Annotated[int, typer.Option(min=1, help="1, then one more each time.")],
    out: Annotated[Path, typer.Option(help="Membership file to write.")],
    previous: Annotated[
        Path | None,
        typer.Option(help="The file before this one.", exists=True, dir_okay=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
) -> None:
    """Compose the membership from its members' entries and print its digest.

    The digest is what two administrators of every node compare by voice and enter.

    Example: comity membership compose --member us.json --member uk.json --serial 1 --out m.json
    """
    from api.wire.canonical import parse
    from api.wire.limits import MEMBERSHIP
    from api.wire.membership import Member, compose_membership, parse_membership

    members = [Member.from_json(parse(path.read_bytes(), limit=MEMBERSHIP)) for path in member]
    before = None if previous is None else parse_membership(previous.read_bytes())
    if before is not None and serial != before.serial + 1:
        raise Invalid("membership.serial", f"The next serial is {before.serial + 1}.")
    composed = compose_membership(serial, None if before is None else before.digest, members)
    write_new(out, composed.raw, replace=force)
    document = {
        "out": str(out),
        "serial": serial,
        "digest": composed.digest,
        "members": [each.id for each in composed.members],
    }
    output.result(context, document, [composed.digest])


@command(app, "show")
def show(
    context: CliContext,
    path: Annotated[Path, typer.Argument(help="Membership file.", exists=True, dir_okay=False)],
) -> None:
    """Show who is in a membership file, and its digest.

    Example: comity membership show membership.json
    """
    from api.wire.membership import parse_membership

    found = parse_membership(path.read_bytes())
    rows = [
        {
            "id": each.id,
            "jurisdiction": each.jurisdiction,
            "name": each.name,
            "url": each.url,
            "origin": each.origin,
            "keys": len(each.keys),
        }
        for each in found.members
    ]
    document = {"serial": found.serial, "digest": found.digest, "members": rows}
    columns: list[output.Column] = [
        ("MINISTRY", "id"),
        ("JURISDICTION", "jurisdiction"),
        ("NAME", "name"),
        ("ADDRESS", "url"),
        ("KEYS", "keys"),
    ]
    heading = [f"serial {found.serial}  {found.digest}"]
    output.result(context, document, [*heading, *output.table(rows, columns)])

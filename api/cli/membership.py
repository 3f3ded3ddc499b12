"""``comity membership``: making the file that every node pins.

Owns reading members' entries and writing the composed file; what a membership is, is
``wire.membership``'s.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import output
from api.cli.commands import command, group
from api.cli.files import write_new
from api.cli.profiles import CliContext
from api.domain.errors import Invalid

if TYPE_CHECKING:
    from api.wire.membership import Member, Membership

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
    drop: Annotated[
        list[str] | None, typer.Option(help="Member that leaves; may be repeated.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
) -> None:
    """Compose the membership from its members' entries and print its digest.

    The digest is what two administrators of every node compare by voice and enter. A member of the
    previous file that is not given again must be named with --drop; `membership add` keeps all.

    Example: comity membership compose --member us.json --member uk.json --serial 1 --out m.json
    """
    from api.wire.membership import compose_membership, parse_membership

    members = [_member_entry(path) for path in member]
    before = None if previous is None else parse_membership(previous.read_bytes())
    if before is not None and serial != before.serial + 1:
        raise Invalid("membership.serial", f"The next serial is {before.serial + 1}.")
    _check_dropped(before, {one.id for one in members}, set(drop or ()))
    composed = compose_membership(serial, None if before is None else before.digest, members)
    write_new(out, composed.raw, replace=force)
    _told(context, out, composed)


@command(app, "add")
def add(
    context: CliContext,
    *,
    to: Annotated[Path, typer.Option(help="The membership in force.", exists=True, dir_okay=False)],
    member: Annotated[
        list[Path] | None,
        typer.Option(help="Entry that is new or changed.", exists=True, dir_okay=False),
    ] = None,
    drop: Annotated[
        list[str] | None, typer.Option(help="Member that leaves; may be repeated.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Membership file to write.")],
) -> None:
    """Compose the next membership: those of the one in force, and these entries.

    Nobody else is dropped; an entry of a member that is in it takes the old entry's place.

    Example: comity membership add --to m1.json --member au.json --out m2.json
    """
    from api.wire.membership import compose_membership, parse_membership

    if not member and not drop:
        raise Invalid("membership.unchanged", "Give an entry with --member, or --drop a member.")
    before = parse_membership(to.read_bytes())
    entries = {one.id: one for one in before.members}
    entries |= {one.id: one for one in map(_member_entry, member or ())}
    for gone in drop or ():
        if entries.pop(gone, None) is None:
            raise Invalid("membership.unknown-member", f"{gone} is no member; membership show.")
    composed = compose_membership(before.serial + 1, before.digest, list(entries.values()))
    write_new(out, composed.raw)
    _told(context, out, composed)


@command(app, "diff")
def diff(
    context: CliContext,
    old: Annotated[Path, typer.Argument(help="Membership file.", exists=True, dir_okay=False)],
    new: Annotated[Path, typer.Argument(help="The one after it.", exists=True, dir_okay=False)],
) -> None:
    """Show what changes from one membership to another: members, addresses, keys.

    Example: comity membership diff m1.json m2.json
    """
    from api.wire.membership import parse_membership

    rows = list(_changes(parse_membership(old.read_bytes()), parse_membership(new.read_bytes())))
    columns: list[output.Column] = [("MINISTRY", "id"), ("WHAT", "what"), ("DETAIL", "detail")]
    output.result(context, {"items": rows}, output.table(rows, columns))


@command(app, "fingerprint")
def fingerprint(
    context: CliContext,
    path: Annotated[Path, typer.Argument(help="Membership file.", exists=True, dir_okay=False)],
) -> None:
    """Print the digest in groups to read aloud, and each member's key ids.

    Example: comity membership fingerprint membership.json
    """
    from api.wire.membership import parse_membership

    found = parse_membership(path.read_bytes())
    keys = [
        {"id": one.id, "purpose": key.purpose.value, "alg": key.alg, "kid": key.kid}
        for one in found.members
        for key in one.keys
    ]
    digits = found.digest.removeprefix("sha256:")
    groups = " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))
    columns: list[output.Column] = [
        ("MINISTRY", "id"),
        ("PURPOSE", "purpose"),
        ("ALGORITHM", "alg"),
        ("KEY ID", "kid"),
    ]
    document = {"serial": found.serial, "digest": found.digest, "keys": keys}
    heading = [f"serial {found.serial}", groups]
    output.result(context, document, [*heading, *output.table(keys, columns)])


def _check_dropped(before: "Membership | None", given: set[str], dropped: set[str]) -> None:
    """Refuse to leave a member out that nobody said leaves."""
    present = set() if before is None else {one.id for one in before.members}
    missing = sorted(present - given - dropped)
    if missing:
        raise Invalid(
            "membership.dropped",
            f"These would leave: {', '.join(missing)}. Give their entries, name them with --drop, "
            "or use membership add.",
        )


def _member_entry(path: Path) -> "Member":
    """Read one member's entry; a whole membership is told apart."""
    from api.wire.canonical import parse
    from api.wire.limits import MEMBERSHIP
    from api.wire.membership import Member

    value = parse(path.read_bytes(), limit=MEMBERSHIP)
    if isinstance(value, dict) and "members" in value:
        raise Invalid(
            "membership.not-an-entry", f"{path.name} is a whole membership; give a member's entry."
        )
    return Member.from_json(value)


def _told(context: CliContext, out: Path, composed: "Membership") -> None:
    document = {
        "out": str(out),
        "serial": composed.serial,
        "digest": composed.digest,
        "members": [each.id for each in composed.members],
    }
    output.result(context, document, [composed.digest])


def _changes(old: "Membership", new: "Membership") -> Iterator[dict[str, str]]:
    before = {one.id: one for one in old.members}
    after = {one.id: one for one in new.members}
    for id_ in sorted(before.keys() | after.keys()):
        if id_ not in before:
            yield {"id": id_, "what": "joins", "detail": after[id_].url}
        elif id_ not in after:
            yield {"id": id_, "what": "leaves", "detail": before[id_].url}
        else:
            yield from _changed(before[id_], after[id_])


def _changed(old: "Member", new: "Member") -> Iterator[dict[str, str]]:
    for name in ("jurisdiction", "name", "url", "origin"):
        was, now = getattr(old, name), getattr(new, name)
        if was != now:
            yield {"id": old.id, "what": name, "detail": f"{was} -> {now}"}
    held = {key.kid: key for key in old.keys}
    for key in new.keys:
        if key.kid not in held:
            yield {"id": old.id, "what": "new key", "detail": f"{key.purpose.value} {key.kid}"}
        elif held.pop(key.kid) != key:
            yield {"id": old.id, "what": "key changes", "detail": f"{key.purpose.value} {key.kid}"}
    for kid, key in held.items():
        yield {"id": old.id, "what": "key gone", "detail": f"{key.purpose.value} {kid}"}


@command(app, "show")
def show_membership(
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

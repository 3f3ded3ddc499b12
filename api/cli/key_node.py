"""The node's own keys: an operator's commands on the keystore of this machine.

Owns listing, rotation, escrow and the way back from it. When a key becomes valid for partners is
the membership's matter (``comity membership add``); these commands change a keystore only.
"""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from api.cli import output
from api.cli.operator import SettingsFile, load_settings
from api.cli.profiles import CliContext
from api.domain.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from api.adapters.crypto.keystore import FileKeystore
    from api.settings import Settings
    from api.wire.keys import KeyRecord


# Events between a rotation and the restart of the last process that signs with the old keys.
_ROOM: Final = 10_000
KeystoreFile = Annotated[
    Path | None,
    typer.Option(help="Another keystore than the node's, such as the next one.", dir_okay=False),
]
FirstPassphrase = Annotated[
    Path | None, typer.Option(help="File of one administrator's passphrase; else asked for.")
]
SecondPassphrase = Annotated[Path | None, typer.Option(help="File of the other's.")]


class KeyPurpose(StrEnum):
    """Purposes of a node's signing keys (PROTOCOL §4)."""

    SEAL = "seal"
    MESSAGE = "message"
    LOG = "log"
    LOG_PQ = "log-pq"
    WITNESS = "witness"
    WITNESS_PQ = "witness-pq"


def list_node_keys(context: CliContext, settings: Path | None, keystore: Path | None) -> None:
    """Show the public records of the node's keys."""
    _, opened = _open_keystore(settings, keystore)
    _print_records(context, opened.public_keys())


def _print_records(context: CliContext, records: "Iterable[KeyRecord]") -> None:
    rows = [record.to_json() for record in records]
    columns: list[output.Column] = [
        ("KEY", "kid"),
        ("PURPOSE", "purpose"),
        ("ALGORITHM", "alg"),
        ("FROM", "from"),
        ("UNTIL", "until"),
        ("REVOKED FROM", "revoked_from"),
    ]
    output.result(context, {"items": rows}, output.table(rows, columns))


def rotate(
    context: CliContext,
    purpose: Annotated[KeyPurpose, typer.Argument(help="Whose keys to change.")],
    *,
    at_index: Annotated[
        int, typer.Option(min=0, help="First index of this node's log under the new keys.")
    ],
    old_until: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Index at which the old keys end. The node signs with them until it restarts, so "
            f"the default leaves room: --at-index and {_ROOM} more.",
        ),
    ] = None,
    revoked_from: Annotated[
        int | None,
        typer.Option(
            min=0, help="The old keys may have leaked: index from which nobody trusts them."
        ),
    ] = None,
    keystore: KeystoreFile = None,
    settings: SettingsFile = None,
) -> None:
    """Make new keys for a purpose and end the present ones, in the keystore's file.

    Prints the node's entry for the next membership; until every partner has that one, the new keys
    mean nothing to them, and a node whose membership lacks them does not start. A node that runs
    stays on the keys that it read at its start; change a copy, and put it in place with the
    membership.

    Example: comity key rotate seal --at-index 1200 --settings settings.env > us-treasury.json
    """
    from dataclasses import replace

    from api.adapters.crypto.keystore import OldKeys
    from api.bootstrap import pinned_membership
    from api.wire.keys import Purpose

    loaded, opened = _open_keystore(settings, keystore)
    member = pinned_membership(loaded).member(loaded.ministry)
    if old_until is None and revoked_from is None:
        old_until = at_index + _ROOM
    opened.rotate(Purpose(str(purpose)), at_index, OldKeys(old_until, revoked_from))
    entry: dict[str, Any] = replace(member, keys=opened.public_keys()).to_json()
    output.result(context, entry, [output.json_text(entry)])
    output.talk("Escrow the keys again, and compose the next membership with this entry.")


def escrow(
    context: CliContext,
    *,
    out: Annotated[Path, typer.Option(help="New file; keep it away from this machine.")],
    first_passphrase_file: FirstPassphrase = None,
    second_passphrase_file: SecondPassphrase = None,
    keystore: KeystoreFile = None,
    settings: SettingsFile = None,
) -> None:
    """Write all keys of the node so that only two administrators together can open them.

    Example: comity key escrow --out /media/safe/us-treasury.escrow --settings settings.env
    """
    _, opened = _open_keystore(settings, keystore)
    opened.export_escrow(
        out, _administrators(first_passphrase_file, second_passphrase_file, new=True)
    )
    document = {"out": str(out), "keys": len(opened.public_keys())}
    output.result(context, document, [str(out)])


def restore(
    context: CliContext,
    *,
    source: Annotated[
        Path, typer.Option("--from", help="The escrow.", exists=True, dir_okay=False)
    ],
    check: Annotated[
        bool, typer.Option("--check", help="Only open it and list its keys; nothing is written.")
    ] = False,
    first_passphrase_file: FirstPassphrase = None,
    second_passphrase_file: SecondPassphrase = None,
    keystore: KeystoreFile = None,
    settings: SettingsFile = None,
) -> None:
    """Make the node's keystore out of an escrow, with the passphrases of both administrators.

    The new file opens with the keystore's passphrase of this machine. A keystore that is there is
    never replaced.

    Example: comity key restore --from /media/safe/us-treasury.escrow --settings settings.env
    """
    from api.adapters.crypto.keystore import FileKeystore, escrowed_keys
    from api.adapters.crypto.sealed_file import read_passphrase

    administrators = _administrators(first_passphrase_file, second_passphrase_file, new=False)
    if check:
        records = escrowed_keys(source, administrators)
    else:
        loaded = load_settings(settings)
        records = FileKeystore.restore(
            keystore or loaded.keystore,
            lambda: read_passphrase(loaded.keystore_passphrase_file),
            source,
            administrators,
        ).public_keys()
    _print_records(context, records)


def _open_keystore(settings: Path | None, keystore: Path | None) -> "tuple[Settings, FileKeystore]":
    from api.adapters.crypto.keystore import FileKeystore
    from api.adapters.crypto.sealed_file import read_passphrase

    loaded = load_settings(settings)
    return loaded, FileKeystore.open(
        keystore or loaded.keystore, lambda: read_passphrase(loaded.keystore_passphrase_file)
    )


def _administrators(first: Path | None, second: Path | None, *, new: bool) -> tuple[str, str]:
    return (
        _passphrase("First administrator's passphrase", first, new=new),
        _passphrase("Second administrator's passphrase", second, new=new),
    )


def _passphrase(prompt: str, path: Path | None, *, new: bool) -> str:
    from api.adapters.crypto.sealed_file import read_passphrase

    if path is not None:
        return read_passphrase(path)
    if not sys.stdin.isatty():
        raise Invalid("escrow.passphrase-needed", "Give both passphrase files.")
    secret: str = typer.prompt(prompt, hide_input=True, confirmation_prompt=new, err=True)
    return secret

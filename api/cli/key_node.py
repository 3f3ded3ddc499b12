"""The node's own keys: an operator's commands on the keystore of this machine.

Owns listing, rotation and escrow. When a key becomes valid for partners is the membership's matter
(``comity membership compose``); these commands change this node's keystore only.
"""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import output
from api.cli.operator import SettingsFile, load_settings
from api.cli.profiles import CliContext
from api.domain.errors import Invalid

if TYPE_CHECKING:
    from api.adapters.crypto.keystore import FileKeystore
    from api.settings import Settings


class KeyPurpose(StrEnum):
    """Purposes of a node's signing keys (PROTOCOL §4)."""

    SEAL = "seal"
    MESSAGE = "message"
    LOG = "log"
    LOG_PQ = "log-pq"
    WITNESS = "witness"
    WITNESS_PQ = "witness-pq"


def list_node_keys(context: CliContext, settings: Path | None) -> None:
    """Show the public records of the node's keys."""
    _, keystore = _open_keystore(settings)
    rows = [record.to_json() for record in keystore.public_keys()]
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
    settings: SettingsFile = None,
) -> None:
    """Make new keys for a purpose and retire the present ones; stop the node first.

    Prints the node's entry for the next membership; until every partner has that one, the new keys
    mean nothing to them, and a node whose membership lacks them does not start.

    Example: comity key rotate seal --at-index 1200 --settings settings.env > us-treasury.json
    """
    from dataclasses import replace

    from api.bootstrap import pinned_membership
    from api.wire.keys import Purpose

    loaded, keystore = _open_keystore(settings)
    member = pinned_membership(loaded).member(loaded.ministry)
    keystore.rotate(Purpose(str(purpose)), at_index)
    entry: dict[str, Any] = replace(member, keys=keystore.public_keys()).to_json()
    output.result(context, entry, [output.json_text(entry)])
    output.talk("Escrow the keys again, and compose the next membership with this entry.")


def escrow(
    context: CliContext,
    *,
    out: Annotated[Path, typer.Option(help="New file; keep it away from this machine.")],
    first_passphrase_file: Annotated[
        Path | None, typer.Option(help="File of one administrator's passphrase; else asked for.")
    ] = None,
    second_passphrase_file: Annotated[
        Path | None, typer.Option(help="File of the other's.")
    ] = None,
    settings: SettingsFile = None,
) -> None:
    """Write all keys of the node so that only two administrators together can open them.

    Example: comity key escrow --out /media/safe/us-treasury.escrow --settings settings.env
    """
    _, keystore = _open_keystore(settings)
    administrators = (
        _passphrase("First administrator's passphrase", first_passphrase_file),
        _passphrase("Second administrator's passphrase", second_passphrase_file),
    )
    keystore.export_escrow(out, administrators)
    document = {"out": str(out), "keys": len(keystore.public_keys())}
    output.result(context, document, [str(out)])


def _open_keystore(settings: Path | None) -> "tuple[Settings, FileKeystore]":
    from api.adapters.crypto.keystore import FileKeystore
    from api.adapters.crypto.sealed_file import read_passphrase

    loaded = load_settings(settings)
    return loaded, FileKeystore.open(
        loaded.keystore, lambda: read_passphrase(loaded.keystore_passphrase_file)
    )


def _passphrase(prompt: str, path: Path | None) -> str:
    from api.adapters.crypto.sealed_file import read_passphrase

    if path is not None:
        return read_passphrase(path)
    if not sys.stdin.isatty():
        raise Invalid("escrow.passphrase-needed", "Give both passphrase files.")
    secret: str = typer.prompt(prompt, hide_input=True, confirmation_prompt=True, err=True)
    return secret

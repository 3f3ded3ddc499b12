"""An officer's own signature from the command line.

Owns finding and opening the profile's key; what is signed, and how, is ``adapters.crypto``'s. A
passphrase never comes from the command line's arguments: it is asked for, or read from a file
(which may be a descriptor, such as ``/dev/fd/3``).
"""

import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.client import Api, profile_of
from api.cli.profiles import CliContext

if TYPE_CHECKING:
    from api.adapters.crypto.officer_key import OfficerKey
    from api.wire.statements import Content

PassphraseFile = Annotated[
    Path | None, typer.Option(help="File whose first line opens your signing key.")
]
Recorded = Annotated[
    bool, typer.Option("--recorded", help="Do not sign; let the ministry record your word.")
]


def open_key(path: Path, passphrase_file: Path | None) -> "OfficerKey":
    """Open a signing key; asks for its passphrase on a terminal when it needs one.

    Raises:
        NotFound: ``keystore.missing``.
        Invalid: ``keystore.*``, ``officer-key.passphrase-needed``.
    """
    from api.adapters.crypto.officer_key import OfficerKey

    return OfficerKey.open(path, passphrase_of(path, passphrase_file))


def passphrase_of(path: Path, passphrase_file: Path | None) -> str | None:
    """Return what opens a signing key, asked for on a terminal; None for a plain one.

    Raises:
        NotFound: ``keystore.missing``.
        Invalid: ``keystore.permissions``, ``keystore.passphrase-empty``.
    """
    from api.adapters.crypto.officer_key import is_plain
    from api.adapters.crypto.sealed_file import read_passphrase, read_private

    if passphrase_file is not None:
        return read_passphrase(passphrase_file)
    if sys.stdin.isatty() and not is_plain(read_private(path)):
        return str(typer.prompt("Passphrase", hide_input=True, err=True))
    return None


def own_key(
    context: CliContext, passphrase_file: Path | None, *, recorded: bool
) -> "OfficerKey | None":
    """Return the profile's signing key, or None when it has none or shall not be used."""
    _, profile = profile_of(context)
    path = profile.key_path(context.home)
    if path is None or recorded:
        return None
    return open_key(path, passphrase_file)


def endorsed(
    api: Api,
    key: "OfficerKey | None",
    content: "Content",
    nonce: str | None = None,
    issuer: str = "",
) -> dict[str, Any]:
    """Return the ``endorsement`` member of a draft; empty when its preparer does not sign.

    The signature covers the ministry that will seal the statement and a nonce, which goes with it
    (PROTOCOL §9, *Preparer's bytes*).

    Args:
        api: the node, which says whose it is.
        key: the preparer's key.
        content: what is signed.
        nonce: that of the draft whose next version this is; a new one if none is given.
        issuer: the ministry that will seal it; the node is asked if none is given.
    """
    if key is None:
        return {}
    from api.wire.encoding import b64u_encode
    from api.wire.statements import NONCE_BYTES

    fresh = nonce or b64u_encode(secrets.token_bytes(NONCE_BYTES))
    sealer = issuer or str(api.me()["ministry"])
    proof = key.sign_prepared(content, issuer=sealer, nonce=fresh)
    return {"endorsement": proof.to_json() | {"nonce": fresh}}

"""``comity key``: officers' signing keys, and the node's own keys on its machine.

Owns an officer's key file and its enrolment over REST. ``rotate``, ``escrow``, ``restore`` and
``list --node`` are operators' commands on the node's keystore.
"""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli import key_node, output
from api.cli.arguments import Kid, Seen
from api.cli.client import connected, profile_of
from api.cli.commands import command, group
from api.cli.deciding import Change, Yes, approved, shown
from api.cli.operator import SettingsFile
from api.cli.profiles import CliContext, ProfileStore
from api.cli.signing import PassphraseFile, open_key, passphrase_of
from api.domain.errors import Invalid, NotFound

app = group("key", "Officers' signing keys, and the node's own keys.")

_COLUMNS: list[output.Column] = [
    ("KEY", "kid"),
    ("STATE", "state"),
    ("FORM", "form"),
    ("OFFICER", "officer"),
    ("SINCE", output.at("proposed_at")),
]


@command(app, "new")
def new(
    context: CliContext,
    *,
    out: Annotated[
        Path | None, typer.Option(help="Key file; default: keys/PROFILE.pem in COMITY_HOME.")
    ] = None,
    passphrase_file: PassphraseFile = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="No passphrase: the machine protects the file.")
    ] = False,
) -> None:
    """Make a signing key of your own; the profile uses it from now on.

    Example: comity --profile us-analyst key new
    """
    from api.adapters.crypto.officer_key import OfficerKey

    store = ProfileStore(context.home)
    name = store.choose(context.profile_name)
    with store.lock(name):
        profile = store.load(name)
        path = (out or context.home / "keys" / f"{name}.pem").absolute()
        secret = None if plain else _new_passphrase(passphrase_file)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = OfficerKey.create(path, secret)
        store.save(name, replace(profile, key_file=_relative(path, context.home)))
    document = {"kid": key.kid, "file": str(path), "jwk": key.jwk}
    output.result(context, document, output.details({"key": key.kid, "file": str(path)}))
    output.talk("Ask for its enrolment: comity key request.")


@command(app, "convert")
def convert(context: CliContext, *, passphrase_file: PassphraseFile = None) -> None:
    """Write your key's file anew, in the form that openssl opens: encrypted PKCS #8 in PEM.

    The key and its passphrase stay as they are. A file named PROFILE.json becomes PROFILE.pem.

    Example: comity --profile us-analyst key convert
    """
    from api.adapters.crypto.officer_key import OfficerKey

    store = ProfileStore(context.home)
    name = store.choose(context.profile_name)
    with store.lock(name):
        profile = store.load(name)
        path = profile.key_path(context.home)
        if path is None:
            raise _no_key()
        secret = passphrase_of(path, passphrase_file)
        key = OfficerKey.open(path, secret)
        target = path.with_suffix(".pem") if path.suffix == ".json" else path
        key.write(target, secret, replace=target == path)
        # A crash here leaves both files, and the profile with the old one.
        store.save(name, replace(profile, key_file=_relative(target, context.home)))
        if target != path:
            path.unlink()
    document = {"kid": key.kid, "file": str(target)}
    output.result(context, document, output.details({"key": key.kid, "file": str(target)}))


@command(app, "list")
def list_keys(
    context: CliContext,
    *,
    everyone: Annotated[
        bool, typer.Option("--all", help="The keys of all officers, for administrators.")
    ] = False,
    node: Annotated[
        bool, typer.Option("--node", help="The node's own keys, on its machine.")
    ] = False,
    keystore: key_node.KeystoreFile = None,
    settings: SettingsFile = None,
) -> None:
    """List your signing keys, those of all officers, or the node's own.

    Example: comity --profile us-analyst key list
    """
    if node:
        key_node.list_node_keys(context, settings, keystore)
        return
    with connected(context) as api:
        if everyone:
            names = {each["id"]: each["name"] for each in api.get("/officers")["items"]}
            found = api.get("/keys")["items"]
            keys = [key | {"name": names.get(key["officer"])} for key in found]
        else:
            keys = api.me()["keys"]
    columns = [*_COLUMNS, ("NAME", "name")] if everyone else _COLUMNS
    output.result(context, {"items": keys}, output.table(keys, columns))


@command(app, "request")
def request(context: CliContext, *, passphrase_file: PassphraseFile = None) -> None:
    """Ask for your signing key to be enrolled; two administrators decide.

    Example: comity --profile us-analyst key request
    """
    _, profile = profile_of(context)
    path = profile.key_path(context.home)
    if path is None:
        raise _no_key()
    key = open_key(path, passphrase_file)
    with connected(context) as api:
        me = api.me()
        challenge = api.post("/keys/challenges", {"form": "jws"})["challenge"]
        signature = key.sign_possession(me["ministry"], me["iss"], me["sub"], challenge)
        asked = {"form": "jws", "jwk": key.jwk, "challenge": challenge, "signature": signature}
        made = api.post("/keys", asked)
    output.result(context, made, _key_lines(made))
    output.talk("Two administrators now compare the key's id with you, and approve it.")


command(app, "enrol")(request)


@command(app, "propose")
def propose_key(context: CliContext, key: Kid) -> None:
    """Vouch, as the first administrator, for a requested key.

    Example: comity --profile us-admin key propose Xa3…
    """
    _decide(context, key, "propose")


@command(app, "preview")
def preview_key(context: CliContext, key: Kid) -> None:
    """Show whose key waits for approval.

    Example: comity --profile us-admin2 key preview Xa3…
    """
    shown(context, f"/keys/{key}/preview")


@command(app, "approve")
def approve_key(context: CliContext, key: Kid, *, digest: Seen = None, yes: Yes = False) -> None:
    """Approve, as another administrator, a key that was vouched for: shows whose, and asks.

    Example: comity --profile us-admin2 key approve Xa3…
    """
    change = Change(f"/keys/{key}/preview", f"/keys/{key}/approve", _key_lines)
    approved(context, change, digest=digest, yes=yes)


@command(app, "revoke")
def revoke(context: CliContext, key: Kid) -> None:
    """Stop accepting an officer's key, at once; what it signed before stands.

    Example: comity --profile us-admin key revoke Xa3…
    """
    _decide(context, key, "revoke")


command(app, "rotate")(key_node.rotate)
command(app, "escrow")(key_node.escrow)
command(app, "restore")(key_node.restore)


def _decide(context: CliContext, key: str, act: str) -> None:
    with connected(context) as api:
        done = api.post(f"/keys/{key}/{act}")
    output.result(context, done, _key_lines(done))


def _key_lines(key: Mapping[str, Any]) -> Iterable[str]:
    return output.details(
        {"key": key["kid"], "state": key["state"], "form": key["form"], "officer": key["officer"]}
    )


def _no_key() -> NotFound:
    return NotFound("officer-key.none", "This profile has no signing key: comity key new.")


def _new_passphrase(path: Path | None) -> str:
    from api.adapters.crypto.sealed_file import read_passphrase

    if path is not None:
        return read_passphrase(path)
    if not sys.stdin.isatty():
        raise Invalid("officer-key.passphrase-needed", "Give --passphrase-file, or say --plain.")
    secret: str = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=True, err=True)
    return secret


def _relative(path: Path, home: Path) -> str:
    """Return how a profile names its key: below its home relatively, so that both can move."""
    base = home.absolute()
    return str(path.relative_to(base) if path.is_relative_to(base) else path)

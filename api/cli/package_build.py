"""``comity package build``: the command around `api.cli.build`.

Owns options, whose signature it is, and output. Registered by the ``package`` group.
"""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from api.cli import output
from api.cli.client import connected
from api.cli.profiles import CliContext, Profile, ProfileStore
from api.cli.signing import open_key
from api.domain.errors import Invalid, NotSignedIn
from api.wire.canonical import Json, parse
from api.wire.encoding import b64u_decode
from api.wire.errors import WireError

if TYPE_CHECKING:
    from api.cli.build import Built, Progress

ROLE: Final = "analyst"
"""The role in which packages are prepared."""

_MAX_CLAIMS: Final = 64 * 1024
_PERCENT: Final = 100


def package_build_command(  # noqa: PLR0917 - Typer reads options from the signature
    ctx: typer.Context,
    folder: Annotated[
        Path, typer.Argument(help="Folder of the exhibits.", exists=True, file_okay=False)
    ],
    description: Annotated[
        Path, typer.Option(help="TOML that describes the package.", exists=True, dir_okay=False)
    ],
    out: Annotated[Path, typer.Option(help="Package file to write.")],
    key: Annotated[Path | None, typer.Option(help="Your signing key; else the profile's.")] = None,
    passphrase_file: Annotated[
        Path | None, typer.Option(help="File whose first line opens the key.")
    ] = None,
    iss: Annotated[
        str | None, typer.Option(help="Sign-in service that names you; else the profile's.")
    ] = None,
    sub: Annotated[str | None, typer.Option(help="Your id there; else the profile's.")] = None,
    ministry: Annotated[
        str | None, typer.Option(help="Ministry that will seal it; else the profile's.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Hash the exhibits, sign the manifest with your key, write the package file.

    Example: comity package build evidence --description package.toml --out case.comity
    """
    from api.cli.build import Preparer, build_package

    context: CliContext = ctx.obj
    profile = _profile(context)
    claims = _claims(profile)
    iss, sub = iss or claims.get("iss"), sub or claims.get("sub")
    if not iss or not sub:
        raise NotSignedIn("sign-in.needed", "Sign in first, or say who you are: --iss and --sub.")
    path = key or (profile.key_path(context.home) if profile is not None else None)
    if path is None:
        raise Invalid("officer-key.none", "Name your signing key with --key.")
    loaded = open_key(path, passphrase_file)
    signer = Preparer(loaded, loaded.named(iss, sub, ROLE), _ministry(context, ministry, profile))
    built = build_package(folder, description, out, signer, _bar())
    document: dict[str, Json] = {
        "out": str(built.path),
        "prepared": built.prepared,
        "exhibits": built.exhibits,
        "bytes": built.size,
        "kid": built.kid,
        "uncited": list(built.uncited),
        "guessed": dict(built.guessed),
    }
    if as_json or context.json:
        typer.echo(json.dumps(document, ensure_ascii=False))
        return
    typer.echo(f"{built.path}: {built.exhibits} exhibits, {built.size} bytes, signed by you.")
    _tell_what_is_left(built)


def _tell_what_is_left(built: "Built") -> None:
    if built.guessed:
        told = ", ".join(f"{label} {media_type}" for label, media_type in built.guessed.items())
        output.talk(f"Media types told by names: {told}. Give media_type where one is wrong.")
    if built.uncited:
        output.talk(f"No claim cites {', '.join(built.uncited)}: is that meant?")
    typer.echo("No ministry has sealed it yet: comity package submit does.", err=True)


def _profile(context: CliContext) -> Profile | None:
    """Return the chosen profile; None where there is none at all and none was asked for."""
    store = ProfileStore(context.home)
    if context.profile_name is None and not store.names():
        return None
    return store.load(store.choose(context.profile_name))


def _ministry(context: CliContext, given: str | None, profile: Profile | None) -> str:
    """Return the ministry for which a package is prepared; its node is asked where none is named.

    Raises:
        Invalid: ``package.ministry``: none is named, and there is no profile whose node says it.
    """
    if given is not None:
        return given
    if profile is None:
        raise Invalid("package.ministry", "Name the ministry that will seal it: --ministry.")
    with connected(context) as api:
        return str(api.me()["ministry"])


def _claims(profile: Profile | None) -> dict[str, str]:
    """Return what our own access token says about us; the node will judge it."""
    if profile is None or profile.tokens is None:
        return {}
    try:
        body = b64u_decode(profile.tokens.access_token.split(".")[1])
        claims = parse(body, limit=_MAX_CLAIMS)
    except (IndexError, WireError):
        return {}
    if not isinstance(claims, dict):
        return {}
    return {name: value for name, value in claims.items() if isinstance(value, str)}


def _bar() -> "Progress | None":
    """Return a progress line for a terminal, else nothing."""
    if not sys.stderr.isatty():
        return None
    shown = -1

    def show(done: int, total: int) -> None:
        nonlocal shown
        percent = _PERCENT * done // max(total, 1)
        if percent != shown:
            shown = percent
            end = "\n" if percent == _PERCENT else ""
            typer.echo(f"\r{percent:3d} %{end}", err=True, nl=False)

    return show

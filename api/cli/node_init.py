"""``comity node init`` and ``node admins``: making a node, once.

Owns the files of a new node: keystore, passphrase, database, settings, member entry. Every step is
taken once; what is there already is never replaced.
"""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import typer

from api.cli import output
from api.cli.files import write_new, write_private
from api.cli.operator import PREFIX, SettingsFile, load_settings, read_lines
from api.cli.profiles import CliContext
from api.domain.errors import Invalid
from api.wire.encoding import b64u_encode

Person = tuple[str, str, str]
_PASSPHRASE_BYTES: Final = 32
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class _NewNode:
    """Who the node is, and where its parts lie."""

    home: Path
    ministry: str
    jurisdiction: str
    name: str
    url: str
    origin: str
    database_url: str
    passphrase_file: Path

    @property
    def keystore(self) -> Path:
        return self.home / "keystore.json"

    @property
    def store(self) -> Path:
        return self.home / "exhibits"


def init(
    context: CliContext,
    *,
    home: Annotated[Path | None, typer.Option(help="New folder of the node.")] = None,
    ministry: Annotated[str | None, typer.Option(help="Member id, such as us-treasury.")] = None,
    jurisdiction: Annotated[str | None, typer.Option(help="Such as US.")] = None,
    name: Annotated[str | None, typer.Option(help="The ministry's name, for people.")] = None,
    url: Annotated[str | None, typer.Option(help="Address for officers and partners.")] = None,
    origin: Annotated[
        str | None, typer.Option(help="Name of the log; default host of the address, then /log.")
    ] = None,
    database_url: Annotated[
        str | None, typer.Option(help="Default: SQLite in the folder; or COMITY_DATABASE_URL.")
    ] = None,
    passphrase_file: Annotated[
        Path | None,
        typer.Option(help="File that opens the keystore; default: a new one.", exists=True),
    ] = None,
    migrate: Annotated[
        bool, typer.Option("--migrate", help="Only bring the database to this revision.")
    ] = False,
    settings: SettingsFile = None,
) -> None:
    """Make a node: keys, empty database, settings; print its entry for the membership.

    With --migrate, only bring the database to the revision of this program.

    Example: comity node init --home /var/lib/comity --ministry us-treasury --jurisdiction US
    --name "Treasury" --url https://comity.example > us-treasury.json
    """
    if migrate:
        _migrate(context, database_url, settings)
        return
    needed = {"home": home, "ministry": ministry, "jurisdiction": jurisdiction, "url": url}
    missing = [f"--{option}" for option, value in needed.items() if value is None]
    if home is None or ministry is None or jurisdiction is None or url is None:
        raise Invalid("node.incomplete", f"Give {', '.join(missing)}.")
    home = home.resolve()
    new = _NewNode(
        home=home,
        ministry=ministry,
        jurisdiction=jurisdiction,
        name=name or ministry,
        url=url.rstrip("/"),
        origin=origin or f"{urlsplit(url).netloc}/log",
        database_url=database_url
        or os.environ.get(f"{PREFIX}DATABASE_URL")
        or f"sqlite:///{home / 'comity.db'}",
        passphrase_file=(passphrase_file or home / "keystore-passphrase").resolve(),
    )
    entry = _make(new, own_passphrase=passphrase_file is not None)
    output.talk(f"Made {home}: keep keystore and passphrase in no backup; escrow the keys now.")
    output.talk("Next: membership compose, settings.env, node admins, node serve.")
    # For people and machines alike: the entry is what `membership compose --member` reads.
    output.result(context, entry, [output.json_text(entry)])


def admins(
    context: CliContext,
    *,
    first: Annotated[Person, typer.Option(metavar="ISS SUB NAME", help="An administrator.")],
    second: Annotated[Person, typer.Option(metavar="ISS SUB NAME", help="Another person.")],
    settings: SettingsFile = None,
) -> None:
    """Name the first two administrators of an empty node; possible once, and logged.

    Example: comity node admins --first https://id.example a1 "A. One"
    --second https://id.example b2 "B. Two"
    """
    from api.bootstrap import build
    from api.services.desk.officers import NewOfficer, bootstrap

    people = [first, second]
    if len({(iss, sub) for iss, sub, _ in people}) < len(people):
        raise Invalid("officer.two-needed", "Name two different people.")
    installation = build(load_settings(settings))
    try:
        made = bootstrap(
            installation.node, [NewOfficer(name, [(iss, sub)]) for iss, sub, name in people]
        )
    finally:
        installation.close()
    rows = [
        {"id": officer, "name": name, "iss": iss, "sub": sub}
        for officer, (iss, sub, name) in zip(made, people, strict=True)
    ]
    columns: list[output.Column] = [("OFFICER", "id"), ("NAME", "name"), ("ACCOUNT", "sub")]
    output.result(context, {"administrators": rows}, output.table(rows, columns))


def _migrate(context: CliContext, database_url: str | None, settings: Path | None) -> None:
    from api.records import migrating

    name = f"{PREFIX}DATABASE_URL"
    url = database_url or os.environ.get(name) or read_lines(settings).get(name)
    if not url:
        raise Invalid("settings.incomplete", f"Give --database-url or {name}.")
    before = migrating.current(url)
    migrating.upgrade(url)
    now = migrating.head()
    said = f"The database is at {now}" + (" already." if before == now else f", it was {before}.")
    output.result(context, {"before": before, "revision": now}, [said])


def _make(new: _NewNode, *, own_passphrase: bool) -> dict[str, Any]:
    """Make all parts; the keystore, which nothing can replace, first."""
    from api.adapters.crypto.keystore import FileKeystore
    from api.adapters.crypto.sealed_file import read_passphrase
    from api.records import migrating
    from api.wire.canonical import canonical
    from api.wire.membership import Member

    new.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    blank = Member(new.ministry, new.jurisdiction, new.name, new.url, new.origin, ())
    _check_member(blank)
    if not own_passphrase and not new.passphrase_file.exists():
        secret = b64u_encode(secrets.token_bytes(_PASSPHRASE_BYTES))
        write_private(new.passphrase_file, f"{secret}\n".encode())
    keystore = FileKeystore.create(new.keystore, lambda: read_passphrase(new.passphrase_file))
    new.store.mkdir(mode=0o700, exist_ok=True)
    migrating.upgrade(new.database_url)
    entry = Member(
        new.ministry,
        new.jurisdiction,
        new.name,
        new.url,
        new.origin,
        keystore.public_keys(),
    ).to_json()
    write_new(new.home / "member.json", canonical(entry), replace=True)
    write_new(new.home / "settings.env", _settings(new).encode(), mode=0o600)
    return entry


def _check_member(member: Any) -> None:
    """Refuse a name, address or origin that no membership takes, before any key is made."""
    from api.wire.errors import WireError
    from api.wire.membership import Member

    try:
        # A key-less entry is refused for its keys alone, which come last.
        Member.from_json(member.to_json())
    except WireError as error:
        if "keys" not in error.message:
            raise Invalid(error.code, error.message) from None


def _settings(new: _NewNode) -> str:
    """Return the settings that are known by now, and those that are not as comments."""
    lines = [
        f"# Settings of {new.ministry}; every name is explained in deploy/settings.env.example.",
        f"COMITY_MINISTRY={new.ministry}",
        f"COMITY_PUBLIC_URL={new.url}",
        f"COMITY_DATABASE_URL={new.database_url}",
        f"COMITY_STORE={new.store}",
        f"COMITY_KEYSTORE={new.keystore}",
        f"COMITY_KEYSTORE_PASSPHRASE_FILE={new.passphrase_file}",
        f"COMITY_MEMBERSHIP={new.home / 'membership.json'}",
        "# Still to be entered:",
        "#COMITY_MEMBERSHIP_DIGEST=sha256:",
        "#COMITY_ISSUERS=",
    ]
    address = urlsplit(new.url)
    if address.scheme == "http" and address.hostname in _LOOPBACK and address.port:
        # Without a proxy in front, the node itself listens where the membership says.
        lines += [f"COMITY_LISTEN_HOST={address.hostname}", f"COMITY_LISTEN_PORT={address.port}"]
    return "\n".join(lines) + "\n"

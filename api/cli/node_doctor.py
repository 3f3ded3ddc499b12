"""``comity node doctor``: looks at everything that a node needs, and says what to do.

Owns the order of the looks and the words. Each look is one that the node itself makes at start, at
``/readyz`` or in a job; the doctor writes nothing and needs no officer. A look that needs what an
earlier one missed is left out, and said to be.
"""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from api.cli import output
from api.cli.exits import ExitCode
from api.cli.operator import SettingsFile, load_settings
from api.cli.profiles import CliContext
from api.domain.errors import ComityError, Invalid, Unavailable
from api.wire.errors import WireError

if TYPE_CHECKING:
    from api.services.node import Node
    from api.settings import Settings

_OLDEST_BACKUP: Final = timedelta(hours=26)
_REMEDIES: Final = {
    "settings": "Mend the settings; deploy/settings.env.example explains each.",
    "files": "chmod 0600, and see who could read them until now.",
    "membership": "Install the file whose digest two administrators confirmed.",
    "keystore": "Name the keystore and the passphrase that opens it in the settings.",
    "keys": "See the runbook rotate-a-key; the membership and this keystore must agree.",
    "database": "Start PostgreSQL, or run: comity node init --migrate.",
    "store": "Make the folder or bucket writable for the node's user.",
    "head memory": "Make the place of COMITY_HEAD_MEMORY writable for the node alone.",
    "certificate": "Have the client certificate renewed before it ends.",
    "clock": "Set the clock: install chrony or systemd-timesyncd.",
    "disk": "Make room; see the runbook disk-full.",
    "sequencer": "See that a worker runs: systemctl status comity-worker.",
    "sign-in": "Name the issuer exactly as it names itself, reachable from here.",
    "backup": "See that comity-backup.timer runs; see the runbook back-up-and-restore.",
    "own door": "Start the node, and let the proxy pass its public address on.",
}
_ON_SQLITE: Final = {
    "database": "Make it or bring it to this program: comity node init --migrate.",
    "sequencer": "Start the app, with COMITY_JOBS=true: on SQLite it is its own worker.",
}
_WITHOUT_TLS: Final = {
    "own door": "Start the node; with an http address it also needs COMITY_ALLOW_HTTP_PEERS=true.",
}
_BY_CODE: Final = {
    "keys.not-in-membership": (
        "Install the membership that lists the new keys, or put the keystore of before the "
        "rotation back; see the runbook rotate-a-key."
    ),
}
_PARTNER: Final = "Call that ministry; until it answers, what is meant for it waits here."
_READY: Final = ("store", "clock", "sequencer", "disk")


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found.

    Attributes:
        check: what was looked at.
        state: ``good``, ``bad``, or ``left out``.
        said: what is so.
        remedy: what to do; empty where nothing is.
    """

    check: str
    state: str
    said: str
    remedy: str = ""


def doctor(
    context: CliContext,
    *,
    backups: Annotated[
        Path | None, typer.Option(help="Where backups are kept; the newest is checked.")
    ] = None,
    settings: SettingsFile = None,
) -> None:
    """Look at settings, files, keys, clock, database, partners, sign-in and backup; say what to do.

    Changes nothing; the node may be at work. Exit code 3 when something is bad.

    Example: comity node doctor --backups /var/lib/comity/backups
    """
    found: list[Look] = []
    try:
        loaded = load_settings(settings)
    except (ComityError, OSError) as error:
        found.append(Look("settings", "bad", _sentence(error), _REMEDIES["settings"]))
    else:
        fitting = _fitting(loaded)
        found += (
            replace(one, remedy=fitting[one.check])
            if one.check in fitting and one.state == "bad"
            else one
            for one in _looks(loaded, backups)
        )
    bad = [one for one in found if one.state == "bad"]
    output.result(context, {"looks": [asdict(one) for one in found]}, _doctor_lines(found))
    if bad:
        raise typer.Exit(ExitCode.VERIFICATION_FAILED)


def _doctor_lines(found: list[Look]) -> Iterator[str]:
    room = max(len(one.check) for one in found)
    for one in found:
        yield output.safe(f"{one.state:<8}  {one.check:<{room}}  {one.said}")
        if one.remedy:
            yield output.safe(f"{'':<8}  {'':<{room}}  -> {one.remedy}")


def _looks(settings: "Settings", backups: Path | None) -> Iterator[Look]:
    """Look at what needs no database first; then build the node and ask it."""
    from api.bootstrap import memory_of, pinned_membership
    from api.records import migrating

    early = [
        _look("settings", lambda: f"{settings.ministry} at {settings.public_url}"),
        _look("files", lambda: _files(settings)),
        _look("membership", lambda: f"serial {pinned_membership(settings).serial}, as confirmed"),
        _look("keystore", lambda: _keystore(settings)),
        _look("database", lambda: _database(settings, migrating.require_head)),
        _look("head memory", lambda: _done(memory_of(settings), "it refuses a second writer")),
        _look("certificate", lambda: _certificate(settings)),
        *(_look("sign-in", lambda: _issuer(issuer)) for issuer in settings.issuers.split()),  # noqa: B023
    ]
    yield from early
    if any(one.state == "bad" for one in early if one.check not in {"sign-in", "certificate"}):
        yield Look("the node", "left out", "It cannot start until the above is mended.")
        return
    yield from _of_the_node(settings, backups)


def _fitting(settings: "Settings") -> dict[str, str]:
    """Return what to do where this node's kind of installation differs from the usual one."""
    from sqlalchemy import make_url

    lite = make_url(settings.database_url).get_backend_name() == "sqlite"
    plain = settings.public_url.startswith("http://")
    return (_ON_SQLITE if lite else {}) | (_WITHOUT_TLS if plain else {})


def _of_the_node(settings: "Settings", backups: Path | None) -> Iterator[Look]:
    from api.bootstrap import build, local_places, peers_of
    from api.services.operations.attention import concerns
    from api.services.operations.readiness import Bounds, checks

    try:
        installation = build(settings)
    except (ComityError, WireError) as error:
        remedy = _BY_CODE.get(error.code, _REMEDIES["settings"])
        yield Look("the node", "bad", _sentence(error), remedy)
        return
    peers = peers_of(settings, installation.node.membership)
    node = replace(installation.node, transport=peers)
    try:
        passed = checks(node, Bounds(places=local_places(settings)))
        for name in _READY:
            state = "good" if passed[name] else "bad"
            said = "as it must be" if passed[name] else "it does not pass"
            yield Look(name, state, said, "" if passed[name] else _REMEDIES[name])
        worries = [f"{one.code} {one.purpose}".strip() for one in concerns(node, None)]
        yield _look("keys", lambda: _none_of(worries, "all current, and in the membership"))
        yield _look("own door", lambda: _door(node, node.ministry))
        for peer in node.others():
            yield _look(f"partner {peer}", lambda: _door(node, peer), _PARTNER)  # noqa: B023
        if backups is None:
            yield Look("backup", "left out", "Say where backups are kept: --backups.")
        else:
            yield _look("backup", lambda: _backup(node, backups))
    finally:
        peers.close()
        installation.close()


def _look(check: str, act: Callable[[], str], remedy: str = "") -> Look:
    try:
        return Look(check, "good", act())
    except (ComityError, WireError, OSError, ValueError) as error:
        return Look(check, "bad", _sentence(error), remedy or _REMEDIES[check])


def _sentence(error: Exception) -> str:
    if isinstance(error, ComityError | WireError):
        return f"{error.message} [{error.code}]"
    return f"{type(error).__name__}: {error}"


def _done(thing: object, said: str) -> str:
    del thing
    return said


def _none_of(worries: list[str], said: str) -> str:
    if worries:
        raise Invalid("doctor.found", f"{', '.join(worries)}.")
    return said


def _files(settings: "Settings") -> str:
    """Refuse private files that others may read, and those that are not there."""
    from sqlalchemy import make_url

    named = [settings.keystore, settings.keystore_passphrase_file]
    named += [path for path in (settings.peer_key, settings.console_key) if path is not None]
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and url.database:
        named.append(Path(url.database))
    open_ones = []
    for path in named:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode) and mode & (stat.S_IRWXG | stat.S_IRWXO):
            open_ones.append(f"{path} is open to others")
        elif not os.access(path, os.R_OK):
            open_ones.append(f"{path} cannot be read by this user")
    return _none_of(open_ones, f"{len(named)} private files are the owner's alone")


def _keystore(settings: "Settings") -> str:
    from api.adapters.crypto.keystore import FileKeystore
    from api.adapters.crypto.sealed_file import read_passphrase

    keystore = FileKeystore.open(
        settings.keystore, lambda: read_passphrase(settings.keystore_passphrase_file)
    )
    return f"it opens; {len(keystore.public_keys())} keys"


def _database(settings: "Settings", require: Callable[[str], None]) -> str:
    from sqlalchemy.exc import SQLAlchemyError

    try:
        require(settings.database_url)
    except SQLAlchemyError as error:
        raise Unavailable(
            "database.unavailable", f"It cannot be opened ({type(error).__name__})."
        ) from None
    return "it answers, at this program's revision"


def _certificate(settings: "Settings") -> str:
    from api.adapters.peers.certificate import valid_until
    from api.adapters.system import SystemClock
    from api.services.operations.attention import WARN_DAYS

    if settings.peer_certificate is None:
        return "none is shown to partners"
    until = valid_until(settings.peer_certificate)
    left = until - SystemClock().now()
    if left < timedelta(days=WARN_DAYS):
        raise Invalid("certificate.expires", f"It ends on {until:%Y-%m-%d}.")
    return f"good until {until:%Y-%m-%d}"


def _issuer(issuer: str) -> str:
    from api.adapters.identity.discovery import BadDocument, discover
    from api.adapters.identity.fetching import FetchFailed, HttpFetch

    try:
        discover(issuer, HttpFetch())
    except (BadDocument, FetchFailed) as error:
        raise Unavailable("issuer.unavailable", f"{issuer}: {error}.") from None
    return f"{issuer} answers"


def _door(node: "Node", ministry: str) -> str:
    """Ask a node, our own or a partner's, which membership it runs with."""
    from api.services.road.partner_memberships import membership_of

    serial, digest = membership_of(node, ministry)
    if digest != node.membership.digest:
        raise Invalid(
            "membership.differs",
            f"It runs with serial {serial}; here serial {node.membership.serial} is in force.",
        )
    return f"it answers, with serial {serial} as here"


def _backup(node: "Node", folder: Path) -> str:
    from api.services.recovery import backups

    found = backups.check_backup(backups.newest(folder), node.membership, node.ministry)
    age = node.clock.now() - datetime.fromisoformat(found.made_at)
    if age > _OLDEST_BACKUP:
        raise Invalid("backup.old", f"The newest is of {output.moment(found.made_at)}.")
    return f"of {output.moment(found.made_at)}, {found.log_size} leaves, whole"

"""Backups: a consistent copy of the database, the exhibits by digest, a sealed manifest.

Owns the form of a backup folder. Private keys are never in it: they come back from escrow.

    OUT/exhibits/<sha256 hex>             shared by all backups in OUT; a file is copied once
    OUT/<ministry>-<time>/database.*      SQLite file, or the archive that pg_dump wrote
    OUT/<ministry>-<time>/exhibits.sha256 what ``sha256sum -c`` reads, one line an exhibit
    OUT/<ministry>-<time>/manifest.json   envelope of typ ``comity-manifest``, sealed

The manifest is written last: a folder without one is no backup. Exhibits are copied after the
database, and none is ever taken away, so every row of the copy finds its file.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from api import durable
from api.domain.errors import Invalid, NotFound
from api.records import copying, migrating
from api.services.log import checkpoints
from api.services.node import Node
from api.wire.canonical import canonical, parse_canonical
from api.wire.encoding import format_instant
from api.wire.envelope import MANIFEST, parse_envelope, seal, verify_signed_then
from api.wire.errors import WireError
from api.wire.keys import Purpose
from api.wire.limits import PAYLOAD
from api.wire.members import MINISTRY, Members
from api.wire.membership import Membership

Tell = Callable[[str], None]

FILE = "manifest.json"
LIST = "exhibits.sha256"
POOL = "exhibits"

_CHUNK = 1 << 20
_LINE = re.compile(r"([0-9a-f]{64})  \.\./exhibits/\1")
_NAMES = (
    "comity",
    "kind",
    "ministry",
    "made_at",
    "software",
    "revision",
    "membership",
    "database",
    "exhibits",
    "log",
)


@dataclass(frozen=True, slots=True)
class Copied:
    """A file of the backup: its name, digest and size in bytes."""

    name: str
    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class Backup:
    """What the manifest says.

    Attributes:
        ministry: whose node.
        made_at: instant, by the node's clock.
        software: the program that made it.
        revision: of the database.
        membership: digest of the membership in force.
        form: ``sqlite`` or ``pg_dump``.
        database: the copy.
        exhibits: the list of exhibits.
        log_size: leaves in the newest head.
        log_root: its root, hex.
    """

    ministry: str
    made_at: str
    software: str
    revision: str
    membership: str
    form: str
    database: Copied
    exhibits: Copied
    log_size: int
    log_root: str

    def payload(self) -> bytes:
        """Return the JCS bytes to seal."""
        return canonical(
            {
                "comity": "1",
                "kind": "backup",
                "ministry": self.ministry,
                "made_at": self.made_at,
                "software": self.software,
                "revision": self.revision,
                "membership": self.membership,
                "database": {"form": self.form, **_copied(self.database)},
                "exhibits": _copied(self.exhibits),
                "log": {"size": self.log_size, "root": self.log_root},
            }
        )


def _copied(file: Copied) -> dict[str, str | int]:
    return {"file": file.name, "digest": file.digest, "size": file.size}


def make(node: Node, out: Path, *, exhibits: bool = True, tell: Tell = lambda _: None) -> Path:
    """Write one backup and return its folder.

    Args:
        node: this node, which may be at work.
        out: where backups are kept; made if it is missing.
        exhibits: copy the exhibits too; without them the list is empty (a store of its own that
            is replicated elsewhere).
        tell: told what is being done.

    Raises:
        Unavailable: ``backup.*``, ``store.*``.
    """
    instant = node.clock.now()
    stamp = re.sub(r"[^0-9TZ]", "", format_instant(instant))
    folder = out / f"{node.ministry}-{stamp}"
    folder.mkdir(parents=True, mode=0o700)
    form = copying.form_of(node.db.url)
    name = copying.NAMES[form]
    head = checkpoints.newest(node)
    tell("copying the database")
    copying.copy_out(node.db.url, folder / name)
    tell("copying exhibits")
    names = _copy_exhibits(node, out / POOL) if exhibits else []
    named = "".join(f"{each}  ../{POOL}/{each}\n" for each in names)
    durable.write(folder / LIST, named.encode(), replace=True)
    backup = Backup(
        ministry=node.ministry,
        made_at=format_instant(instant),
        software=node.software,
        revision=migrating.current(node.db.url) or "",
        membership=node.membership.digest,
        form=form,
        database=_measure(folder / name),
        exhibits=_measure(folder / LIST),
        log_size=head.size,
        log_root=head.root.hex(),
    )
    records = node.signer.keys(Purpose.SEAL)
    sealed = seal(backup.payload(), MANIFEST, records, node.signer.sign)
    durable.write(folder / FILE, sealed, replace=True)
    return folder


def _copy_exhibits(node: Node, pool: Path) -> list[str]:
    """Copy what the pool lacks; returns the names of all exhibits, in order."""
    pool.mkdir(parents=True, exist_ok=True, mode=0o700)
    names = []
    for stored in node.store.list():
        name = stored.digest.removeprefix("sha256:")
        target = pool / name
        if not target.exists() or target.stat().st_size != stored.size:
            _write_chunks(target, node.store.read(stored.digest, 0, stored.size), name)
        names.append(name)
    return names


def _write_chunks(target: Path, chunks: Iterator[bytes], name: str) -> None:
    """Write a file that is visible only once it is whole and is what its name says.

    Raises:
        Invalid: ``backup.exhibit``: the store's copy is damaged; ``audit fsck`` names it too.
    """
    hashing = hashlib.sha256()
    with durable.opened(target, replace=True) as file:
        for chunk in chunks:
            hashing.update(chunk)
            file.write(chunk)
        if hashing.hexdigest() != name:
            raise Invalid("backup.exhibit", "An exhibit is damaged; run audit fsck.", digest=name)


def _measure(path: Path) -> Copied:
    hashing, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            hashing.update(chunk)
            size += len(chunk)
    return Copied(path.name, f"sha256:{hashing.hexdigest()}", size)


def newest(folder: Path) -> Path:
    """Return a backup's own folder: the one given, or the newest below it.

    Raises:
        NotFound: ``backup.unknown``.
    """
    if (folder / FILE).exists():
        return folder
    found = sorted(each.parent for each in folder.glob(f"*/{FILE}"))
    if not found:
        raise NotFound("backup.unknown", "There is no backup in this folder.")
    return found[-1]


def check_backup(folder: Path, membership: Membership, ministry: str) -> Backup:
    """Check a backup: sealed by this ministry, every file as it was.

    Exhibits are checked when they are loaded.

    Raises:
        Invalid: ``backup.manifest``, ``backup.foreign``, ``backup.changed``.
        WireError: ``envelope.*``, ``key.*``, ``signature.*``.
    """
    envelope = parse_envelope((folder / FILE).read_bytes())
    verify_signed_then(envelope, membership.keys(ministry, Purpose.SEAL), MANIFEST)
    try:
        backup = _parse(envelope.payload)
    except WireError as error:
        raise Invalid("backup.manifest", "The manifest is not that of a backup.") from error
    if backup.ministry != ministry:
        raise Invalid("backup.foreign", "The backup is of another ministry's node.")
    for stated in (backup.database, backup.exhibits):
        if _measure(folder / stated.name) != stated:
            raise Invalid("backup.changed", "A file of the backup is not as it was written.")
    return backup


def _parse(payload: bytes) -> Backup:
    code = "backup.manifest"
    members = Members(parse_canonical(payload, limit=PAYLOAD), code, _NAMES)
    members.word("comity", ("1",))
    members.word("kind", ("backup",))
    database = Members(members.raw("database"), code, ("form", "file", "digest", "size"))
    form = database.word("form", tuple(copying.NAMES))
    exhibits = Members(members.raw("exhibits"), code, ("file", "digest", "size"))
    log = Members(members.raw("log"), code, ("size", "root"))
    database.word("file", (copying.NAMES[form],))
    exhibits.word("file", (LIST,))
    return Backup(
        ministry=members.text("ministry", MINISTRY),
        made_at=members.instant("made_at"),
        software=members.text("software"),
        revision=members.text("revision"),
        membership=members.digest("membership"),
        form=form,
        database=Copied(copying.NAMES[form], database.digest("digest"), database.integer("size")),
        exhibits=Copied(LIST, exhibits.digest("digest"), exhibits.integer("size")),
        log_size=log.integer("size"),
        log_root=log.text("root"),
    )


def load_exhibits(node: Node, folder: Path) -> int:
    """Put the exhibits of a backup into the store; returns how many were missing there.

    Raises:
        Invalid: ``backup.manifest``; ``exhibit.digest-mismatch``: a file is not what its name says.
        NotFound: ``backup.exhibit-missing``.
    """
    put = 0
    for line in (folder / LIST).read_text(encoding="ascii").splitlines():
        match = _LINE.fullmatch(line)
        if match is None:
            raise Invalid("backup.manifest", "The list of exhibits cannot be read.")
        digest, path = f"sha256:{match[1]}", folder.parent / POOL / match[1]
        if node.store.head(digest) is not None:
            continue
        if not path.exists():
            raise NotFound("backup.exhibit-missing", "An exhibit's file is missing.", digest=digest)
        with path.open("rb") as file:
            node.store.put(digest, path.stat().st_size, iter(lambda: file.read(_CHUNK), b""))
        put += 1
    return put

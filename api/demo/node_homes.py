"""What each node needs before it starts: keys, database, membership, settings, two administrators.

Owns the making of these files for loopback; a real installation does the same by the runbook. Must
not start processes.
"""

import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from api import bootstrap
from api.adapters.crypto.keystore import FileKeystore
from api.demo import cast, loopback
from api.demo.cast import Ministry
from api.demo.home import DemoHome
from api.records import migrating
from api.services.desk import officers
from api.settings import Settings
from api.wire.keys import KeyRecord
from api.wire.membership import Member, Membership, compose_membership

CONSOLE_CLIENT: Final = "comity-console"
"""The consoles' registration at the demo's provider: one for all nodes, without a secret."""


@dataclass(frozen=True, slots=True)
class NodeHome:
    """Where one node's things lie and where it listens.

    Attributes:
        ministry: whose node.
        folder: its folder.
        port: loopback port.
    """

    ministry: Ministry
    folder: Path
    port: int

    @property
    def url(self) -> str:
        """Address of the node: by a name, since a passkey belongs to a domain."""
        return f"http://{loopback.host()}:{self.port}"

    @property
    def database(self) -> Path:
        """File of its database."""
        return self.folder / "node.db"

    @property
    def database_url(self) -> str:
        """URL of its database."""
        return f"sqlite:///{self.database}"

    @property
    def store(self) -> Path:
        """Folder of its exhibits."""
        return self.folder / "exhibits"

    @property
    def settings(self) -> Path:
        """Its settings file."""
        return self.folder / "settings.env"


def plan_nodes(home: DemoHome, ports: Sequence[int]) -> list[NodeHome]:
    """Return where each ministry's node will lie and listen."""
    return [
        NodeHome(ministry, home.root / ministry.id, port)
        for ministry, port in zip(cast.MINISTRIES, ports, strict=True)
    ]


def make_federation(home: DemoHome, nodes: Sequence[NodeHome], issuer: str) -> None:
    """Make every node's database, keys and settings, and the membership that names them.

    The database is migrated once and copied while it is empty.

    Args:
        home: the demo's folder.
        nodes: the nodes.
        issuer: address of the sign-in provider.
    """
    members = []
    empty = home.root / "empty.db"
    migrating.upgrade(f"sqlite:///{empty}")
    for node in nodes:
        node.folder.mkdir(mode=0o700)
        shutil.copyfile(empty, node.database)
        members.append(_member_entry(node, _make_keys(node.folder)))
    membership = compose_membership(1, None, members)
    home.membership.write_bytes(membership.raw)
    empty.unlink()
    for node in nodes:
        _write_settings(node, home.membership, membership, issuer)


def initialise(node: NodeHome, issuer: str) -> None:
    """Name a node's first two administrators, as an operator does once."""
    installation = bootstrap.build(read_settings(node.settings))
    try:
        first = [
            officers.NewOfficer(
                cast.display_name(node.ministry, seat),
                [(issuer, cast.subject(node.ministry, seat))],
            )
            for seat in cast.SEATS
            if seat.role == cast.ADMINISTRATOR
        ]
        officers.bootstrap(installation.node, first)
    finally:
        installation.close()


def read_settings(path: Path) -> Settings:
    """Read the settings of one node from its file."""
    return Settings(_env_file=path)


def _make_keys(folder: Path) -> tuple[KeyRecord, ...]:
    """Make the keystore and the file whose first line opens it."""
    passphrase = secrets.token_urlsafe(24)
    file = folder / "keystore-passphrase"
    file.touch(mode=0o600)
    file.write_text(f"{passphrase}\n", encoding="utf-8")
    return FileKeystore.create(folder / "keystore.json", lambda: passphrase).public_keys()


def _member_entry(node: NodeHome, keys: tuple[KeyRecord, ...]) -> Member:
    ministry = node.ministry
    return Member(
        ministry.id, ministry.jurisdiction, ministry.name, node.url, ministry.origin, keys
    )


def _write_settings(node: NodeHome, file: Path, membership: Membership, issuer: str) -> None:
    values: Mapping[str, object] = {
        "MINISTRY": node.ministry.id,
        "PUBLIC_URL": node.url,
        "LISTEN_HOST": "127.0.0.1",
        "LISTEN_PORT": node.port,
        "DATABASE_URL": node.database_url,
        "STORE": node.store,
        "KEYSTORE": node.folder / "keystore.json",
        "KEYSTORE_PASSPHRASE_FILE": node.folder / "keystore-passphrase",
        "MEMBERSHIP": file,
        "MEMBERSHIP_DIGEST": membership.digest,
        "ISSUERS": issuer,
        "CONSOLE_CLIENT": CONSOLE_CLIENT,
        "ALLOW_HTTP_PEERS": "true",
    }
    text = "".join(f"COMITY_{name}={value}\n" for name, value in values.items())
    node.settings.write_text(text, encoding="utf-8")

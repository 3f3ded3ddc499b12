"""Losing a node's disk and putting a backup in its place.

folder = backups.make(federation["us-treasury"], tmp_path / "backups")
lose(federation, "us-treasury")
node = restore(federation, "us-treasury", folder, tmp_path / "new-disk")
"""

from dataclasses import replace
from pathlib import Path

from api.adapters.memory.file import FileMemory
from api.adapters.store.folder import FolderStore
from api.records import copying
from api.records.database import Database
from api.services.log import guard
from api.services.node import Node
from api.services.recovery import backups
from tests.support.federation import Federation, SeededEntropy


def lose(federation: Federation, ministry: str) -> None:
    """The disk is gone; nobody answers at that address."""
    federation[ministry].db.close()
    federation.down.add(ministry)
    federation.watches.pop(ministry, None)


def restore(
    federation: Federation, ministry: str, backup: Path, home: Path, seed: int = 700
) -> Node:
    """Put a backup on a new disk, marked as restored, and let it answer again."""
    home.mkdir(parents=True)
    checked = backups.check_backup(backup, federation.membership, ministry)
    url = f"sqlite:///{home}/node.db"
    copying.copy_in(backup / checked.database.name, checked.form, url)
    node = replace(
        federation[ministry],
        db=Database(url),
        store=FolderStore(home / "store"),
        memory=FileMemory(home.with_name(f"{home.name}.head") / "node.json"),
        entropy=SeededEntropy(seed),
    )
    backups.load_exhibits(node, backup)
    guard.begin(node, "backup")
    federation.nodes[ministry] = node
    federation.down.discard(ministry)
    return node

"""A node that exists twice: the same keys and the same past, two different presents.

    twin = twin_of(federation, "us-treasury", folder)     # a copy of database and store
    present(twin, "uk-fcdo")                              # deliver what it has to one partner only

What a dishonest operator does on purpose, or an honest one by putting an old file back.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from api.adapters.memory.file import FileMemory
from api.adapters.store.folder import FolderStore
from api.records import copying
from api.records.database import Database
from api.services.log import checkpoints
from api.services.node import Node
from api.services.road import anchoring
from tests.support.delivering import deliver
from tests.support.federation import Federation, SeededEntropy, Wire


def twin_of(federation: Federation, ministry: str, folder: Path, seed: int = 900) -> Node:
    """Copy a node as it is now; the copy reaches the partners, they reach the original."""
    original = federation[ministry]
    folder.mkdir(parents=True, exist_ok=True)
    copying.copy_out(original.db.url, folder / "node.db")
    memory, known = FileMemory(folder / "heads" / "twin.json"), original.memory.read()
    if known is not None:
        assert memory.replace(None, known)
    return replace(
        original,
        memory=memory,
        db=Database(f"sqlite:///{folder}/node.db"),
        store=FolderStore(folder / "store"),
        transport=Wire(federation, ministry),
        entropy=SeededEntropy(seed),
    )


def present(node: Node, peer: str) -> None:
    """Integrate what waits, deliver it to one partner, and have that partner cosign the head."""
    checkpoints.integrate(node, "test")
    while deliver(node, peer):
        checkpoints.integrate(node, "test")
    anchoring.ask_to_cosign(node, peer)


@contextmanager
def in_place_of(federation: Federation, ministry: str, other: Node) -> Iterator[None]:
    """Let another node answer and act under a ministry's name for a while."""
    original = federation.nodes[ministry]
    federation.nodes[ministry] = other
    try:
        yield
    finally:
        federation.nodes[ministry] = original

"""Deletes the bytes of exhibits that a holder's answer to a recall calls destroyed."""

from api.records import packages
from api.services.node import Node


def destroy_exhibits(node: Node) -> bool:
    """Delete what is marked and still stored; a crash in between leaves it to the next look."""
    for digest in node.db.read(packages.destroyed):
        if node.store.head(digest) is not None:
            node.store.delete(digest)
    return False

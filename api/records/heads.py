"""Writing signed heads and partners' cosignatures so that a row that goes missing is missed.

Owns the two columns that chain these rows: a head names the head before it, and lists the digests
of its cosignatures. Neither is evidence against the operator (the signatures are); they let
``audit fsck`` name a row that was lost or removed.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from api.records.log import COSIGNATURES, HEADS, newest_signed, upsert


def put_head(
    connection: Connection, size: int, root: str, note: bytes, *, served: bool = True
) -> None:
    """Store a signed head that follows all stored ones.

    Args:
        connection: inside the transaction that stores its tiles.
        size: leaves.
        root: hex.
        note: the head with this log's signatures.
        served: whether it may be shown at once: it is remembered outside the database already, or
            came back from those who were shown it.
    """
    newest = newest_signed(connection)
    before = None if newest is None else previous_text(newest.size, newest.root)
    row = {"size": size, "root": root, "note": note, "previous": before, "cosigned": None}
    row["served"] = served
    upsert(connection, HEADS, [row])


def serve(connection: Connection, size: int) -> None:
    """Let the heads up to a size be shown."""
    shown = HEADS.update().where(HEADS.c.size <= size, ~HEADS.c.served)
    connection.execute(shown.values(served=True))


def previous_text(size: int, root: str) -> str:
    """Return how a head names the one before it: size and hex root."""
    return f"{size} {root}"


def add_cosignatures(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Store cosignature lines of heads of this log, and list them in their heads' rows.

    A partner that cosigned a head before adds nothing: strict readers refuse a note in which one
    key has signed twice.

    Args:
        connection: inside a transaction.
        rows: ``size``, ``line`` (without line feed) and ``cosigner`` each.
    """
    for size in sorted({row["size"] for row in rows}):
        # Two partners may answer at once: the head's row is the lock.
        locked = select(HEADS.c.size).where(HEADS.c.size == size).with_for_update()
        connection.execute(locked).one()
        before = select(COSIGNATURES.c.cosigner).where(COSIGNATURES.c.size == size)
        known = set(connection.execute(before).scalars())
        named = [
            {**row, "digest": cosignature_digest(row["cosigner"], row["line"])}
            for row in rows
            if row["size"] == size and row["cosigner"] not in known
        ]
        upsert(connection, COSIGNATURES, named)
        stored = select(COSIGNATURES.c.digest).where(COSIGNATURES.c.size == size)
        listed = cosigned_text(list(connection.execute(stored).scalars()))
        connection.execute(HEADS.update().where(HEADS.c.size == size).values(cosigned=listed))


def cosignature_digest(cosigner: str, line: str) -> str:
    """Return the name of a cosignature: hex SHA-256 of cosigner and line."""
    return hashlib.sha256(f"{cosigner}\n{line}".encode()).hexdigest()


def cosigned_text(digests: Sequence[str]) -> str | None:
    """Return the one spelling of a head's list; ``None`` for an empty one."""
    return " ".join(sorted(set(digests))) or None

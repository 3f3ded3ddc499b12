"""What a node knows of all its streams: how many statements were sent, receipted and decided on."""

from sqlalchemy import Connection, select

from api.records import stream_counts
from api.records.stream_rows import SentState
from api.records.streams import DISPOSITIONS, OUTBOX


def delivered(connection: Connection) -> dict[str, dict[str, int]]:
    """By partner: ``sent`` and ``receipted``."""
    peers = select(OUTBOX.c.peer).where(OUTBOX.c.message.is_not(None), OUTBOX.c.kind == "deliver")
    found = {}
    for peer in connection.execute(peers.distinct()).scalars().all():
        counts = stream_counts.delivered_counts(connection, peer)
        receipted = counts.get(SentState.RECEIPTED, 0)
        found[peer] = {"sent": sum(counts.values()), "receipted": receipted}
    return found


def decided(connection: Connection) -> dict[str, dict[str, int]]:
    """By partner: ``applied`` and ``refused``, where there are any."""
    peers = connection.execute(select(DISPOSITIONS.c.peer).distinct()).scalars().all()
    return {peer: stream_counts.decided_counts(connection, peer) for peer in peers}

"""Messages between nodes: outbox, sent and received messages, streams, what came in them.

Owns the tables ``outbox``, ``streams_out``, ``messages_out``, ``attempts``, ``streams_in``,
``messages_in``, ``inbox`` and ``dispositions``. A message's bytes are stored before the first send
and never rebuilt; a stream's floor never falls.
"""

from collections.abc import Sequence

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    and_,
    bindparam,
    exists,
    func,
    not_,
    or_,
    select,
)

from api.records.metadata import METADATA, RECORDED, VOLATILE, added
from api.records.rows import every, first
from api.records.stream_rows import (
    Attempt,
    Disposition,
    ItemState,
    MessageIn,
    MessageOut,
    Posted,
    ReceivedState,
    SentState,
    Stream,
)

OUTBOX = Table(
    "outbox",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("peer", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("statement", Text, nullable=False),
    Column("with", Text),
    Column("message", Text),
    Index("ix_outbox_peer", "peer", "message", "id"),
    Index("ix_outbox_message", "message"),
    Index("uq_outbox_peer_statement", "peer", "statement", unique=True),
    info=RECORDED,
)

STREAMS_OUT = Table(
    "streams_out",
    METADATA,
    Column("peer", Text, primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("next_seq", BigInteger, nullable=False),
    Column("prev", Text),
    Column("state", Text, nullable=False),
    info=RECORDED,
)

MESSAGES_OUT = Table(
    "messages_out",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("peer", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("envelope", LargeBinary, nullable=False),
    Column("digest", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("composed_at", Text, nullable=False),
    Column("receipt", LargeBinary),
    Column("receipted_at", Text),
    Index("uq_messages_out_number", "peer", "epoch", "seq", unique=True),
    Index("ix_messages_out_state", "state", "peer", "epoch", "seq"),
    info=RECORDED,
)

ATTEMPTS = Table(
    "attempts",
    METADATA,
    Column("peer", Text, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("next_at", Text, nullable=False),
    Column("code", Text),
    # In a row; what is no refusal sets it back.
    Column("refusals", Integer, nullable=False, server_default="0"),
    info=VOLATILE,
)

STREAMS_IN = Table(
    "streams_in",
    METADATA,
    Column("peer", Text, primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("next_seq", BigInteger, nullable=False),
    Column("prev", Text),
    Column("state", Text, nullable=False),
    info=RECORDED,
)

MESSAGES_IN = Table(
    "messages_in",
    METADATA,
    Column("peer", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("envelope", LargeBinary, nullable=False),
    Column("digest", Text, nullable=False),
    Column("receipt", LargeBinary, nullable=False),
    Column("received_at", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("head_size", BigInteger, info=added(None)),
    Column("head_at", Text, info=added(None)),
    Column("item_times", Text, info=added(None)),
    Index("uq_messages_in_number", "peer", "epoch", "seq", unique=True),
    Index("ix_messages_in_head", "peer", "head_size", "received_at"),
    Index("ix_messages_in_state", "state", "peer", "epoch", "seq"),
    info=RECORDED,
)

INBOX = Table(
    "inbox",
    METADATA,
    Column("peer", Text, primary_key=True),
    Column("message", Text, primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("statement", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("code", Text),
    Column("disposition", Text),
    Column("decided_at", Text),
    Index("ix_inbox_statement", "statement"),
    info=RECORDED,
)


DISPOSITIONS = Table(
    "dispositions",
    METADATA,
    Column("peer", Text, primary_key=True),
    Column("statement", Text, primary_key=True),
    Column("disposition", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("code", Text),
    Column("detail", Text, info=added(None)),
    Column("received_at", Text, nullable=False),
    Index("ix_dispositions_disposition", "disposition"),
    Index("ix_dispositions_outcome", "peer", "outcome"),
    info=RECORDED,
)

_UNDELIVERED = MESSAGES_OUT.c.state.in_((SentState.COMPOSED, SentState.DEAD))
_HELD = MESSAGES_IN.c.state == ReceivedState.HELD
_EARLY = MESSAGES_IN.c.state.in_((ReceivedState.HELD, ReceivedState.MISFIT))
_APPLIED = INBOX.c.state == ItemState.APPLIED

# Asked at every turn of the jobs, and for every message: built once.
_PEER, _MOST = bindparam("to", type_=Text), bindparam("most", type_=Integer)
_WAITING = (
    select(OUTBOX)
    .where(OUTBOX.c.peer == _PEER, OUTBOX.c.message.is_(None))
    .order_by(OUTBOX.c.id)
    .limit(_MOST)
)
_UNRECEIPTED = (
    select(MESSAGES_OUT)
    .where(MESSAGES_OUT.c.peer == _PEER, MESSAGES_OUT.c.state == SentState.COMPOSED)
    .order_by(MESSAGES_OUT.c.epoch, MESSAGES_OUT.c.seq)
    .limit(_MOST)
)
_WAITS = exists().where(OUTBOX.c.peer == _PEER, OUTBOX.c.message.is_(None))
_AWAITS_RECEIPT = exists().where(
    MESSAGES_OUT.c.peer == _PEER, MESSAGES_OUT.c.state == SentState.COMPOSED
)
_FILLS_MESSAGE = (
    select(OUTBOX.c.id)
    .where(OUTBOX.c.peer == _PEER, OUTBOX.c.message.is_(None))
    .limit(1)
    .offset(bindparam("others"))
    .exists()
)
_MAY_COMPOSE = select(or_(_FILLS_MESSAGE, and_(_WAITS, not_(_AWAITS_RECEIPT))))
_ASK_AWAITS_RECEIPT = select(_AWAITS_RECEIPT)
_OWED = select(or_(_WAITS, _AWAITS_RECEIPT))
_ITEMS = select(OUTBOX).where(OUTBOX.c.message == bindparam("of")).order_by(OUTBOX.c.id)
_STREAM_OUT = select(STREAMS_OUT).where(STREAMS_OUT.c.peer == bindparam("to"))
_STREAM_IN = select(STREAMS_IN).where(STREAMS_IN.c.peer == bindparam("from"))
_NEXT_STORED = (
    select(MESSAGES_IN)
    .where(MESSAGES_IN.c.peer == bindparam("from"), MESSAGES_IN.c.state == ReceivedState.STORED)
    .order_by(MESSAGES_IN.c.epoch, MESSAGES_IN.c.seq)
    .limit(_MOST)
)
_TO_PROCESS = (
    select(MESSAGES_IN.c.peer).where(MESSAGES_IN.c.state == ReceivedState.STORED).distinct()
)
_WITH_GAPS = select(MESSAGES_IN.c.peer).where(_HELD).distinct()
_ATTEMPTS = select(ATTEMPTS)


def waiting(connection: Connection, peer: str, limit: int) -> list[Posted]:
    """Return outbox rows for a peer that are in no message yet, oldest first."""
    return every(connection, _WAITING, Posted, {"to": peer, "most": limit})


def may_compose(connection: Connection, peer: str, batch: int) -> bool:
    """Tell whether a message is to be composed now; one statement.

    While a message to this peer has no receipt, only what fills another one by itself: what is
    fewer travels together when its turn comes.
    """
    found = connection.execute(_MAY_COMPOSE, {"to": peer, "others": batch - 1})
    return bool(found.scalar_one())


def awaits_receipt(connection: Connection, peer: str) -> bool:
    """Tell whether any message to a peer has no receipt; one statement."""
    return bool(connection.execute(_ASK_AWAITS_RECEIPT, {"to": peer}).scalar_one())


def owed(connection: Connection, peer: str) -> bool:
    """Tell whether anything for a peer waits to be composed or has no receipt; one statement."""
    return bool(connection.execute(_OWED, {"to": peer}).scalar_one())


def items_of(connection: Connection, message_id: str) -> list[Posted]:
    """Return the outbox rows that one message carries."""
    return every(connection, _ITEMS, Posted, {"of": message_id})


def posted_many(connection: Connection, ids: Sequence[str]) -> list[Posted]:
    """Return outbox rows by their own ids."""
    query = select(OUTBOX).where(OUTBOX.c.id.in_(ids))
    return every(connection, query, Posted)


def posted_to(connection: Connection, peer: str, statement_ids: Sequence[str]) -> list[Posted]:
    """Return the outbox rows of statements for one peer."""
    query = select(OUTBOX).where(OUTBOX.c.peer == peer, OUTBOX.c.statement.in_(statement_ids))
    return every(connection, query, Posted)


def stream_out(connection: Connection, peer: str) -> Stream | None:
    """Return the sending stream to a peer."""
    return first(connection, _STREAM_OUT, Stream, {"to": peer})


def stream_in(connection: Connection, peer: str) -> Stream | None:
    """Return the receiving stream from a peer."""
    return first(connection, _STREAM_IN, Stream, {"from": peer})


def unreceipted(connection: Connection, peer: str, limit: int) -> list[MessageOut]:
    """Return messages to a peer that have no receipt, in stream order."""
    return every(connection, _UNRECEIPTED, MessageOut, {"to": peer, "most": limit})


def undelivered(connection: Connection, peer: str) -> list[MessageOut]:
    """Return messages to a peer without a receipt, given up on or not, in stream order."""
    query = (
        select(MESSAGES_OUT)
        .where(
            MESSAGES_OUT.c.peer == peer,
            _UNDELIVERED,
        )
        .order_by(MESSAGES_OUT.c.epoch, MESSAGES_OUT.c.seq)
    )
    return every(connection, query, MessageOut)


def reissued(connection: Connection, peer: str, epoch: int, until: int) -> list[MessageOut]:
    """Return messages of an epoch whose statements were issued again, up to a number."""
    query = select(MESSAGES_OUT).where(
        MESSAGES_OUT.c.peer == peer,
        MESSAGES_OUT.c.state == SentState.REISSUED,
        MESSAGES_OUT.c.epoch == epoch,
        MESSAGES_OUT.c.seq <= until,
    )
    return every(connection, query, MessageOut)


def sent_by_number(
    connection: Connection, peer: str, epoch: int, first: int, last: int
) -> list[MessageOut]:
    """Return sent messages of a number range, in order."""
    query = (
        select(MESSAGES_OUT)
        .where(
            MESSAGES_OUT.c.peer == peer,
            MESSAGES_OUT.c.epoch == epoch,
            MESSAGES_OUT.c.seq.between(first, last),
        )
        .order_by(MESSAGES_OUT.c.seq)
    )
    return every(connection, query, MessageOut)


def message_out(connection: Connection, message_id: str) -> MessageOut | None:
    """Return one sent message."""
    query = select(MESSAGES_OUT).where(MESSAGES_OUT.c.id == message_id)
    return first(connection, query, MessageOut)


def message_in(connection: Connection, peer: str, message_id: str) -> MessageIn | None:
    """Return one received message."""
    query = select(MESSAGES_IN).where(MESSAGES_IN.c.peer == peer, MESSAGES_IN.c.id == message_id)
    return first(connection, query, MessageIn)


def message_in_by_number(
    connection: Connection, peer: str, epoch: int, seq: int
) -> MessageIn | None:
    """Return the received message that has this number."""
    query = select(MESSAGES_IN).where(
        MESSAGES_IN.c.peer == peer, MESSAGES_IN.c.epoch == epoch, MESSAGES_IN.c.seq == seq
    )
    return first(connection, query, MessageIn)


def message_that_brought(connection: Connection, peer: str, statement: str) -> MessageIn | None:
    """Return the received message in which a peer's statement came."""
    query = (
        select(MESSAGES_IN)
        .join(INBOX, and_(INBOX.c.peer == MESSAGES_IN.c.peer, INBOX.c.message == MESSAGES_IN.c.id))
        .where(INBOX.c.peer == peer, INBOX.c.statement == statement, _APPLIED)
        .limit(1)
    )
    return first(connection, query, MessageIn)


def held_from(connection: Connection, peer: str) -> int:
    """Return how many early messages of a peer wait for a gap to close."""
    query = select(func.count()).select_from(MESSAGES_IN).where(MESSAGES_IN.c.peer == peer, _HELD)
    return connection.execute(query).scalar_one()


def first_held(connection: Connection, peer: str, epoch: int) -> int | None:
    """Return the smallest number among a peer's early messages of an epoch."""
    query = select(func.min(MESSAGES_IN.c.seq)).where(
        MESSAGES_IN.c.peer == peer,
        MESSAGES_IN.c.epoch == epoch,
        _HELD,
    )
    return connection.execute(query).scalar_one_or_none()


def early_before(connection: Connection, peer: str, epoch: int) -> list[MessageIn]:
    """Return a peer's early messages of the epochs before one, that nothing will ever reach."""
    query = select(MESSAGES_IN).where(
        MESSAGES_IN.c.peer == peer,
        MESSAGES_IN.c.epoch < epoch,
        _EARLY,
    )
    return every(connection, query, MessageIn)


def held_numbers(connection: Connection, peer: str) -> list[int]:
    """Return the numbers of a peer's early messages of any epoch."""
    query = (
        select(MESSAGES_IN.c.seq)
        .where(
            MESSAGES_IN.c.peer == peer,
            _EARLY,
        )
        .order_by(MESSAGES_IN.c.seq)
    )
    return list(connection.execute(query).scalars())


def peers_to_process(connection: Connection) -> list[str]:
    """Return peers with stored messages that are not processed."""
    return list(connection.execute(_TO_PROCESS).scalars())


def peers_with_gaps(connection: Connection) -> list[str]:
    """Return peers whose early messages wait for earlier ones."""
    return list(connection.execute(_WITH_GAPS).scalars())


def next_stored(connection: Connection, peer: str, limit: int) -> list[MessageIn]:
    """Return the received messages of a peer that wait to be processed, in stream order."""
    return every(connection, _NEXT_STORED, MessageIn, {"from": peer, "most": limit})


def attempts(connection: Connection) -> dict[str, Attempt]:
    """Return the retry state by peer."""
    return {row.peer: row for row in every(connection, _ATTEMPTS, Attempt)}


def disposition_of(connection: Connection, peer: str, statement: str) -> Disposition | None:
    """Return what a peer decided on one of our statements."""
    return next(iter(dispositions_of(connection, peer, [statement])), None)


def dispositions_of(
    connection: Connection, peer: str, statement_ids: Sequence[str]
) -> list[Disposition]:
    """Return what a peer decided on our statements."""
    query = select(DISPOSITIONS).where(
        DISPOSITIONS.c.peer == peer, DISPOSITIONS.c.statement.in_(statement_ids)
    )
    return every(connection, query, Disposition)


def dispositions_by_peer(
    connection: Connection, peers: Sequence[str], statement_ids: Sequence[str]
) -> dict[tuple[str, str], Disposition]:
    """Return what these partners decided on our statements, by partner and statement."""
    if not statement_ids:
        return {}
    query = select(DISPOSITIONS).where(
        DISPOSITIONS.c.peer.in_(peers), DISPOSITIONS.c.statement.in_(statement_ids)
    )
    return {(one.peer, one.statement): one for one in every(connection, query, Disposition)}


def dispositions_on(connection: Connection, statement: str) -> list[Disposition]:
    """Return what partners decided on one of our statements, by partner."""
    query = select(DISPOSITIONS).where(DISPOSITIONS.c.statement == statement)
    return every(connection, query.order_by(DISPOSITIONS.c.peer), Disposition)


def was_applied(connection: Connection, peer: str, statement: str) -> bool:
    """Tell whether a peer's statement was applied here."""
    query = select(INBOX.c.statement).where(
        INBOX.c.peer == peer, INBOX.c.statement == statement, _APPLIED
    )
    return connection.execute(query.limit(1)).first() is not None

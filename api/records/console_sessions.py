"""Officers' browser sessions at the console, and sign-ins on their way through the provider.

Owns the tables ``console_sessions`` and ``console_sign_ins``. Both are volatile: losing a row makes
an officer sign in again. Neither holds a secret that opens a session: cookies and ``state`` values
are kept by their SHA-256 only.
"""

from dataclasses import dataclass

from sqlalchemy import Column, Connection, Index, Table, Text, select

from api.records.metadata import METADATA, VOLATILE
from api.records.unit_of_work import Unit

CONSOLE_SESSIONS = Table(
    "console_sessions",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("cookie", Text, nullable=False, unique=True),
    Column("iss", Text, nullable=False),
    Column("sub", Text, nullable=False),
    Column("sid", Text),
    Column("auth_time", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("seen_at", Text, nullable=False),
    Column("ends_at", Text, nullable=False),
    Column("ended_at", Text),
    Column("agent", Text, nullable=False),
    Column("new_since", Text),
    Index("ix_console_sessions_account", "iss", "sub", "created_at"),
    info=VOLATILE,
)

CONSOLE_SIGN_INS = Table(
    "console_sign_ins",
    METADATA,
    Column("state", Text, primary_key=True),
    Column("browser", Text, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("verifier", Text, nullable=False),
    Column("return_to", Text, nullable=False),
    Column("locale", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    info=VOLATILE,
)


@dataclass(frozen=True, slots=True)
class ConsoleSession:
    """One browser session.

    Attributes:
        id: names it to its officer; opens nothing.
        cookie: hex SHA-256 of the cookie's value.
        iss: issuer of the account.
        sub: the account.
        sid: the provider's own session, for back-channel logout; or ``None``.
        auth_time: when the person last proved themselves to the provider.
        created_at: sign-in at the console.
        seen_at: last page, to the minute.
        ends_at: the absolute end.
        ended_at: when it was ended before that; or ``None``.
        agent: the browser's own description, shortened.
        new_since: last page of the session before this one; or ``None``.
    """

    id: str
    cookie: str
    iss: str
    sub: str
    sid: str | None
    auth_time: str
    created_at: str
    seen_at: str
    ends_at: str
    ended_at: str | None
    agent: str
    new_since: str | None


@dataclass(frozen=True, slots=True)
class ConsoleSignIn:
    """A sign-in that the provider has not answered yet.

    Attributes:
        state: hex SHA-256 of the ``state`` value.
        browser: hex SHA-256 of the cookie that binds it to one browser.
        nonce: what the ID token must carry.
        verifier: PKCE verifier (RFC 7636).
        return_to: page of the console to go to afterwards.
        locale: language of the pages.
        created_at: when it began.
    """

    state: str
    browser: str
    nonce: str
    verifier: str
    return_to: str
    locale: str
    created_at: str


def by_cookie(connection: Connection, cookie: str) -> ConsoleSession | None:
    """Return the session with this cookie digest."""
    query = select(CONSOLE_SESSIONS).where(CONSOLE_SESSIONS.c.cookie == cookie)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else ConsoleSession(**row)


def of_account(connection: Connection, iss: str, sub: str) -> list[ConsoleSession]:
    """Return the sessions of an account, the newest first."""
    query = (
        select(CONSOLE_SESSIONS)
        .where(CONSOLE_SESSIONS.c.iss == iss, CONSOLE_SESSIONS.c.sub == sub)
        .order_by(CONSOLE_SESSIONS.c.created_at.desc(), CONSOLE_SESSIONS.c.id)
    )
    return [ConsoleSession(**row) for row in connection.execute(query).mappings()]


def of_provider_session(
    connection: Connection, iss: str, sub: str | None, sid: str | None
) -> list[ConsoleSession]:
    """Return the sessions that a provider's logout names, by account, by its session, or both."""
    query = select(CONSOLE_SESSIONS).where(CONSOLE_SESSIONS.c.iss == iss)
    if sub is not None:
        query = query.where(CONSOLE_SESSIONS.c.sub == sub)
    if sid is not None:
        query = query.where(CONSOLE_SESSIONS.c.sid == sid)
    return [ConsoleSession(**row) for row in connection.execute(query).mappings()]


def drop_older(unit: Unit, before: str) -> None:
    """Delete sessions whose absolute end has passed, and sign-ins begun, before an instant."""
    unit.connection.execute(CONSOLE_SESSIONS.delete().where(CONSOLE_SESSIONS.c.ends_at < before))
    unit.connection.execute(CONSOLE_SIGN_INS.delete().where(CONSOLE_SIGN_INS.c.created_at < before))


def take_sign_in(unit: Unit, state: str) -> ConsoleSignIn | None:
    """Return a sign-in and delete it: of two answers with one ``state``, one wins."""
    statement = (
        CONSOLE_SIGN_INS.delete()
        .where(CONSOLE_SIGN_INS.c.state == state)
        .returning(*CONSOLE_SIGN_INS.columns)
    )
    row = unit.connection.execute(statement).mappings().one_or_none()
    return None if row is None else ConsoleSignIn(**row)

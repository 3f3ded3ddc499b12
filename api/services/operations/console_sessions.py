"""Browser sessions at the console: begun by a sign-in, kept on the server, ended in four ways.

Owns how long a session lives and what ends it: its officer, the provider, half an hour without a
page, or its absolute end. A session opens nothing by itself: who the officer is and what they may
do is asked anew on every page. Must not know cookies' names or HTTP.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from api.domain.errors import NotFound
from api.ports.identity import LoggedOut, SignedIn, SignInRequest
from api.records import console_sessions as records
from api.records.console_sessions import ConsoleSession, ConsoleSignIn
from api.records.unit_of_work import Unit
from api.services.authorising import Caller
from api.services.node import Node
from api.wire.encoding import b64u_encode, format_instant, parse_instant

IDLE: Final = timedelta(minutes=30)
"""A session without a page for so long has ended."""

LIFE: Final = timedelta(hours=10)
"""A session ends so long after its sign-in, whatever happens in it."""

FRESH: Final = timedelta(minutes=15)
"""A decision needs a proof of the person that is not older."""

ENDED: Final = "console-session-ended"
"""The topic that the end of a session rings."""

_SIGN_IN_LIFE: Final = timedelta(minutes=15)
_KEPT: Final = timedelta(days=30)
_TOUCH_EVERY: Final = timedelta(minutes=1)
_COOKIE_BYTES: Final = 32
_AGENT: Final = 200


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that was just opened.

    Attributes:
        cookie: value for the browser; known to nobody else, not even to the database.
        session: the session.
    """

    cookie: str = field(repr=False)
    session: ConsoleSession


@dataclass(frozen=True, slots=True)
class Present:
    """A session that is in force.

    Attributes:
        session: the session.
        seconds: until it ends if no further page is opened.
        fresh: the person proved themselves recently enough for a decision.
    """

    session: ConsoleSession
    seconds: int
    fresh: bool


def digest(value: str) -> str:
    """Return hex SHA-256 of a cookie or ``state`` value, the form in which rows hold it."""
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()


def begin(node: Node, request: SignInRequest, browser: str, return_to: str, locale: str) -> None:
    """Remember a sign-in until the provider answers.

    Args:
        node: this node.
        request: what was sent to the provider.
        browser: value of the cookie that binds it to this browser.
        return_to: page to go to afterwards, already checked.
        locale: language of the pages.
    """
    values = {
        "state": digest(request.state),
        "browser": digest(browser),
        "nonce": request.nonce,
        "verifier": request.verifier,
        "return_to": return_to,
        "locale": locale,
        "created_at": node.now(),
    }
    node.db.write(lambda unit: unit.insert(records.CONSOLE_SIGN_INS, values))


def take(node: Node, state: str, browser: str) -> ConsoleSignIn | None:
    """Return the sign-in that an answer belongs to, once; ``None`` for any other answer."""
    found = node.db.write(lambda unit: records.take_sign_in(unit, digest(state)))
    if found is None or found.browser != digest(browser):
        return None
    age = node.clock.now() - parse_instant(found.created_at)
    return found if age <= _SIGN_IN_LIFE else None


def open_session(node: Node, who: SignedIn, agent: str, replaced: str | None) -> Opened:
    """Open a session after a sign-in; the one that this browser had before ends.

    Args:
        node: this node.
        who: the account that the provider proved.
        agent: the browser's description of itself.
        replaced: cookie of the session in this browser, if there is one.
    """
    now = node.clock.now()
    cookie = b64u_encode(node.entropy.token(_COOKIE_BYTES))
    session = ConsoleSession(
        id=node.entropy.identifier(),
        cookie=digest(cookie),
        iss=who.iss,
        sub=who.sub,
        sid=who.sid,
        auth_time=format_instant(who.auth_time),
        created_at=format_instant(now),
        seen_at=format_instant(now),
        ends_at=format_instant(now + LIFE),
        ended_at=None,
        agent=agent[:_AGENT],
        new_since=None,
    )

    def write(unit: Unit) -> ConsoleSession:
        records.drop_older(unit, format_instant(now - _KEPT))
        earlier = records.of_account(unit.connection, who.iss, who.sub)
        old = None if replaced is None else records.by_cookie(unit.connection, digest(replaced))
        new_since = earlier[0].seen_at if earlier else None
        if old is not None:
            _end(unit, old, format_instant(now))
            if (old.iss, old.sub) == (who.iss, who.sub):
                # Proving oneself again is no new visit.
                new_since = old.new_since
        values = {name: getattr(session, name) for name in ConsoleSession.__slots__}
        unit.insert(records.CONSOLE_SESSIONS, {**values, "new_since": new_since})
        found = records.by_cookie(unit.connection, session.cookie)
        return found or session

    return Opened(cookie, node.db.write(write))


def resume(node: Node, cookie: str, *, touch: bool = True) -> Present | None:
    """Return the session behind a cookie if it is in force.

    Args:
        node: this node.
        cookie: as the browser sent it.
        touch: note that it was used; a script that asks by itself keeps no session alive.
    """
    now = node.clock.now()
    found = node.db.read(lambda connection: records.by_cookie(connection, digest(cookie)))
    if found is None or found.ended_at is not None:
        return None
    seen, ends = parse_instant(found.seen_at), parse_instant(found.ends_at)
    if now >= ends or now >= seen + IDLE:
        return None
    if touch and now - seen >= _TOUCH_EVERY:
        values = {"seen_at": format_instant(now)}
        expect = {"ended_at": None}
        node.db.write(
            lambda unit: unit.update(records.CONSOLE_SESSIONS, {"id": found.id}, values, expect)
        )
    left = min(ends, (now if touch else seen) + IDLE) - now
    fresh = now - parse_instant(found.auth_time) <= FRESH
    return Present(found, int(left.total_seconds()), fresh)


def end(node: Node, cookie: str) -> None:
    """End the session behind a cookie."""

    def write(unit: Unit) -> None:
        found = records.by_cookie(unit.connection, digest(cookie))
        if found is not None:
            _end(unit, found, node.now())

    node.db.write(write)


def end_own(node: Node, caller: Caller, session_id: str) -> None:
    """End one of the caller's own sessions, in this browser or another.

    Raises:
        NotFound: ``session.unknown``.
    """

    def write(unit: Unit) -> None:
        own = records.of_account(unit.connection, caller.iss, caller.sub)
        found = next((one for one in own if one.id == session_id), None)
        if found is None:
            raise NotFound("session.unknown", "You have no such session.")
        _end(unit, found, node.now())

    node.db.write(write)


def end_at_provider(node: Node, who: LoggedOut) -> int:
    """End every session that a provider's logout names; returns how many were in force."""

    def write(unit: Unit) -> int:
        found = records.of_provider_session(unit.connection, who.iss, who.sub, who.sid)
        standing = [one for one in found if one.ended_at is None]
        for one in standing:
            _end(unit, one, node.now())
        return len(standing)

    return node.db.write(write)


def own(node: Node, caller: Caller) -> list[ConsoleSession]:
    """Return the caller's sessions that are in force, the newest first."""
    now = node.clock.now()
    found = node.db.read(lambda connection: records.of_account(connection, caller.iss, caller.sub))
    return [
        one
        for one in found
        if one.ended_at is None
        and now < parse_instant(one.ends_at)
        and now < parse_instant(one.seen_at) + IDLE
    ]


def _end(unit: Unit, session: ConsoleSession, at: str) -> None:
    expect = {"ended_at": None}
    unit.update(records.CONSOLE_SESSIONS, {"id": session.id}, {"ended_at": at}, expect)
    unit.ring(ENDED)

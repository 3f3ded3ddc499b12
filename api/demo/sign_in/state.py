"""What the provider remembers between requests, all in memory.

Owns codes, device requests, refresh tokens, used assertions and form tickets, each with an end;
must not know HTTP. A restart forgets everything, and everybody signs in again.
"""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

CODE_SECONDS = 60
REFRESH_SECONDS = 12 * 3600
TICKET_SECONDS = 900
_MAX_ENTRIES = 10_000


@dataclass(frozen=True, slots=True)
class SignIn:
    """A person or machine that proved itself, for one audience.

    Authlib hands it around as ``user``.

    Attributes:
        sub: the account, or the client's own id.
        name: for the ID token; empty for machines.
        audience: node URL the access token is for.
        auth_time: seconds since the epoch; None for machines.
    """

    sub: str
    name: str
    audience: str
    auth_time: int | None

    def get_user_id(self) -> str:
        """Return the subject (Authlib's name for it)."""
        return self.sub


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code's facts, with the accessors Authlib asks for."""

    client_id: str
    redirect_uri: str | None
    scope: str
    nonce: str | None
    code_challenge: str
    code_challenge_method: str
    family: str
    sign_in: SignIn

    def get_redirect_uri(self) -> str | None:
        """Return the redirect address of the authorization request."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """Return the scope granted."""
        return self.scope

    def get_nonce(self) -> str | None:
        """Return the nonce for the ID token."""
        return self.nonce

    def get_auth_time(self) -> int | None:
        """Return when the person proved themselves, seconds since the epoch."""
        return self.sign_in.auth_time

    def get_acr(self) -> None:
        """Return no assurance level: this provider asserts none."""

    def get_amr(self) -> list[str]:
        """Return the methods used (RFC 8176)."""
        return ["pwd"]


@dataclass(slots=True)
class Device:
    """A device request (RFC 8628), with the accessors Authlib asks for."""

    now: Callable[[], float] = field(repr=False)
    client_id: str
    scope: str
    audience: str
    user_code: str
    expires_at: float
    interval: float
    polled_at: float | None = None
    decision: SignIn | None = None
    denied: bool = False

    def get_client_id(self) -> str:
        """Return the client that asked."""
        return self.client_id

    def get_scope(self) -> str:
        """Return the scope asked for."""
        return self.scope

    def get_user_code(self) -> str:
        """Return the code the person types."""
        return self.user_code

    def is_expired(self) -> bool:
        """Say whether the codes have ended."""
        return self.now() >= self.expires_at


@dataclass(frozen=True, slots=True)
class Refresh:
    """A refresh token's facts; all descendants of one sign-in share a family."""

    client_id: str
    scope: str
    family: str
    sign_in: SignIn

    def check_client(self, client: object) -> bool:
        """Say whether the token was issued to ``client`` (Authlib's check)."""
        return getattr(client, "client_id", None) == self.client_id

    def get_scope(self) -> str:
        """Return the scope granted."""
        return self.scope


T = TypeVar("T")


class Shelf(Generic[T]):
    """Values with an end, found by a secret; thread-safe and bounded.

    Args:
        now: seconds since the epoch.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._held: dict[str, tuple[T, float]] = {}

    def put(self, name: str, value: T, seconds: float) -> bool:
        """Keep ``value`` for ``seconds``; False when the name is already taken."""
        now = self._now()
        with self._lock:
            self._sweep(now)
            if name in self._held:
                return False
            self._held[name] = (value, now + seconds)
            return True

    def get(self, name: str) -> T | None:
        """Return the value, or None when it is unknown or has ended."""
        with self._lock:
            value, end = self._held.get(name, (None, 0.0))
        return value if self._now() < end else None

    def take(self, name: str) -> T | None:
        """Return the value and forget it: of two callers one gets it."""
        with self._lock:
            value, end = self._held.pop(name, (None, 0.0))
        return value if self._now() < end else None

    def _sweep(self, now: float) -> None:
        if len(self._held) < _MAX_ENTRIES:
            return
        self._held = {name: entry for name, entry in self._held.items() if now < entry[1]}
        while len(self._held) >= _MAX_ENTRIES:
            del self._held[next(iter(self._held))]


class ProviderState:
    """Everything the provider remembers.

    Args:
        now: seconds since the epoch.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.codes: Shelf[Code] = Shelf(now)
        self.devices: Shelf[Device] = Shelf(now)
        self.device_codes: Shelf[str] = Shelf(now)
        self.assertions: Shelf[bool] = Shelf(now)
        self.nonces: Shelf[str] = Shelf(now)
        self._used_codes: Shelf[str] = Shelf(now)
        self._refresh: Shelf[Refresh] = Shelf(now)
        self._used_refresh: Shelf[str] = Shelf(now)
        self._dead_families: Shelf[bool] = Shelf(now)
        self._tickets: Shelf[str] = Shelf(now)

    def redeem_code(self, code: str) -> Code | None:
        """Take an authorization code; a second use revokes what the first one bought.

        RFC 6749 section 4.1.2.
        """
        held = self.codes.take(code)
        if held is not None:
            self._used_codes.put(code, held.family, REFRESH_SECONDS)
            return held
        self._revoke(self._used_codes.get(code))
        return None

    def keep_refresh(self, token: str, refresh: Refresh) -> None:
        """Remember a refresh token."""
        self._refresh.put(token, refresh, REFRESH_SECONDS)

    def find_refresh(self, token: str) -> Refresh | None:
        """Return what a refresh token stands for without using it up."""
        return self._refresh.get(token)

    def redeem_refresh(self, token: str) -> Refresh | None:
        """Take a refresh token; a second use means theft and revokes its whole family.

        RFC 9700 section 4.14.2.
        """
        held = self._refresh.take(token)
        if held is None:
            self._revoke(self._used_refresh.get(token))
            return None
        self._used_refresh.put(token, held.family, REFRESH_SECONDS)
        return None if self._dead_families.get(held.family) else held

    def revoke_refresh(self, refresh: Refresh) -> None:
        """End every token that came from the same sign-in."""
        self._revoke(refresh.family)

    def new_ticket(self, browser: str) -> str:
        """Return a value that ``browser`` must send back with its form, once."""
        ticket = secrets.token_urlsafe()
        self._tickets.put(ticket, browser, TICKET_SECONDS)
        return ticket

    def redeem_ticket(self, ticket: str, browser: str) -> bool:
        """Say whether this very browser was given ``ticket``, and end it."""
        held = self._tickets.take(ticket)
        return held is not None and secrets.compare_digest(held.encode(), browser.encode())

    def _revoke(self, family: str | None) -> None:
        if family is not None:
            self._dead_families.put(family, value=True, seconds=REFRESH_SECONDS)

"""Contracts of the two things a pure core must be handed: time and entropy."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The node's clock. Wall time is a label here, never an order."""

    def now(self) -> datetime:
        """Return the current time, aware and in UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; a simulator's clock returns at once and moves itself forward."""
        ...


class Entropy(Protocol):
    """Randomness for nonces, salts and local identifiers."""

    def token(self, size: int) -> bytes:
        """Return ``size`` unpredictable bytes (a CSPRNG outside tests)."""
        ...

    def identifier(self) -> str:
        """Return a fresh local identifier: 32 lower-case hex digits, ordered roughly by time."""
        ...

"""Decisions as values with reasons (DESIGN §3.4); must not act on them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Decision:
    """What a pure rule decided and why.

    Args:
        allowed: whether the act may happen.
        code: ``"ok"`` or the stable refusal code.
        reason: a sentence for the person or node that asked.
    """

    allowed: bool
    code: str = "ok"
    reason: str = ""

    def __bool__(self) -> bool:
        return self.allowed


ALLOWED = Decision(allowed=True)


def refuse(code: str, reason: str) -> Decision:
    """Return a refusal with its stable code and sentence."""
    return Decision(allowed=False, code=code, reason=reason)

"""Decisions as values with reasons (DESIGN §3.4); must not act on them."""

from dataclasses import dataclass

from api.domain.errors import ComityError, Conflict


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

    def or_raise(self, refusal: type[ComityError] = Conflict) -> None:
        """Raise the refusal with this code and reason, unless the act is allowed."""
        if not self.allowed:
            raise refusal(self.code, self.reason)


ALLOWED = Decision(allowed=True)


def refuse(code: str, reason: str) -> Decision:
    """Return a refusal with its stable code and sentence."""
    return Decision(allowed=False, code=code, reason=reason)

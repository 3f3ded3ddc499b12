"""The refusals every use case can raise, each with a stable code.

Owns the error tree; must not know HTTP, exit codes or any library's exceptions (``web/problems.py``
and ``cli/exits.py`` hold those two tables).

    ComityError
     ├── NotSignedIn      the caller proved no identity
     ├── Refused          the caller is known and the policy says no
     ├── NotFound         absent, or the caller may not know that it exists
     ├── Invalid          the input is malformed or against a rule of its own content
     ├── Conflict         the act contradicts the present state
     │    └── Stale       the object moved since the caller looked at it
     ├── TooLarge         over a published limit
     ├── Full             the disk, quota or queue has no room
     │    └── TooMany     the caller has used up what it may have at once, or in a while
     └── Unavailable      a peer, store or key cannot be reached now
"""

from typing_extensions import override


class ComityError(Exception):
    """A refusal.

    Args:
        code: stable dotted code (``package.unknown``); never reused with another meaning.
        message: one sentence that says what is wrong and what to do; never echoes input.
        details: machine-readable extras, such as JSON pointers; never secrets.
    """

    def __init__(self, code: str, message: str, **details: object) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details

    @override
    def __str__(self) -> str:
        return f"{self.message} [{self.code}]"


class NotSignedIn(ComityError):  # noqa: N818 - the names read as the refusal itself
    """No valid access token, or one that is not meant for this node."""


class Refused(ComityError):  # noqa: N818
    """The policy denies the act.

    Args:
        code: stable code.
        message: sentence for the caller.
        policies: names (``@id``) of the policies that decided.
        details: extras.
    """

    def __init__(
        self, code: str, message: str, policies: tuple[str, ...] = (), **details: object
    ) -> None:
        super().__init__(code, message, **details)
        self.policies = policies


class NotFound(ComityError):  # noqa: N818
    """No such object, or none that the caller may know of."""

    def __init__(
        self, code: str, message: str, policies: tuple[str, ...] = (), **details: object
    ) -> None:
        super().__init__(code, message, **details)
        self.policies = policies


class Invalid(ComityError):  # noqa: N818
    """The input is wrong in itself."""


class Conflict(ComityError):  # noqa: N818
    """The act contradicts the present state."""


class Stale(Conflict):
    """The object changed since the caller looked at it."""


class TooLarge(ComityError):  # noqa: N818
    """The input is over a published limit."""


class Full(ComityError):  # noqa: N818
    """No room is left to store what was sent."""


class TooMany(Full):
    """The caller has used up its own allowance; others are served.

    Args:
        code: stable code.
        message: sentence for the caller.
        retry_after: seconds after which trying again can help.
        details: extras.
    """

    def __init__(self, code: str, message: str, *, retry_after: int = 1, **details: object) -> None:
        super().__init__(code, message, **details)
        self.retry_after = retry_after


class Unavailable(ComityError):  # noqa: N818
    """Something this act needs cannot be reached now; trying again later can help."""

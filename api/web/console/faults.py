"""Pages that say what went wrong and what to do.

Owns which refusal becomes which page. A refusal's own sentence is shown too, in the language it was
written in; nothing of an unexpected error is, but the reference under which the log has it.
"""

import logging
from dataclasses import dataclass
from typing import Final

from api.domain import errors
from api.tlog.errors import LogError
from api.web import problems
from api.web.console.words import mark
from api.wire.errors import WireError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fault:
    """One page of this kind.

    Attributes:
        status: HTTP status.
        title: what happened.
        advice: what to do.
        code: stable code; empty for the unexpected.
        sentence: the refusal's own sentence; empty for the unexpected.
    """

    status: int
    title: str
    advice: str
    code: str = ""
    sentence: str = ""


_PAGES: Final[dict[int, tuple[str, str]]] = {
    400: (
        mark("The request cannot be read"),
        mark("Go back, correct what you entered and try again."),
    ),
    401: (
        mark("Sign in again"),
        mark("Your session has ended. Sign in to go on."),
    ),
    403: (
        mark("You cannot do this"),
        mark(
            "Your roles, or what you did before on this matter, do not allow it. Ask an "
            "administrator of your ministry if you think that they should."
        ),
    ),
    404: (
        mark("Page not found"),
        mark(
            "Check the address. What you look for may not exist, or may not be open to you: the "
            "two look the same on purpose."
        ),
    ),
    409: (
        mark("Somebody else changed this"),
        mark("Nothing was done. Open the page again to see how it stands now, then decide."),
    ),
    413: (mark("This is too large"), mark("Send less at once.")),
    422: (
        mark("This cannot be accepted"),
        mark("Go back, correct what you entered and try again."),
    ),
    429: (
        mark("Too many requests"),
        mark("Wait a minute, then open the page again. Nothing was lost."),
    ),
    500: (
        mark("Something went wrong here"),
        mark("Nothing was changed. Give the administrators of your node the reference below."),
    ),
    503: (
        mark("Not available at the moment"),
        mark("Nothing was changed. Try again in a few minutes."),
    ),
}
_SAME: Final = {408: 503, 412: 409, 428: 409, 415: 400, 405: 404, 410: 404, 507: 503}


def of_status(status: int, code: str = "", sentence: str = "") -> Fault:
    """Return the page for a status."""
    wanted = _SAME.get(status, status)
    title, advice = _PAGES.get(wanted, _PAGES[500])
    return Fault(status, title, advice, code, sentence)


def of_error(error: Exception) -> Fault:
    """Return the page for an exception that reached the door."""
    if isinstance(error, errors.NotSignedIn) and error.code == "officer.unknown":
        # Signing in again would not help: the account is nobody's here.
        return of_status(403, error.code, error.message)
    if isinstance(error, errors.ComityError | WireError | LogError):
        return of_status(problems.status_of(error), error.code, error.message)
    _log.error("unexpected error", exc_info=error)
    return of_status(500, "internal")

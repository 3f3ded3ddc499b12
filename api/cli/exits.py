"""Exit codes, and the one table from refusals to them.

Owns what a shell script may rely on (DESIGN §10); must not print.
"""

from enum import IntEnum
from typing import Any, Final

from api.domain import errors
from api.tlog.errors import LogError
from api.wire.errors import WireError


class ExitCode(IntEnum):
    """What the command line ends with."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    VERIFICATION_FAILED = 3
    NOT_ALLOWED = 4
    NOT_FOUND = 5
    CONFLICT = 6
    UNAVAILABLE = 7
    INTERRUPTED = 130


_TABLE: Final[tuple[tuple[type[Exception], ExitCode], ...]] = (
    (errors.NotSignedIn, ExitCode.NOT_ALLOWED),
    (errors.Refused, ExitCode.NOT_ALLOWED),
    (errors.NotFound, ExitCode.NOT_FOUND),
    (errors.Conflict, ExitCode.CONFLICT),
    (errors.Unavailable, ExitCode.UNAVAILABLE),
    (errors.Full, ExitCode.UNAVAILABLE),
    (errors.Invalid, ExitCode.USAGE),
    (errors.TooLarge, ExitCode.USAGE),
    (WireError, ExitCode.VERIFICATION_FAILED),
    (LogError, ExitCode.VERIFICATION_FAILED),
)


def exit_of(error: Exception) -> ExitCode:
    """Return the exit code of a refusal; everything that is none is unexpected."""
    return next((code for kind, code in _TABLE if isinstance(error, kind)), ExitCode.UNEXPECTED)


def problem_of(error: Exception) -> dict[str, Any]:
    """Return a refusal as the JSON problem that ``--json`` prints on stderr.

    Returns:
        ``{code, detail, exit}``, and what a node added, such as ``policies`` or ``errors``.
    """
    problem: dict[str, Any] = {"code": "internal", "detail": "Something went wrong."}
    if isinstance(error, errors.ComityError | WireError | LogError):
        problem = {"code": error.code, "detail": error.message}
    elif isinstance(error, OSError):
        problem = {"code": "file.unusable", "detail": _file_trouble(error)}
    problem["exit"] = int(exit_of(error))
    if isinstance(error, errors.ComityError):
        problem |= error.details
    if isinstance(error, errors.Refused | errors.NotFound) and error.policies:
        problem["policies"] = list(error.policies)
    return problem


def _file_trouble(error: OSError) -> str:
    reason = error.strerror or type(error).__name__
    return f"{error.filename}: {reason}." if error.filename else f"{reason}."

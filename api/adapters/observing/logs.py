"""Log lines of a running node: one JSON object each, without content and without secrets.

Owns what may appear in a line. That nothing else can is by construction, not by care at each call:

* A line's text is the call's first argument, which is a constant (a test reads the sources); it is
  never filled in. What varies travels as one of `MEMBERS`; other extras are dropped.
* Lines of other people's software show where they come from, never their text: it may quote a URL,
  a header or a row. Below WARNING they are dropped at every level.
* Of an exception its type, stable code, SQLSTATE or errno and the places in the code are shown,
  never its text and never a variable.

Not for the command line's own talk, and not the audit log, which is in the database.
"""

import errno
import json
import logging
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Final, TextIO

from typing_extensions import override

from api.domain.errors import ComityError
from api.ports.observing import Piece, PieceKind
from api.tlog.errors import LogError
from api.wire.errors import WireError

MEMBERS: Final = (
    "request",
    "caller_request",
    "method",
    "route",
    "status",
    "milliseconds",
    "job",
    "peer",
    "code",
    "ministry",
    "address",
    "issuer",
    "reason",
    "days",
    "until",
    "purpose",
    "kid",
    "count",
)
"""Members a line may have beside time, level, logger, event and error."""

_OWN: Final = ("api", "comity")
_WITHHELD: Final = "text withheld"
_LONGEST: Final = 256
_FRAMES: Final = 40
_CAUSES: Final = 5
_SQLSTATE: Final = 5
_CONTEXT: ContextVar[Mapping[str, str]] = ContextVar("comity_log_context", default={})  # noqa: B039 - never changed in place, only replaced


class LogContext:
    """Ties every line written during a piece of work to it; implements ``ports/observing``."""

    def observe(self, piece: Piece) -> AbstractContextManager[None]:
        """Let lines carry the request id, or the job and partner, of this piece."""
        return _during(piece)

    def committed(self, acts: Sequence[tuple[str, str]]) -> None:
        """Do nothing: the audit log has it."""

    def refused(self, door: str, code: str) -> None:
        """Do nothing: the request's line has it."""


@contextmanager
def _during(piece: Piece) -> Iterator[None]:
    known = {"request": piece.request, "peer": piece.peer}
    if piece.kind is PieceKind.JOB:
        known["job"] = piece.name
    added = {name: value for name, value in known.items() if value}
    token = _CONTEXT.set({**_CONTEXT.get(), **added})
    try:
        yield
    finally:
        _CONTEXT.reset(token)


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON; see the module docstring."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without a line feed; pure ASCII, so nothing in it steers a terminal."""
        own = record.name.split(".", 1)[0] in _OWN
        line: dict[str, Any] = {
            "time": _log_instant(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.msg if own and isinstance(record.msg, str) else _WITHHELD,
        }
        if own:
            given = {**_CONTEXT.get(), **record.__dict__}
            line.update({name: _plain_value(given[name]) for name in MEMBERS if name in given})
        else:
            line["source"] = f"{record.module}:{record.lineno}"
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = described(record.exc_info[1])
        return json.dumps(line, ensure_ascii=True).replace("\x7f", "\\u007f")


def configure(level: str, stream: TextIO | None = None) -> None:
    """Send the log lines of this process, and whatever dies in it, to ``stream`` as JSON.

    Args:
        level: least level of this program's lines; other software's start at WARNING.
        stream: standard output if not given.
    """
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level.upper()]))
    for name in _OWN:
        logging.getLogger(name).setLevel(level.upper())
    # A line that cannot be written (a reader that went away) must not be quoted on stderr.
    logging.raiseExceptions = False
    logging.captureWarnings(capture=True)
    sys.excepthook = _died
    threading.excepthook = _thread_died
    sys.unraisablehook = _unraisable


def described(error: BaseException, depth: int = 0) -> dict[str, Any]:
    """Return type, codes, places and causes of an exception, without its text or any variable."""
    kind = type(error)
    found: dict[str, Any] = {"type": f"{kind.__module__}.{kind.__qualname__}"}
    found.update(_codes(error))
    found["trace"] = _places(error.__traceback__)
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and depth < _CAUSES:
        found["cause"] = described(cause, depth + 1)
    if isinstance(error, BaseExceptionGroup) and depth < _CAUSES:
        found["parts"] = [described(part, depth + 1) for part in error.exceptions[:_CAUSES]]
    return found


def _codes(error: BaseException) -> dict[str, str]:
    """Return what names the fault and comes from a closed list."""
    if isinstance(error, ComityError | WireError | LogError):
        return {"code": error.code}
    state = getattr(getattr(error, "orig", error), "sqlstate", None)
    if isinstance(state, str) and len(state) == _SQLSTATE and state.isalnum():
        return {"sqlstate": state}
    number = error.errno if isinstance(error, OSError) else None
    return {"errno": errno.errorcode[number]} if number in errno.errorcode and number else {}


def _places(trace: TracebackType | None) -> list[str]:
    """Return ``module:line function`` of the innermost frames; a file's path says too much."""
    places: list[str] = []
    while trace is not None:
        frame = trace.tb_frame
        module = frame.f_globals.get("__name__", "?")
        places.append(f"{module}:{trace.tb_lineno} {frame.f_code.co_name}")
        trace = trace.tb_next
    return places[-_FRAMES:]


def _plain_value(value: object) -> str | int | float | bool:
    if isinstance(value, bool | int | float):
        return value
    return str(value)[:_LONGEST]


def _log_instant(seconds: float) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * 1000):03d}Z"


_log = logging.getLogger(__name__)


def _died(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    _log.critical("the process ends by an error", exc_info=(kind, error, trace))


def _thread_died(arguments: "threading.ExceptHookArgs") -> None:
    if arguments.exc_value is not None:
        given = (arguments.exc_type, arguments.exc_value, arguments.exc_traceback)
        _log.error("a thread ended by an error", exc_info=given)


def _unraisable(arguments: "sys.UnraisableHookArgs") -> None:
    if arguments.exc_value is not None:
        given = (arguments.exc_type, arguments.exc_value, arguments.exc_traceback)
        _log.error("an error while tidying up", exc_info=given)

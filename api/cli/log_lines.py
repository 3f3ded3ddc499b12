"""Log lines of a node's processes: one JSON object a line, on stderr.

Owns their form and the level of chatty libraries. What is logged is decided where it is logged:
ids, codes and figures, never content, names or secrets.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final

from typing_extensions import override

_QUIET: Final = ("uvicorn", "httpx2", "httpcore2", "alembic")
_PLAIN: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime"}


class JsonLines(logging.Formatter):
    """Formats a record with whatever was given as ``extra``."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        """Return ``{at, level, logger, message, …extra, trace?}``."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _PLAIN}
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def log_to_stderr(level: str) -> None:
    """Send the log lines of this process to stderr.

    Args:
        level: the least level, such as ``INFO``; libraries speak from warnings on.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)

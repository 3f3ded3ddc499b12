"""What is new since a page was opened, as a number: for a page whose feed (``feeds.py``) failed.

Owns the answer. Asking does not keep a session alive, so that a page left open ends as one does
that nobody looks at; without scripts, reloading the page shows the same.
"""

import json
from typing import Final

from api.domain.errors import Invalid
from api.ports.policy import Action
from api.services.desk import tasks
from api.web.console.page import EVERYONE, Answer, Page, Sending, Visit
from api.wire.encoding import parse_instant
from api.wire.errors import WireError

MOST: Final = 200
"""Tasks that are looked at: whoever has more need not know how many are new."""


def instant(text: str) -> str:
    """Return an instant as it was sent.

    Raises:
        Invalid: ``instant.malformed``.
    """
    try:
        parse_instant(text)
    except WireError:
        raise Invalid(
            "instant.malformed", "Write the instant as 2026-11-23T17:25:39.123Z."
        ) from None
    return text


def count(visit: Visit) -> Answer:
    """Answer with ``{"new": n}``: tasks of the officer's that came after an instant, 200 at most.

    Raises:
        Invalid: ``instant.malformed``.
    """
    since = instant(visit.query.get("since", ""))
    new = tasks.new_since(visit.node, visit.caller, since, MOST)
    content = json.dumps({"new": new}).encode()
    return Sending(iter([content]), "news.json", "application/json", len(content))


PAGES: Final = (
    Page("news", "/news", EVERYONE, Action.TASK_LIST, count, download=True, quiet=True),
)

"""What is new since a page was opened, as a number: for the page's script, which asks now and then.

Owns the answer. Asking does not keep a session alive, so that a page left open ends as one does
that nobody looks at; without scripts, reloading the page shows the same.
"""

import json
from typing import Final

from api.domain.errors import Invalid
from api.ports.policy import Action
from api.services.desk import tasks
from api.services.desk.tasks import Scope
from api.web.console.page import EVERYONE, Answer, Page, Sending, Visit
from api.wire.encoding import parse_instant
from api.wire.errors import WireError

_MOST: Final = 200


def count(visit: Visit) -> Answer:
    """Answer with ``{"new": n}``: tasks of the officer's that came after an instant, 200 at most.

    Raises:
        Invalid: ``instant.malformed``.
    """
    since = visit.query.get("since", "")
    try:
        parse_instant(since)
    except WireError:
        raise Invalid(
            "instant.malformed", "Write the instant as 2026-11-23T17:25:39.123Z."
        ) from None
    found = tasks.tasks_page(visit.node, visit.caller, Scope.MINE, limit=_MOST)
    new = sum(one.opened_at is not None and one.opened_at > since for one in found)
    content = json.dumps({"new": new}).encode()
    return Sending(iter([content]), "news.json", "application/json", len(content))


PAGES: Final = (
    Page("news", "/news", EVERYONE, Action.TASK_LIST, count, download=True, quiet=True),
)

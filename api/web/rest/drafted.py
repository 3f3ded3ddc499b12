"""The answer of every route that makes a draft."""

from api.services.statements.draft_form import DraftView
from api.web.answers import Created


def drafted(draft: DraftView) -> Created[DraftView]:
    """Return a draft that was just made, with its place."""
    return Created(draft, f"/api/v1/drafts/{draft.id}")

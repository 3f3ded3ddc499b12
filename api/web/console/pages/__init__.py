"""Every page of the console, by capability; each module owns its pages and their forms.

``PAGES`` is the table that the door makes routes of and that the tests walk.
"""

from typing import Final

from api.web.console.page import Page
from api.web.console.pages import account, drafts, mirror_requests, packages, thread_moves, work

PAGES: Final[tuple[Page, ...]] = (
    *work.PAGES,
    *account.PAGES,
    *drafts.PAGES,
    *packages.PAGES,
    *mirror_requests.PAGES,
    *thread_moves.PAGES,
)

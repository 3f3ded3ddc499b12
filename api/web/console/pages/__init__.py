"""Every page of the console, by capability; each module owns its pages and their forms.

``PAGES`` is the table that the door makes routes of and that the tests walk.
"""

from typing import Final

from api.web.console.page import Page
from api.web.console.pages import (
    account,
    audit,
    designations,
    drafts,
    mirror_requests,
    packages,
    partners,
    passkeys,
    people,
    proposals,
    recalls,
    run,
    subjects,
    thread_moves,
    work,
)

PAGES: Final[tuple[Page, ...]] = (
    *work.PAGES,
    *account.PAGES,
    *passkeys.PAGES,
    *drafts.PAGES,
    *packages.PAGES,
    *recalls.PAGES,
    *mirror_requests.PAGES,
    *thread_moves.PAGES,
    *proposals.PAGES,
    *designations.PAGES,
    *subjects.PAGES,
    *partners.PAGES,
    *audit.PAGES,
    *run.PAGES,
    *people.PAGES,
)

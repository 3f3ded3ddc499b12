"""Every page of the console, by capability; each module owns its pages and their forms.

``PAGES`` is the table that the door makes routes of and that the tests walk.
"""

from typing import Final

from api.web.console.page import Page
from api.web.console.pages import (
    absences,
    account,
    audit,
    designations,
    drafts,
    epochs,
    erasures,
    membership,
    mirror_requests,
    misbehaviour,
    officers,
    packages,
    parked,
    partners,
    passkeys,
    people,
    proposals,
    recalls,
    restoring,
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
    *membership.PAGES,
    *misbehaviour.PAGES,
    *parked.PAGES,
    *restoring.PAGES,
    *erasures.PAGES,
    *epochs.PAGES,
    # Before "people", whose addresses with a kind would take theirs.
    *absences.PAGES,
    *people.PAGES,
    *officers.PAGES,
)

"""Every page of the console, by capability; each module owns its pages and their forms.

``PAGES`` is the table that the door makes routes of and that the tests walk.
"""

from typing import Final

from api.web.console.page import Page
from api.web.console.pages import (
    account,
    audit,
    designation_forms,
    designations,
    drafts,
    mirror_requests,
    package_papers,
    package_upload,
    packages,
    partners,
    passkey_sites,
    passkeys,
    people,
    proposal_forms,
    proposals,
    recalls,
    request_forms,
    reviews,
    revising,
    run,
    subjects,
    thread_moves,
    verdicts,
    withdrawals,
    work,
)

PAGES: Final[tuple[Page, ...]] = (
    *work.PAGES,
    *account.PAGES,
    *passkeys.PAGES,
    *drafts.PAGES,
    *revising.PAGES,
    *package_papers.PAGES,
    *package_upload.PAGES,
    *packages.PAGES,
    *withdrawals.PAGES,
    *recalls.PAGES,
    *request_forms.PAGES,
    *mirror_requests.PAGES,
    *thread_moves.PAGES,
    *proposal_forms.PAGES,
    *proposals.PAGES,
    *designation_forms.PAGES,
    *designations.PAGES,
    *subjects.PAGES,
    *verdicts.PAGES,
    *reviews.PAGES,
    *partners.PAGES,
    *audit.PAGES,
    *run.PAGES,
    *passkey_sites.PAGES,
    *people.PAGES,
)

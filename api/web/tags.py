"""The sections of the reference: every router belongs to one, and each says what it holds.

Owns their names and descriptions. A router with another tag is refused when it is made
(``api/web/routing.py``), so no operation stands in a section that nobody described.
"""

from typing import Final

DESCRIPTIONS: Final[dict[str, str]] = {
    "assurance": "How far this log and its partners' logs are witnessed, and what contradicts it.",
    "audit": "The log as auditors read, export and check it.",
    "coverage": "Per subject: which jurisdictions list it, since when, with what lag.",
    "delegations": "Standing in for the absent, and standing aside for conflicts of interest.",
    "designations": "What jurisdictions listed, amended and delisted.",
    "drafts": "Statements in the making: written by one officer, approved by another.",
    "exhibits": "The bytes of evidence, by their SHA-256.",
    "lists": "Published sanctions lists that this node holds: editions, entries, differences.",
    "log": "The transparency log in C2SP form; members only.",
    "mirror requests": "Threads in which one ministry asks another to mirror its designations.",
    "node": "Partners, streams, the node's state and its stop switch.",
    "officers": "People, their accounts, roles and signing keys; two administrators decide.",
    "packages": "Evidence packages: submitted, released one recipient at a time, recalled.",
    "peers": "What partners sent that this node cannot decide yet.",
    "peer": "The one door of partners' nodes.",
    "proposals": "Reasoned cases for listing a subject.",
    "public": "What anyone may read.",
    "regimes": "The law as data: regimes, grounds, crosswalk and clocks.",
    "subjects": "Subjects of packages, designations and requests, and officers' verdicts on them.",
    "tasks": "What waits for whom, until when, and why; what a partner holds.",
}

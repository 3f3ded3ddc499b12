"""Words for what administrators decide on, as officers read them.

Owns their tables, which ``labels`` takes up.
"""

from collections.abc import Mapping
from typing import Final

from api.web.console.words import mark

LABELS: Final[Mapping[str, Mapping[str, str]]] = {
    "change-kind": {
        "officer": mark("A new officer"),
        "suspension": mark("A suspension to confirm"),
        "reinstatement": mark("A suspension to take back"),
        "grant": mark("A role"),
        "key": mark("A signing key"),
        "key-request": mark("A signing key nobody vouched for"),
        "delegation": mark("A role lent for an absence"),
        "relying-party": mark("Addresses where passkeys are used"),
        "membership": mark("A membership"),
        "erasure": mark("An order to erase"),
        "epoch": mark("A new epoch to a partner"),
        "waiver": mark("Going on without the answer of a member"),
        "tail": mark("Giving up the end of the log that nobody holds"),
        "regime": mark("An edition of the data on a regime"),
    },
    "change-state": {
        "proposed": mark("Waits for the second administrator"),
        "approved": mark("Approved"),
    },
    "edition-state": {
        "proposed": mark("Waits for the second administrator"),
        "in-force": mark("In force"),
        "replaced": mark("Replaced"),
    },
    "erasure-kind": {
        "event": mark("Content of an entry of the log"),
        "exhibit": mark("Exhibit"),
    },
    "erasure-state": {
        "proposed": mark("Waits for the second administrator"),
        "carried-out": mark("Carried out"),
        "rejected": mark("Rejected"),
    },
    "key-purpose": {
        "seal": mark("Seal of the ministry"),
        "message": mark("Messages"),
        "log": mark("Log"),
        "log-pq": mark("Log, post-quantum"),
        "witness": mark("Witness of other logs"),
        "witness-pq": mark("Witness, post-quantum"),
        "encryption": mark("Encryption"),
    },
    "misbehaviour": {
        "inconsistent-heads": mark("Two heads of its log that do not fit"),
        "message-number-reuse": mark("Two messages under one number"),
        "statement-equivocation": mark("Two statements under one number"),
        "refused-head": mark("A head that cannot be judged yet; no proof"),
    },
    "ruling": {
        "none": mark("Waits for a ruling"),
        "resume": mark("The exchange goes on"),
        "uphold": mark("Upheld: the stream is frozen"),
        "consistent": mark("Of the same history"),
        "contradictory": mark("Of another history"),
    },
    "ruling-act": {
        "resume": mark("Let it go on"),
        "uphold": mark("Uphold"),
    },
    "stream-state": {
        "open": mark("Running"),
        "blocked": mark("Blocked"),
        "frozen": mark("Frozen"),
    },
    "concern": {
        "certificate.expires": mark("A certificate ends soon"),
        "certificate.expired": mark("A certificate has ended"),
        "key.missing": mark("A key is missing"),
        "key.retired": mark("A retired key still lies here"),
        "key.revoked": mark("A revoked key still lies here"),
        "key.out-of-step": mark("A key signs here that the membership ends or revokes"),
    },
    "delegation-state": {
        "proposed": mark("Waits for an administrator"),
        "to-come": mark("Approved, not begun"),
        "active": mark("In force"),
        "ended": mark("Ended"),
        "over": mark("Over"),
    },
    "grant-state": {
        "proposed": mark("Waits for the second administrator"),
        "active": mark("In force"),
        "revoked": mark("Taken away"),
    },
}

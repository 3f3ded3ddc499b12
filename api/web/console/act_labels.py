"""Words for what happened, as the log names it.

Owns the one table of acts, which ``labels`` takes up, and their groups for forms.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from api.web.console.words import mark

LABELS: Final[Mapping[str, Mapping[str, str]]] = {
    "act": {
        "access.refused": mark("Access refused"),
        "administrator.appointed": mark("Administrator appointed"),
        "anchor.recorded": mark("Anchor of the log recorded"),
        "body.erased": mark("Content erased"),
        "change.previewed": mark("Change looked at"),
        "deadline.passed": mark("Deadline passed"),
        "diary.recorded": mark("Case diary: event recorded"),
        "diary.withdrawn": mark("Case diary: event withdrawn"),
        "delegation.approved": mark("Delegation approved"),
        "delegation.ended": mark("Delegation ended"),
        "delegation.proposed": mark("Delegation proposed"),
        "delivery.abandoned": mark("Delivery given up"),
        "designation.amended": mark("Designation amended"),
        "designation.delisted": mark("Subject delisted"),
        "designation.recorded": mark("Designation recorded"),
        "draft.approved": mark("Draft approved"),
        "draft.confirmed": mark("Draft confirmed"),
        "draft.created": mark("Draft made"),
        "draft.discarded": mark("Draft set aside"),
        "draft.previewed": mark("Draft looked at"),
        "draft.replaced": mark("Draft revised"),
        "draft.returned": mark("Draft returned"),
        "equivocation.kept": mark("Proof of two heads kept"),
        "equivocation.ruled": mark("Proof of two heads ruled on"),
        "epoch.opened": mark("Epoch opened"),
        "epoch.proposed": mark("Epoch proposed"),
        "epoch.withdrawn": mark("Epoch given up"),
        "erasure.approved": mark("Erasure approved"),
        "erasure.proposed": mark("Erasure proposed"),
        "erasure.rejected": mark("Erasure rejected"),
        "exhibit.acquired": mark("Exhibit fetched from its holder"),
        "exhibit.read": mark("Exhibit opened"),
        "exhibit.received": mark("Exhibit received"),
        "exhibit.served": mark("Exhibit handed to a partner"),
        "exhibit.stored": mark("Exhibit stored"),
        "exhibits.confirmed": mark("Exhibits confirmed as held"),
        "export.made": mark("Export made"),
        "grant.approved": mark("Role approved"),
        "grant.proposed": mark("Role proposed"),
        "grant.revoked": mark("Role taken away"),
        "holding.confirmed": mark("Partner confirmed that it holds the exhibits"),
        "key.approved": mark("Key approved"),
        "key.proposed": mark("Key vouched for"),
        "key.requested": mark("Key asked for"),
        "key.revoked": mark("Key taken away"),
        "key.used": mark("Key used"),
        "lists.compared": mark("Lists compared"),
        "lists.imported": mark("List taken in"),
        "log.recovered": mark("Log recovered"),
        "log.started": mark("Log started"),
        "membership.adopted": mark("Membership adopted"),
        "membership.approved": mark("Membership approved"),
        "membership.proposed": mark("Membership proposed"),
        "message.decided": mark("Message decided on"),
        "message.receipted": mark("Receipt for a message came"),
        "message.received": mark("Message received"),
        "message.sent": mark("Message sent"),
        "message.served": mark("Message handed out"),
        "misbehaviour.kept": mark("Proof of misbehaviour kept"),
        "node.initialised": mark("Node set up"),
        "node.restored": mark("Node restored from a backup"),
        "node.stopped": mark("Node stopped"),
        "node.started": mark("Node started"),
        "note.written": mark("Note written"),
        "officer.approved": mark("Officer approved"),
        "officer.proposed": mark("Officer proposed"),
        "officer.reinstated": mark("Suspension taken back"),
        "officer.suspended": mark("Officer suspended"),
        "package.fetched": mark("Package downloaded"),
        "package.recalled": mark("Package recalled"),
        "package.released": mark("Package released"),
        "package.returned": mark("Package returned"),
        "package.submitted": mark("Package submitted"),
        "proposal.drafted": mark("Proposal begun"),
        "proposal.endorsed": mark("Proposal endorsed"),
        "proposal.lapsed": mark("Proposal let lapse"),
        "proposal.replaced": mark("Proposal revised"),
        "proposal.returned": mark("Proposal returned"),
        "proposal.submitted": mark("Proposal submitted"),
        "recall.acknowledged": mark("Recall read"),
        "release.withdrawn": mark("Release withdrawn"),
        "recusal.lifted": mark("Recusal ended"),
        "recusal.recorded": mark("Recusal recorded"),
        "reinstatement.proposed": mark("Reinstatement proposed"),
        "regime.approved": mark("Edition of a regime approved"),
        "regime.proposed": mark("Edition of a regime proposed"),
        "relying-party.approved": mark("Passkey addresses approved"),
        "relying-party.proposed": mark("Passkey addresses proposed"),
        "sample.saved": mark("Sample drawn"),
        "statement.applied": mark("Statement applied"),
        "statement.issued": mark("Statement issued"),
        "statement.parked": mark("Statement put aside undecided"),
        "statement.refused": mark("Statement refused"),
        "statement.ruled": mark("Statement ruled on"),
        "stream.ruled": mark("Stream ruled on"),
        "suspension.confirmed": mark("Suspension confirmed"),
        "tail.abandoned": mark("End of the log given up"),
        "tail.proposed": mark("Giving up the end of the log proposed"),
        "task.assigned": mark("Task given to somebody"),
        "task.closed": mark("Task closed"),
        "thread.compared": mark("Both ends of a request compared"),
        "thread.continued": mark("Request continued"),
        "thread.opened": mark("Request opened"),
        "verdict.recorded": mark("Identity verdict recorded"),
        "waiver.approved": mark("Going on without an answer approved"),
        "waiver.proposed": mark("Going on without an answer proposed"),
        "watch.ended": mark("Watch ended"),
        "watch.set": mark("Watch set"),
    },
}

GROUPS: Final[Mapping[str, frozenset[str]]] = {
    mark("Drafts and statements"): frozenset({"draft", "statement"}),
    mark("Packages and exhibits"): frozenset(
        {"package", "release", "recall", "exhibit", "exhibits", "holding"}
    ),
    mark("Requests, subjects and lists"): frozenset(
        {"thread", "task", "verdict", "watch", "lists"}
    ),
    mark("Proposals, designations and the law"): frozenset(
        {"proposal", "designation", "diary", "deadline", "regime"}
    ),
    mark("People, roles and keys"): frozenset(
        {
            "access",
            "administrator",
            "change",
            "delegation",
            "grant",
            "key",
            "officer",
            "recusal",
            "reinstatement",
            "relying-party",
            "suspension",
        }
    ),
    mark("Partners and messages"): frozenset(
        {"delivery", "epoch", "equivocation", "membership", "message", "misbehaviour", "stream"}
    ),
    mark("The node and its log"): frozenset(
        {
            "anchor",
            "body",
            "erasure",
            "export",
            "log",
            "node",
            "note",
            "sample",
            "tail",
            "waiver",
        }
    ),
}
"""What the acts of a group begin with."""


def grouped(acts: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield each group's name with its acts, for a form that shows them folded."""
    known = sorted(acts)
    for name, about in GROUPS.items():
        yield name, [one for one in known if one.partition(".")[0] in about]

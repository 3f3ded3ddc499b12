"""How one mirror thread bears on others: clashes, continuations, duplicates.

Owns the checks a party makes on its own account before it writes. None of them decides whether a
statement that came from the other party is legal: two nodes may know different threads, and
legality must be the same at both.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from api.domain.decisions import ALLOWED, Decision, refuse
from api.domain.threads.facts import Phase, Stamp, SubjectState
from api.domain.threads.moves import Body, described
from api.domain.threads.state import ThreadState


@dataclass(frozen=True, slots=True)
class OpenConflict:
    """A subject of a new request that an open thread already asks for."""

    key: str
    thread: str
    thread_key: str
    by: str


def open_conflicts(
    parties: tuple[str, str], body: Body, threads: Iterable[ThreadState]
) -> tuple[OpenConflict, ...]:
    """The requester's own check: one open thread per ordered pair and subject (DESIGN §6).

    Two subjects are taken for the same if they stand for the same designation, or if neither of
    the two is contradicted by another designation and they share a name as written. Likeness of
    names beyond that is a matter for an officer's verdict. The addressee never refuses a
    duplicate for its transport; it answers with a finding.

    Args:
        parties: requester and addressee of the new request.
        body: body of the new `mirror-request/1` or, for what it adds, `mirror-amendment/1`.
        threads: the requester's threads; those of other pairs and those not open are skipped.

    Returns:
        One entry per clash; `by` is `designation` or `name`.
    """
    asked = described(body.get("subjects", body.get("add", ())), body, Stamp(0, ""))
    found = []
    for thread in threads:
        if (thread.requester, thread.addressee) != parties or thread.phase is not Phase.OPEN:
            continue
        standing = [one for one in thread.subjects.values() if one.withdrawn is None]
        for new in asked.values():
            for old in standing:
                by = _same(new, old)
                if by:
                    found.append(OpenConflict(new.key, thread.id, old.key, by))
    return tuple(found)


def _same(new: SubjectState, old: SubjectState) -> str:
    if new.designation is not None and old.designation is not None:
        return "designation" if new.designation == old.designation else ""
    names = {name.casefold() for name in old.names}
    return "name" if any(name.casefold() in names for name in new.names) else ""


def may_continue(
    parties: tuple[str, str], continued: str | None, earlier: ThreadState | None
) -> Decision:
    """Whether an opener may name an earlier thread as the one it continues.

    Args:
        parties: requester and addressee of the opener.
        continued: the opener's `continues`.
        earlier: that thread as this node has it, or None if it has none.
    """
    if continued is None:
        return ALLOWED
    if earlier is None or earlier.id != continued:
        return refuse("thread.continues-unknown", "The thread to be continued is not known here.")
    if (earlier.requester, earlier.addressee) != parties:
        return refuse("thread.continues-others", "Only the same parties may continue a thread.")
    if earlier.phase is Phase.OPEN:
        return refuse("thread.continues-open", "That thread is still open; amend it instead.")
    return ALLOWED


def may_name_duplicate(body: Body, earlier: ThreadState | None, thread: ThreadState) -> Decision:
    """The addressee's own check before it answers with `duplicate-of`.

    Args:
        body: body of the `mirror-finding/1`.
        earlier: the thread that its `duplicate_of` names, as this node has it.
        thread: the thread in which the finding is to be written.
    """
    duplicate = body.get("duplicate_of")
    if duplicate is None:
        return ALLOWED
    if earlier is None or (earlier.requester, earlier.addressee) != (
        thread.requester,
        thread.addressee,
    ):
        return refuse("thread.duplicate-unknown", "Name an earlier thread of the same parties.")
    if duplicate["key"] not in earlier.subjects:
        return refuse("thread.unknown-subject", "The earlier thread has no subject with this key.")
    return ALLOWED

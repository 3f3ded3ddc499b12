"""The moves of a mirror thread: who may make which, when, and what each does to the state.

Owns the rules. Must not order sequences or look at signatures (`threads` does the first, wire
the second), and reads no clock: a deadline that has passed makes a task, never a refusal.

The rules, in the words of DESIGN §6:

* the requester writes amendments, answers and withdrawals; the addressee writes
  acknowledgements, questions, findings, effects and the closure;
* what a statement may do depends on its own issuer's earlier statements and on those of the
  counterpart that it declares as seen, and on nothing else; so both nodes judge alike;
* a key or question key once used is never given again;
* a later finding on the same subject supersedes the earlier one until closure;
* a withdrawal and a finding that cross both stand; a finding that has seen the withdrawal is
  refused; an effect is a fact and may follow a withdrawal if its finding stands;
* the addressee closes when every subject it has seen is found or withdrawn;
* after a closure that it has seen, nobody says anything more: reopening is a new thread.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from api.domain.decisions import ALLOWED, Decision, refuse
from api.domain.threads.facts import Effect, Finding, Question, Side, Stamp, SubjectState, Terms
from api.domain.threads.state import ThreadState

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Move:
    """A statement as the rules see it: whose, its stamp, and its checked body."""

    side: Side
    stamp: Stamp
    type: str
    body: Body

    def sees(self, other: Stamp | None) -> bool:
        """Whether this move's issuer knew a fact of the counterpart."""
        return other is not None and other.seq <= self.stamp.seen


def open_state(thread: str, parties: tuple[str, str], body: Body) -> ThreadState:
    """The state right after the opener.

    Args:
        thread: the opener's id.
        parties: requester and addressee.
        body: the opener's body (`mirror-request/1`).
    """
    stamp = Stamp(1, thread)
    return ThreadState(
        id=thread,
        requester=parties[0],
        addressee=parties[1],
        heads={Side.REQUESTER: stamp},
        terms=Terms(
            respond_by=body["respond_by"],
            release_at=body.get("release_at"),
            continues=body.get("continues"),
            evidence=_evidence_pairs(body),
        ),
        subjects=described(body["subjects"], body, stamp),
    )


def legal(state: ThreadState, move: Move) -> Decision:
    """Whether a move may be made, given what its issuer had said and seen.

    Args:
        state: everything before the move in its issuer's sequence, and at least as much of the
            counterpart's as the move has seen; what it has not seen is disregarded.
        move: the move.

    Returns:
        Allowed, or a refusal with a `thread.*` code.
    """
    rule = _RULES.get(move.type)
    if rule is None or rule.side is not move.side:
        return refuse("thread.not-your-move", "This kind of statement is for the other party.")
    if state.void:
        return refuse("thread.void", "The request itself was refused; open a new one.")
    if _closed(state, move):
        return refuse("thread.closed", "The thread is closed; open a new one that continues it.")
    return rule.check(state, move)


def apply(state: ThreadState, move: Move) -> ThreadState:
    """The state after a legal move. What an illegal one would do is not defined."""
    return _RULES[move.type].apply(state, move)


def _closed(state: ThreadState, move: Move) -> bool:
    if move.side is Side.ADDRESSEE:
        return state.closure is not None
    return move.sees(state.closure)


# What each party knows of a subject: the requester by its own words, the addressee by what it saw.


def _known(state: ThreadState, move: Move, key: str) -> bool:
    subject = state.subjects.get(key)
    return subject is not None and (move.side is Side.REQUESTER or move.sees(subject.added))


def _taken_back(state: ThreadState, move: Move, key: str) -> bool:
    withdrawn = state.subjects[key].withdrawn
    return withdrawn is not None and (move.side is Side.REQUESTER or move.sees(withdrawn))


def _withdrawn_whole(state: ThreadState, move: Move) -> bool:
    if move.side is Side.REQUESTER:
        return state.withdrawn is not None
    return move.sees(state.withdrawn)


def _standing(state: ThreadState, move: Move, keys: Iterable[str]) -> Decision:
    for key in keys:
        if not _known(state, move, key):
            return refuse("thread.unknown-subject", "The thread has no subject with this key.")
        if _taken_back(state, move, key):
            return refuse("thread.subject-withdrawn", "This subject was withdrawn.")
    return ALLOWED


def _not_withdrawn(state: ThreadState, move: Move) -> Decision:
    if _withdrawn_whole(state, move):
        return refuse("thread.withdrawn", "The whole request was withdrawn.")
    return ALLOWED


# The requester's moves.


def _may_amend(state: ThreadState, move: Move) -> Decision:
    decision = _not_withdrawn(state, move)
    if not decision:
        return decision
    if any(subject["key"] in state.subjects for subject in move.body.get("add", ())):
        return refuse("thread.key-reused", "Give a new subject a key never used in this thread.")
    return _standing(state, move, move.body.get("remove", ()))


def _amend(state: ThreadState, move: Move) -> ThreadState:
    body, terms = move.body, state.terms
    added = described(body.get("add", ()), body, move.stamp)
    subjects = {**_take_back(state, move, body.get("remove", ())), **added}
    terms = replace(
        terms,
        respond_by=body.get("respond_by", terms.respond_by),
        release_at=body.get("release_at", terms.release_at),
        evidence=_merged(terms.evidence, _evidence_pairs(body)),
    )
    amendments = (*state.amendments, move.stamp)
    return replace(state, subjects=subjects, terms=terms, amendments=amendments)


def _may_answer(state: ThreadState, move: Move) -> Decision:
    question = state.questions.get(move.body["question"])
    if question is None or not move.sees(question.stamp):
        return refuse("thread.unknown-question", "No such question was asked in this thread.")
    return _not_withdrawn(state, move)


def _answer_question(state: ThreadState, move: Move) -> ThreadState:
    question = state.questions[move.body["question"]]
    answered = replace(question, answers=(*question.answers, move.stamp))
    terms = replace(state.terms, evidence=_merged(state.terms.evidence, _evidence_pairs(move.body)))
    return replace(state, questions={**state.questions, question.key: answered}, terms=terms)


def _may_withdraw(state: ThreadState, move: Move) -> Decision:
    decision = _not_withdrawn(state, move)
    return decision and _standing(state, move, move.body.get("subjects", ()))


def _withdraw(state: ThreadState, move: Move) -> ThreadState:
    whole = "subjects" not in move.body
    keys = [
        key
        for key in move.body.get("subjects", state.subjects)
        if state.subjects[key].withdrawn is None
    ]
    return replace(
        state,
        subjects=_take_back(state, move, keys),
        withdrawn=move.stamp if whole else state.withdrawn,
        withdrawals=(*state.withdrawals, move.stamp),
    )


# The addressee's moves.


def _may_acknowledge(_state: ThreadState, _move: Move) -> Decision:
    return ALLOWED


def _acknowledge(state: ThreadState, move: Move) -> ThreadState:
    said = (move.stamp, move.body.get("expected_by"))
    return replace(state, acknowledgements=(*state.acknowledgements, said))


def _may_ask(state: ThreadState, move: Move) -> Decision:
    if move.body["question"] in state.questions:
        return refuse("thread.question-reused", "Give a new question a key of its own.")
    decision = _not_withdrawn(state, move)
    return decision and _standing(state, move, move.body.get("subjects", ()))


def _ask(state: ThreadState, move: Move) -> ThreadState:
    asked = Question(move.body["question"], move.stamp, tuple(move.body.get("subjects", ())))
    return replace(state, questions={**state.questions, asked.key: asked})


def _may_find(state: ThreadState, move: Move) -> Decision:
    duplicate = move.body.get("duplicate_of")
    if duplicate is not None and duplicate["thread"] == state.id:
        return refuse("thread.duplicate-of-itself", "A duplicate is of another, earlier thread.")
    return _standing(state, move, (move.body["subject"],))


def _find(state: ThreadState, move: Move) -> ThreadState:
    body, subject = move.body, state.subjects[move.body["subject"]]
    duplicate = body.get("duplicate_of")
    finding = Finding(
        stamp=move.stamp,
        kind=body["finding"],
        regime=body.get("regime"),
        ground=body.get("ground"),
        until=body.get("until"),
        duplicate_of=(duplicate["thread"], duplicate["key"]) if duplicate else None,
        relies_on=tuple(body["relies_on"]),
    )
    return _with_subject(state, replace(subject, findings=(*subject.findings, finding)))


def _may_effect(state: ThreadState, move: Move) -> Decision:
    key = move.body["subject"]
    if not _known(state, move, key):
        return refuse("thread.unknown-subject", "The thread has no subject with this key.")
    subject = state.subjects[key]
    if subject.finding is None or not subject.finding.mirrors:
        return refuse("thread.nothing-to-effect", "State an effect after a finding that mirrors.")
    if any(effect.designation == move.body["designation"] for effect in subject.effects):
        return refuse("thread.effect-repeated", "This effect was already stated.")
    return ALLOWED


def _effect(state: ThreadState, move: Move) -> ThreadState:
    subject = state.subjects[move.body["subject"]]
    under = subject.findings[-1].stamp.id
    effect = Effect(move.stamp, move.body["designation"], under)
    return _with_subject(state, replace(subject, effects=(*subject.effects, effect)))


def _may_close(state: ThreadState, move: Move) -> Decision:
    for key, subject in state.subjects.items():
        waits = _known(state, move, key) and not _taken_back(state, move, key)
        if waits and not subject.findings:
            return refuse("thread.undecided", "Find on every subject before closing the thread.")
    return ALLOWED


def _close(state: ThreadState, move: Move) -> ThreadState:
    return replace(state, closure=move.stamp)


# Parts of a state.


def described(subjects: Iterable[Body], body: Body, stamp: Stamp) -> dict[str, SubjectState]:
    """Keyed subjects as an opener or amendment brings them.

    Args:
        subjects: descriptions, each with its key.
        body: the body that holds `designations` and `regimes` by key.
        stamp: the statement.
    """
    designations, regimes = body.get("designations", {}), body.get("regimes", {})
    return {
        subject["key"]: SubjectState(
            key=subject["key"],
            added=stamp,
            names=tuple(name["text"] for name in subject["names"]),
            designation=designations.get(subject["key"]),
            suggested=regimes.get(subject["key"]),
        )
        for subject in subjects
    }


def _take_back(state: ThreadState, move: Move, keys: Iterable[str]) -> dict[str, SubjectState]:
    taken = {key: replace(state.subjects[key], withdrawn=move.stamp) for key in keys}
    return {**state.subjects, **taken}


def _with_subject(state: ThreadState, subject: SubjectState) -> ThreadState:
    return replace(state, subjects={**state.subjects, subject.key: subject})


def _evidence_pairs(body: Body) -> tuple[tuple[str, str], ...]:
    return tuple((item["release"], item["package"]) for item in body.get("evidence", ()))


def _merged(
    old: tuple[tuple[str, str], ...], new: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...]:
    return (*old, *(pair for pair in new if pair not in old))


@dataclass(frozen=True, slots=True)
class _Rule:
    side: Side
    check: Callable[[ThreadState, Move], Decision]
    apply: Callable[[ThreadState, Move], ThreadState]


_RULES: Final[Mapping[str, _Rule]] = {
    "mirror-amendment/1": _Rule(Side.REQUESTER, _may_amend, _amend),
    "mirror-answer/1": _Rule(Side.REQUESTER, _may_answer, _answer_question),
    "mirror-withdrawal/1": _Rule(Side.REQUESTER, _may_withdraw, _withdraw),
    "mirror-acknowledgement/1": _Rule(Side.ADDRESSEE, _may_acknowledge, _acknowledge),
    "mirror-question/1": _Rule(Side.ADDRESSEE, _may_ask, _ask),
    "mirror-finding/1": _Rule(Side.ADDRESSEE, _may_find, _find),
    "mirror-effect/1": _Rule(Side.ADDRESSEE, _may_effect, _effect),
    "mirror-closure/1": _Rule(Side.ADDRESSEE, _may_close, _close),
}

import dataclasses
import random

import pytest

from api.domain.errors import Invalid
from api.domain.threads.facts import Phase, Side, Stamp
from api.domain.threads.sequences import (
    Record,
    fold,
    judge,
    may_open,
    next_place,
    takes_its_place,
    waits,
)
from api.domain.threads.state import ThreadState, state_digest
from api.wire.statements import Place, Seen
from tests.support.bodies import body, digest
from tests.support.statements import CA, UK, US, finding, following, opener, person, said, statement


def opened(*keys: str) -> Record:
    return Record((opener(keys or ("s1", "s2")),))


def find(record: Record, key: str, kind: str = "mirror", seen: int | None = None) -> Record:
    return said(record, UK, "finding", seen, **finding(key, kind))


def codes(state: ThreadState) -> list[str]:
    return [one.code for one in state.inert]


# What a thread amounts to.


def test_an_opened_thread_waits_for_every_subject() -> None:
    state = fold(opened("s1", "s2", "s10"))
    assert (state.requester, state.addressee, state.phase) == (US, UK, Phase.OPEN)
    assert [one.key for one in state.undecided()] == ["s1", "s2", "s10"]
    assert state.subjects["s2"].designation == digest("d2")
    assert state.subjects["s2"].suggested == "UK-GHR"


def test_a_later_finding_supersedes_and_both_are_kept() -> None:
    record = find(find(opened(), "s1", "defer"), "s1", "mirror")
    subject = fold(record).subjects["s1"]
    assert subject.finding is not None
    assert subject.finding.kind == "mirror"
    assert [one.kind for one in subject.findings] == ["defer", "mirror"]
    assert fold(record).subjects["s2"].phase is Phase.AWAITING


def test_an_effect_points_at_the_finding_that_stood() -> None:
    record = find(opened(), "s1")
    record = said(record, UK, "effect", subject="s1", designation=digest("e1"))
    record = find(record, "s1", "decline")
    subject = fold(record).subjects["s1"]
    assert subject.effects[0].under == record.addressee[0].id
    assert subject.phase is Phase.EFFECTED


def test_questions_are_open_until_answered_and_may_be_answered_again() -> None:
    record = said(opened(), UK, "question", question="q1", text="Which post?", subjects=["s1"])
    assert [one.key for one in fold(record).open_questions] == ["q1"]
    evidence = [{"release": digest("e1"), "package": digest("b1")}]
    record = said(record, US, "answer", question="q1", text="Secretary.", evidence=evidence)
    record = said(record, US, "answer", question="q1", text="Since 2016.")
    state = fold(record)
    assert state.open_questions == ()
    assert len(state.questions["q1"].answers) == 2
    assert state.terms.evidence == ((digest("e1"), digest("b1")),)


def test_an_amendment_adds_removes_and_extends() -> None:
    later = "2027-06-30T17:00:00.000Z"
    record = said(
        opened(),
        US,
        "amendment",
        note="Two changes.",
        add=[person("s3")],
        designations={"s3": digest("d3")},
        remove=["s2"],
        respond_by=later,
    )
    state = fold(record)
    assert state.terms.respond_by == later
    assert state.subjects["s2"].phase is Phase.WITHDRAWN
    assert state.subjects["s3"].designation == digest("d3")


def test_a_withdrawal_of_the_whole_request_takes_every_subject_back() -> None:
    record = said(
        said(opened(), US, "withdrawal", reason="One.", subjects=["s2"]),
        US,
        "withdrawal",
        reason="All.",
    )
    state = fold(record)
    assert state.phase is Phase.WITHDRAWN
    assert state.subjects["s2"].withdrawn == Stamp(2, record.requester[1].id)
    assert state.subjects["s1"].withdrawn == Stamp(3, record.requester[2].id)


def test_a_withdrawal_that_crosses_a_finding_does_not_undo_it() -> None:
    record = said(
        find(opened(), "s1", seen=1), US, "withdrawal", 0, reason="Gone.", subjects=["s1"]
    )
    subject = fold(record).subjects["s1"]
    assert subject.crossed == (record.addressee[0].id,)
    assert subject.phase is Phase.FOUND
    assert subject.withdrawn is not None
    effect = said(record, UK, "effect", subject="s1", designation=digest("e1"))
    assert codes(fold(effect)) == []


def test_a_withdrawal_that_has_seen_the_finding_does_not_cross_it() -> None:
    record = said(find(opened(), "s1"), US, "withdrawal", reason="Thanks, no.", subjects=["s1"])
    subject = fold(record).subjects["s1"]
    assert subject.crossed == ()
    assert subject.phase is Phase.WITHDRAWN
    assert subject.finding is not None


def test_what_crosses_the_closure_stands_and_is_named() -> None:
    closed = said(find(find(opened(), "s1"), "s2"), UK, "closure", reason="Done.")
    record = said(closed, US, "amendment", 2, note="One more.", add=[person("s3")])
    state = fold(record)
    assert state.phase is Phase.CLOSED
    assert state.crossings == (record.requester[1].id,)
    assert state.subjects["s3"].phase is Phase.AWAITING
    assert (
        judge(closed, following(closed, US, "mirror-amendment/1", body("mirror-amendment/1"))).code
        == "thread.closed"
    )


def test_continuation_is_part_of_the_terms() -> None:
    record = Record((opener(continues=digest("aa")),))
    assert fold(record).terms.continues == digest("aa")


# Illegal moves.


@pytest.mark.parametrize(
    ("issuer", "type_", "members", "code"),
    [
        (US, "finding", finding("s1"), "thread.not-your-move"),
        (UK, "amendment", body("mirror-amendment/1"), "thread.not-your-move"),
        (UK, "finding", finding("s9"), "thread.unknown-subject"),
        (UK, "finding", finding("s2"), "thread.subject-withdrawn"),
        (UK, "effect", {"subject": "s1", "designation": digest("e")}, "thread.nothing-to-effect"),
        (UK, "effect", {"subject": "s9", "designation": digest("e")}, "thread.unknown-subject"),
        (UK, "question", {"question": "q1", "text": "Again?"}, "thread.question-reused"),
        (
            UK,
            "question",
            {"question": "q2", "text": "?", "subjects": ["s2"]},
            "thread.subject-withdrawn",
        ),
        (UK, "closure", {"reason": "Enough."}, "thread.undecided"),
        (US, "answer", {"question": "q2", "text": "Yes."}, "thread.unknown-question"),
        (US, "withdrawal", {"reason": "No.", "subjects": ["s2"]}, "thread.subject-withdrawn"),
        (US, "withdrawal", {"reason": "No.", "subjects": ["s9"]}, "thread.unknown-subject"),
        (US, "amendment", {"note": "n", "add": [person("s2")]}, "thread.key-reused"),
        (US, "amendment", {"note": "n", "remove": ["s2"]}, "thread.subject-withdrawn"),
    ],
)
def test_illegal_moves_have_a_code_and_no_effect(
    issuer: str, type_: str, members: dict[str, object], code: str
) -> None:
    record = said(opened(), US, "withdrawal", reason="One less.", subjects=["s2"])
    record = said(record, UK, "question", question="q1", text="Which post?")
    candidate = following(record, issuer, f"mirror-{type_}/1", members)
    decision = judge(record, candidate)
    assert (decision.allowed, decision.code) == (False, code)
    assert decision.reason
    assert takes_its_place(decision)
    after = fold(record.adding(candidate))
    assert codes(after) == [code]
    assert after.subjects == fold(record).subjects
    assert after.questions == fold(record).questions


def test_a_finding_that_mirrors_not_gives_nothing_to_effect() -> None:
    record = find(opened(), "s1", "decline")
    effect = following(
        record, UK, "mirror-effect/1", {"subject": "s1", "designation": digest("e1")}
    )
    assert judge(record, effect).code == "thread.nothing-to-effect"


def test_one_effect_is_stated_once() -> None:
    record = said(find(opened(), "s1"), UK, "effect", subject="s1", designation=digest("e1"))
    again = following(record, UK, "mirror-effect/1", {"subject": "s1", "designation": digest("e1")})
    assert judge(record, again).code == "thread.effect-repeated"


def test_nothing_is_a_duplicate_of_itself() -> None:
    record = opened()
    same = {"duplicate_of": {"thread": record.opener.id, "key": "s2"}}
    candidate = following(record, UK, "mirror-finding/1", finding("s1", "duplicate-of", **same))
    assert judge(record, candidate).code == "thread.duplicate-of-itself"


def test_after_its_closure_the_addressee_is_silent() -> None:
    record = said(find(find(opened(), "s1"), "s2"), UK, "closure", reason="Done.")
    for type_ in ("finding", "acknowledgement", "closure", "question"):
        candidate = following(record, UK, f"mirror-{type_}/1", body(f"mirror-{type_}/1"))
        assert judge(record, candidate).code == "thread.closed"


def test_a_withdrawn_request_is_neither_amended_nor_asked_about() -> None:
    record = said(opened(), UK, "question", question="q1", text="?")
    record = said(record, US, "withdrawal", reason="All.")
    for issuer, type_, members in (
        (US, "amendment", {"note": "n", "add": [person("s3")]}),
        (US, "answer", {"question": "q1", "text": "Late."}),
        (US, "withdrawal", {"reason": "Again."}),
        (UK, "question", {"question": "q2", "text": "?"}),
    ):
        candidate = following(record, issuer, f"mirror-{type_}/1", members)
        assert judge(record, candidate).code == "thread.withdrawn"
    closing = following(record, UK, "mirror-closure/1", {"reason": "Noted."})
    assert judge(record, closing)


# What a statement may do depends on what it has seen.


def test_what_was_not_seen_is_not_known() -> None:
    record = said(opened(), US, "amendment", note="More.", add=[person("s3")])
    unseen = following(record, UK, "mirror-finding/1", finding("s3"), seen=1)
    seen = following(record, UK, "mirror-finding/1", finding("s3"), seen=2)
    assert judge(record, unseen).code == "thread.unknown-subject"
    assert judge(record, seen)


def test_what_arrived_since_does_not_change_the_judgement() -> None:
    early = opened()
    candidate = following(early, UK, "mirror-finding/1", finding("s1"))
    late = said(early, US, "withdrawal", reason="Never mind.")
    assert judge(early, candidate) == judge(late, candidate)
    assert judge(late, candidate)


def test_neither_question_nor_withdrawal_is_known_before_it_is_seen() -> None:
    asked = said(opened(), UK, "question", question="q1", text="Which post?")
    answer = {"question": "q1", "text": "Secretary."}
    unseen = following(asked, US, "mirror-answer/1", answer, seen=0)
    assert judge(asked, unseen).code == "thread.unknown-question"
    withdrawn = said(opened(), US, "withdrawal", reason="All.")
    asking = {"question": "q1", "text": "Which post?"}
    assert judge(withdrawn, following(withdrawn, UK, "mirror-question/1", asking, seen=1))
    assert not judge(withdrawn, following(withdrawn, UK, "mirror-question/1", asking, seen=2))


def test_an_addressee_may_close_without_what_it_has_not_seen() -> None:
    record = find(find(opened(), "s1"), "s2")
    record = said(record, US, "amendment", note="More.", add=[person("s3")])
    assert judge(record, following(record, UK, "mirror-closure/1", {"reason": "r"}, seen=1))
    assert (
        judge(record, following(record, UK, "mirror-closure/1", {"reason": "r"})).code
        == "thread.undecided"
    )


def test_false_claims_about_what_was_seen() -> None:
    record = said(opened(), US, "amendment", note="More.", add=[person("s3")])
    right = following(record, UK, "mirror-finding/1", finding("s1"))
    for seen, code in (
        (None, "thread.seen-missing"),
        (Seen(3, digest("f")), "thread.seen-ahead"),
        (Seen(2, digest("f")), "thread.seen-mismatch"),
    ):
        wrong = dataclasses.replace(right, id=digest(f"c{seen.seq if seen else 0}"), seen=seen)
        assert judge(record, wrong).code == code
    acknowledged = said(record, UK, "acknowledgement")
    back = following(acknowledged, UK, "mirror-finding/1", finding("s1"), seen=1)
    assert judge(acknowledged, back).code == "thread.seen-back"


def test_a_seen_that_was_refused_binds_nobody() -> None:
    record = said(opened(), UK, "acknowledgement")
    wrong = dataclasses.replace(
        following(record, US, "mirror-withdrawal/1", {"reason": "r"}), seen=Seen(9, digest("f"))
    )
    record = record.adding(wrong).voiding(wrong.id)
    assert judge(record, following(record, US, "mirror-withdrawal/1", {"reason": "r"}))


# Places in a sequence.


def test_a_gap_waits_and_is_filled() -> None:
    record = opened()
    first = following(record, UK, "mirror-acknowledgement/1", {})
    second = following(record.adding(first), UK, "mirror-finding/1", finding("s1"))
    decision = judge(record, second)
    assert decision.code == "thread.gap"
    assert waits(decision)
    assert not takes_its_place(decision)
    assert judge(record.adding(first), second)


def test_a_repeated_statement_changes_nothing() -> None:
    record = find(opened(), "s1")
    decision = judge(record, record.addressee[0])
    assert decision.code == "thread.repeated"
    assert not takes_its_place(decision)


def test_the_chain_must_hold() -> None:
    record = find(opened(), "s1")
    candidate = following(record, UK, "mirror-finding/1", finding("s2"))
    broken = dataclasses.replace(candidate, prev=digest("f"))
    assert judge(record, broken).code == "thread.prev-mismatch"


def test_equivocation_is_refused_and_later_statements_wait() -> None:
    record = find(opened(), "s1")
    other = dataclasses.replace(record.addressee[0], id=digest("f"), body=finding("s1", "decline"))
    decision = judge(record, other)
    assert decision.code == "equivocation"
    assert not takes_its_place(decision)
    disputed = dataclasses.replace(record, disputed=frozenset({UK}))
    assert state_digest(fold(disputed)) == state_digest(fold(record))
    for prev in (record.addressee[0].id, other.id):
        later = dataclasses.replace(
            following(record, UK, "mirror-finding/1", finding("s2")), prev=prev
        )
        assert judge(disputed, later).code == "thread.awaits-ruling"
        assert waits(judge(disputed, later))
    assert judge(disputed, following(disputed, US, "mirror-withdrawal/1", {"reason": "r"}))


def test_strangers_and_other_threads_have_no_place() -> None:
    record = opened()
    foreign = statement(
        "mirror-closure/1",
        {"reason": "r"},
        issuer=CA,
        to=(US,),
        thread=record.opener.id,
        place=Place(1),
    )
    assert judge(record, foreign).code == "thread.not-a-party"
    elsewhere = following(Record((opener(mark="other"),)), UK, "mirror-acknowledgement/1", {})
    assert judge(record, elsewhere).code == "thread.wrong-thread"
    copied = dataclasses.replace(following(record, UK, "mirror-acknowledgement/1", {}), to=(US, CA))
    assert judge(record, copied).code == "thread.wrong-recipient"
    with pytest.raises(Invalid):
        next_place(record, CA)


def test_only_a_request_to_one_other_ministry_opens() -> None:
    good = opener()
    assert may_open(good)
    for wrong in (
        dataclasses.replace(good, to=(UK, CA)),
        dataclasses.replace(good, to=(US,)),
        dataclasses.replace(good, seq=2),
        dataclasses.replace(good, type="release/1"),
    ):
        assert not may_open(wrong)
        with pytest.raises(Invalid):
            fold(Record((wrong,)))
    with pytest.raises(Invalid):
        fold(Record(()))


# Voided numbers.


def test_a_voided_statement_keeps_its_number_and_loses_its_effect() -> None:
    record = find(opened(), "s1", "decline")
    record = record.voiding(record.addressee[0].id)
    assert fold(record).subjects["s1"].finding is None
    assert codes(fold(record)) == ["thread.voided"]
    record = find(record, "s1", "mirror")
    assert record.addressee[1].prev == record.addressee[0].id
    current = fold(record).subjects["s1"].finding
    assert current is not None
    assert current.kind == "mirror"


def test_what_rests_on_a_voided_statement_loses_its_effect_too() -> None:
    record = said(opened(), US, "amendment", note="More.", add=[person("s3")])
    amendment = record.requester[1]
    record = said(record, US, "withdrawal", reason="No.", subjects=["s3"])
    assert codes(fold(record)) == []
    assert codes(fold(record.voiding(amendment.id))) == ["thread.voided", "thread.unknown-subject"]


def test_a_refused_opener_voids_the_thread() -> None:
    record = opened()
    record = record.voiding(record.opener.id)
    assert fold(record).phase is Phase.VOID
    candidate = following(record, US, "mirror-withdrawal/1", {"reason": "r"})
    assert judge(record, candidate).code == "thread.void"


# Order of arrival.


def test_any_order_of_stored_statements_gives_the_same_state() -> None:
    record = said(find(opened(), "s1", seen=1), US, "withdrawal", 0, reason="Gone.")
    record = said(record, UK, "closure", reason="Noted.")
    stored = [*record.requester, *record.addressee, *record.addressee]
    expected = state_digest(fold(record))
    chance = random.Random(7)
    for _ in range(20):
        chance.shuffle(stored)
        assert state_digest(fold(Record.of(stored))) == expected


def test_what_follows_a_gap_is_left_out() -> None:
    record = find(find(opened(), "s1"), "s2")
    partial = Record.of([record.opener, record.addressee[1]])
    assert partial.addressee == ()
    with pytest.raises(Invalid):
        Record.of(record.addressee)


def test_two_statements_with_one_number_are_no_record() -> None:
    record = find(opened(), "s1")
    other = dataclasses.replace(record.addressee[0], id=digest("f"))
    with pytest.raises(Invalid) as caught:
        Record.of([*record.requester, *record.addressee, other])
    assert caught.value.code == "equivocation"


def test_what_refers_to_something_missing_waits() -> None:
    record = said(opened(), US, "amendment", note="More.", add=[person("s3")])
    record = find(find(record, "s3"), "s1")
    partial = fold(record.upto(1, 2))
    assert partial.waiting == tuple(one.id for one in record.addressee)
    assert partial.heads == {Side.REQUESTER: Stamp(1, record.opener.id)}
    assert fold(record).waiting == ()
    assert judge(record.upto(1, 2), record.addressee[1]).code == "thread.repeated"


def test_the_digest_tells_states_apart() -> None:
    first = find(opened(), "s1")
    states = [
        opened(),
        first,
        find(opened(), "s1", "decline"),
        find(first, "s2"),
        first.voiding(first.addressee[0].id),
    ]
    assert len({state_digest(fold(record)) for record in states}) == len(states)
    assert state_digest(fold(first)).startswith("sha256:")

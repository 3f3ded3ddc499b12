"""What one end refuses is void at both; what equivocates is kept as proof; what waits is heard."""

from collections.abc import Iterator

import pytest

from api.domain.misbehaviour import verify_misbehaviour
from api.jobs.process_inbox import process_inbox
from api.jobs.reconcile import judge_parked
from api.records import node_state, parked, streams
from api.services.log import misbehaviour
from api.services.log.misbehaviour import Ruling
from api.wire.statements import Place, Seen
from tests.support.exchange import (
    UK,
    US,
    agreed,
    designate,
    digests,
    find,
    force,
    request,
    require_rows_as_derived,
    say,
    state,
)
from tests.support.federation import Federation


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    made = Federation(tmp_path_factory.mktemp("nodes"))
    yield made
    require_rows_as_derived(made)
    made.close()


@pytest.fixture
def thread(federation: Federation, request: pytest.FixtureRequest) -> str:
    return asked(federation, request.node.name)


def asked(federation: Federation, name: str) -> str:
    listed = [designate(federation, US, f"{name} {number}") for number in (1, 2)]
    made = request(federation, US, UK, {"s1": listed[0], "s2": listed[1]})
    federation.settle()
    return made


def refusals(federation: Federation, at: str, statement: str) -> str | None:
    """The code with which a partner refused a statement of ours."""
    other = UK if at == US else US
    row = federation[at].db.read(lambda c: streams.disposition_of(c, other, statement))
    return None if row is None else row.code


def test_an_illegal_move_is_void_at_both_ends_and_the_thread_goes_on(
    federation: Federation, thread: str
) -> None:
    effect = {"subject": "s1", "designation": "sha256:" + "4" * 64}
    bad = force(federation, UK, "mirror-effect/1", (US,), effect, thread)
    find(federation, UK, thread, "s1")
    end = agreed(federation, thread)
    assert [(one.stamp.id, one.code) for one in end.inert] == [(bad, "thread.voided")]
    assert refusals(federation, UK, bad) == "thread.nothing-to-effect"
    assert end.subjects["s1"].finding is not None
    assert end.heads["addressee"].seq == 2


def test_an_unknown_designation_is_refused_for_its_content_and_voids_the_number(
    federation: Federation, thread: str
) -> None:
    find(federation, UK, thread, "s1")
    effect = {"subject": "s1", "designation": "sha256:" + "6" * 64}
    bad = force(federation, UK, "mirror-effect/1", (US,), effect, thread)
    assert state(federation, UK, thread).subjects["s1"].effects != ()
    end = agreed(federation, thread)
    assert refusals(federation, UK, bad) == "designation.unknown"
    assert end.subjects["s1"].effects == ()


def test_a_claim_about_the_other_party_that_is_untrue_is_void(
    federation: Federation, thread: str
) -> None:
    ahead = Place(1, None, Seen(9, "sha256:" + "9" * 64))
    note = {"note": "I have seen the future."}
    bad = force(federation, UK, "mirror-acknowledgement/1", (US,), note, thread, place=ahead)
    end = agreed(federation, thread)
    assert refusals(federation, UK, bad) == "thread.seen-ahead"
    assert [one.stamp.id for one in end.inert] == [bad]


def test_equivocation_changes_nothing_and_later_statements_wait_for_a_ruling(
    federation: Federation, thread: str
) -> None:
    us = federation[US]
    opener = state(federation, UK, thread).heads["requester"]
    first = Place(1, None, Seen(1, opener.id))
    note = {"note": "The first word."}
    force(federation, UK, "mirror-acknowledgement/1", (US,), note, thread, place=first)
    federation.settle()
    before = digests(federation, thread)
    other = {"note": "Another first word."}
    force(
        federation, UK, "mirror-acknowledgement/1", (US,), other, thread, place=first, hidden=True
    )
    federation.settle()
    assert digests(federation, thread) == before
    kept = [row for row in us.db.read(node_state.misbehaviour) if row.peer == UK]
    assert [row.kind for row in kept] == ["statement-equivocation"]
    verify_misbehaviour(bytes(kept[0].proof), us.membership)
    # The issuer's later words in this thread wait; other threads and the stream go on.
    find(federation, UK, thread, "s1")
    federation.settle()
    waiting = us.db.read(lambda c: parked.in_thread(c, thread))
    assert [row.code for row in waiting] == ["thread.awaits-ruling"]
    assert not judge_parked(us)
    elsewhere = asked(federation, "another thread of the accused")
    find(federation, UK, elsewhere, "s1")
    assert agreed(federation, elsewhere).subjects["s1"].finding is not None
    misbehaviour.rule(us, federation.officer(US, "admin"), kept[0].id, Ruling.RESUME)
    assert judge_parked(us)
    end = agreed(federation, thread)
    assert end.subjects["s1"].finding is not None
    assert us.db.read(lambda c: parked.in_thread(c, thread)) == []


def test_a_number_out_of_turn_waits_until_the_one_before_it_comes(
    federation: Federation, thread: str
) -> None:
    us = federation[US]
    opener = state(federation, UK, thread).heads["requester"]
    seen = Seen(1, opener.id)
    early = Place(2, "sha256:" + "1" * 64, seen)
    note = {"note": "The second word, first."}
    force(federation, UK, "mirror-acknowledgement/1", (US,), note, thread, place=early, hidden=True)
    federation.settle()
    waiting = us.db.read(lambda c: parked.in_thread(c, thread))
    assert [row.code for row in waiting] == ["thread.gap"]
    say(federation, UK, thread, "acknowledgement", note="The first word.")
    federation.settle()
    # It came in its turn now and names another predecessor: refused, and the thread goes on.
    assert judge_parked(us)
    assert us.db.read(lambda c: parked.in_thread(c, thread)) == []
    assert agreed(federation, thread).heads["addressee"].seq == 1


def test_a_disposition_is_not_overtaken_by_what_counts_on_it(
    federation: Federation, thread: str
) -> None:
    uk = federation[UK]
    # The amendment names a designation that London does not know: refused for its content.
    subject = {"key": "s3", "schema": "Person", "names": [{"text": "Never asked for"}]}
    amendment = {
        "note": "One more.",
        "add": [subject],
        "designations": {"s3": "sha256:" + "8" * 64},
    }
    bad = force(federation, US, "mirror-amendment/1", (UK,), amendment, thread)
    for _ in range(3):
        federation.step(US)
    find(federation, UK, thread, "s1", "decline")
    find(federation, UK, thread, "s2", "decline")
    while process_inbox(uk, federation.pool):
        pass
    # The closure is legal because the amendment is void; its disposition must arrive before.
    closure = say(federation, UK, thread, "closure", reason="Both are decided.")
    end = agreed(federation, thread)
    assert refusals(federation, US, bad) == "designation.unknown"
    assert refusals(federation, UK, closure) is None
    assert end.closure is not None


def test_a_refused_request_is_a_void_thread_at_both_ends(federation: Federation) -> None:
    uk = federation[UK]
    listed = designate(federation, US, "Of the refused request")
    federation.settle()
    made = request(federation, US, UK, {"s1": listed})
    # A policy of the addressee refuses it, whatever its content.
    real = uk.decider
    object.__setattr__(uk, "decider", _Refusing(real))
    try:
        federation.settle()
    finally:
        object.__setattr__(uk, "decider", real)
    end = agreed(federation, made)
    assert end.void
    assert refusals(federation, US, made) == "policy.no-permit"


class _Refusing:
    """A decider that takes no mirror request from anybody."""

    def __init__(self, real: object) -> None:
        self._real = real

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)

    def decide(self, principal: object, action: str, resource: object, context: object) -> object:
        import dataclasses

        decided = self._real.decide(principal, action, resource, context)  # type: ignore[attr-defined]
        if action == "statement.apply":
            return dataclasses.replace(decided, allowed=False, code="policy.no-permit")
        return decided

"""Mirror threads between real nodes: every kind of answer, and the same state at both ends."""

from collections.abc import Iterator

import pytest

from api.domain.errors import Conflict, Invalid, NotFound, Stale
from api.domain.threads.facts import Phase
from api.records import designations, statements, threads
from api.services.statements import approving, previewing
from tests.support.campaigns import campaign
from tests.support.exchange import (
    CA,
    UK,
    US,
    agreed,
    approve,
    designate,
    draft,
    find,
    package,
    release,
    request,
    require_rows_as_derived,
    say,
    state,
)
from tests.support.federation import Federation


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    """One federation for all tests here; each works with threads of its own."""
    made = Federation(tmp_path_factory.mktemp("nodes"))
    yield made
    require_rows_as_derived(made)
    made.close()


@pytest.fixture
def listed(federation: Federation, request: pytest.FixtureRequest) -> list[str]:
    """Two US designations of persons whom no other test knows."""
    return [designate(federation, US, f"{request.node.name} {number}") for number in (1, 2)]


def asked(federation: Federation, listed: list[str], **members: object) -> str:
    """A request from the US to the UK for two persons, delivered."""
    thread = request(federation, US, UK, {"s1": listed[0], "s2": listed[1]}, **members)
    federation.settle()
    return thread


def test_partial_findings_an_effect_and_a_closure(
    federation: Federation, listed: list[str]
) -> None:
    thread = asked(federation, listed)
    find(federation, UK, thread, "s1")
    mid = agreed(federation, thread)
    assert [one.key for one in mid.undecided()] == ["s2"]
    find(federation, UK, thread, "s2", "decline")
    mirrors = [{"jurisdiction": "US", "designation": listed[0]}]
    followed = designate(federation, UK, "Followed", day="2021-03-22", mirrors=mirrors)
    say(federation, UK, thread, "effect", subject="s1", designation=followed)
    say(federation, UK, thread, "closure", reason="Both are decided.")
    end = agreed(federation, thread)
    assert end.phase is Phase.CLOSED
    assert end.subjects["s1"].effects[0].designation == followed
    assert end.inert == ()
    with pytest.raises(Conflict) as refusal:
        say(federation, UK, thread, "question", question="q1", text="One more?")
    assert refusal.value.code == "thread.closed"


def test_a_later_finding_supersedes(federation: Federation, listed: list[str]) -> None:
    thread = asked(federation, listed)
    find(federation, UK, thread, "s1", "defer", until="2027-01-01T00:00:00.000Z")
    find(federation, UK, thread, "s1", "mirror-differently", ground="uk-ghr.slavery")
    end = agreed(federation, thread)
    assert [one.kind for one in end.subjects["s1"].findings] == ["defer", "mirror-differently"]


def test_question_answer_and_evidence(federation: Federation, listed: list[str]) -> None:
    thread = asked(federation, listed)
    say(federation, UK, thread, "acknowledgement", note="Taken up.")
    say(federation, UK, thread, "question", question="q1", text="Which post?", subjects=["s1"])
    federation.settle()
    unreleased = {"release": listed[0], "package": listed[1]}
    with pytest.raises(Conflict) as refusal:
        say(federation, US, thread, "answer", question="q1", text="See.", evidence=[unreleased])
    assert refusal.value.code == "evidence.not-released"
    held = package(federation, US, title=thread[7:20])
    given = release(federation, US, held, UK)
    swapped = {"release": held, "package": given}
    with pytest.raises(Conflict) as refusal:
        say(federation, US, thread, "answer", question="q1", text="See.", evidence=[swapped])
    assert refusal.value.code == "evidence.swapped"
    evidence = [{"release": given, "package": held}]
    say(federation, US, thread, "answer", question="q1", text="Secretary.", evidence=evidence)
    federation.settle()
    find(federation, UK, thread, "s1", relies_on=[held])
    end = agreed(federation, thread)
    assert end.open_questions == ()
    assert end.terms.evidence == ((given, held),)
    with pytest.raises(NotFound):
        find(federation, UK, thread, "s2", relies_on=["sha256:" + "7" * 64])


def test_an_amendment_brings_a_subject_and_its_designation(
    federation: Federation, listed: list[str]
) -> None:
    thread = asked(federation, listed)
    # Told to Canada alone: the amendment has to bring it along to London.
    third = designate(federation, US, "Third of the amendment", to=(CA,))
    subject = {
        "key": "s3",
        "schema": "Person",
        "names": [{"text": "Third of the amendment", "script": "Latn"}],
    }
    amendment = {
        "note": "One more, one less.",
        "add": [subject],
        "designations": {"s3": third},
        "remove": ["s2"],
    }
    made = draft(federation, US, "mirror-amendment/1", (UK,), amendment, thread)
    reviewer = federation.officer(US, "reviewer")
    shown = previewing.preview(federation[US], reviewer, made.id).recipients[0]
    assert [one.type for one in shown.receives] == ["mirror-amendment/1", "designation/1"]
    assert shown.receives[1].statement == third
    approve(federation, US, made)
    end = agreed(federation, thread)
    assert end.subjects["s3"].designation == third
    assert end.subjects["s2"].phase is Phase.WITHDRAWN
    known = federation[UK].db.read(lambda c: designations.by_id(c, third))
    assert known is not None
    assert known.name == "Third of the amendment"


def test_a_withdrawal_crosses_a_finding_and_both_stand(
    federation: Federation, listed: list[str]
) -> None:
    thread = asked(federation, listed)
    found = find(federation, UK, thread, "s1")
    say(federation, US, thread, "withdrawal", reason="No longer.", subjects=["s1"])
    end = agreed(federation, thread)
    assert end.subjects["s1"].crossed == (found,)
    assert end.subjects["s1"].phase is Phase.FOUND
    with pytest.raises(Conflict) as refusal:
        find(federation, UK, thread, "s1", "decline")
    assert refusal.value.code == "thread.subject-withdrawn"


@campaign("test_a_withdrawal_crosses_a_finding_and_both_stand")
def test_closure_crossed_by_an_amendment(federation: Federation, listed: list[str]) -> None:
    thread = asked(federation, listed)
    for key in ("s1", "s2"):
        find(federation, UK, thread, key, "decline")
    federation.settle()
    say(federation, UK, thread, "closure", reason="Done.")
    later = designate(federation, US, "Added while it closed")
    subject = {"key": "s3", "schema": "Person", "names": [{"text": "Added while it closed"}]}
    crossing = say(
        federation,
        US,
        thread,
        "amendment",
        note="One more.",
        add=[subject],
        designations={"s3": later},
    )
    end = agreed(federation, thread)
    assert end.crossings == (crossing,)
    # What crossed is asked again in a thread that continues the closed one.
    again = request(federation, US, UK, {"s1": later}, {"s1": "Added again"}, continues=thread)
    assert agreed(federation, again).terms.continues == thread


def test_a_second_open_request_for_the_same_subject_is_the_requesters_own_refusal(
    federation: Federation, listed: list[str]
) -> None:
    thread = asked(federation, listed)
    with pytest.raises(Conflict) as refusal:
        request(federation, US, UK, {"s1": listed[0]})
    assert refusal.value.code == "thread.open-elsewhere"
    assert refusal.value.details["clashes"][0]["thread"] == thread
    elsewhere = request(federation, US, CA, {"s1": listed[0]})
    assert agreed(federation, elsewhere).phase is Phase.OPEN


def test_a_duplicate_is_answered_with_a_finding(federation: Federation, listed: list[str]) -> None:
    first = asked(federation, listed)
    other = designate(federation, US, "Same person, other listing")
    second = request(federation, US, UK, {"s1": other}, {"s1": "Same person, other listing"})
    federation.settle()
    find(federation, UK, second, "s1", "duplicate-of", duplicate_of={"thread": first, "key": "s1"})
    end = agreed(federation, second)
    assert end.subjects["s1"].finding is not None
    assert end.subjects["s1"].finding.duplicate_of == (first, "s1")
    unknown = {"thread": "sha256:" + "5" * 64, "key": "s1"}
    with pytest.raises(Conflict) as refusal:
        find(federation, UK, second, "s1", "duplicate-of", duplicate_of=unknown)
    assert refusal.value.code == "thread.duplicate-unknown"


@campaign("test_partial_findings_an_effect_and_a_closure")
def test_both_directions_on_the_same_day(federation: Federation, listed: list[str]) -> None:
    theirs = designate(federation, UK, "A British listing", day="2021-03-22")
    federation.settle()
    there = request(federation, US, UK, {"s1": listed[0]})
    back = request(federation, UK, US, {"s1": theirs})
    federation.settle()
    find(federation, UK, there, "s1", "decline")
    find(federation, US, back, "s1")
    assert agreed(federation, there).requester == US
    assert agreed(federation, back).requester == UK


def test_only_ones_own_part_can_be_played(federation: Federation, listed: list[str]) -> None:
    thread = asked(federation, listed)
    with pytest.raises(Conflict) as refusal:
        find(federation, US, thread, "s1")
    assert refusal.value.code == "thread.not-your-move"
    with pytest.raises(NotFound):
        draft(federation, CA, "mirror-acknowledgement/1", (US,), {"note": "Hello."}, thread)
    with pytest.raises(Invalid) as wrong:
        find(federation, UK, thread, "s1", regime="CA-SEMA")
    assert wrong.value.code == "finding.regime"
    with pytest.raises(Conflict) as early:
        say(federation, UK, thread, "effect", subject="s1", designation=listed[0])
    assert early.value.code == "thread.nothing-to-effect"


def test_two_drafts_of_one_thread_are_numbered_as_they_are_approved(
    federation: Federation, listed: list[str]
) -> None:
    thread = asked(federation, listed)
    bodies = [
        {"subject": key, "finding": "decline", "reasons": {"releasable": "No."}, "relies_on": []}
        for key in ("s1", "s2")
    ]
    drafts = [
        draft(federation, UK, "mirror-finding/1", (US,), members, thread) for members in bodies
    ]
    candidate = approving.candidate(
        federation[UK],
        federation.officer(UK, "reviewer"),
        drafts[1].id,
        "jws",
        next(iter(federation.officer(UK, "reviewer").principal.key_kids)),
    )
    approve(federation, UK, drafts[0])
    previewing.preview(federation[UK], federation.officer(UK, "reviewer"), drafts[1].id)
    signature = federation.signatory(UK, "reviewer").endorse("approved", candidate).to_json()
    with pytest.raises(Stale) as moved:
        approving.approve_signed(
            federation[UK],
            federation.officer(UK, "reviewer"),
            drafts[1].id,
            candidate,
            signature,
        )
    assert moved.value.code == "thread.moved"
    approve(federation, UK, drafts[1])
    end = agreed(federation, thread)
    assert end.heads["addressee"].seq == 2
    rows = federation[UK].db.read(lambda c: statements.in_thread(c, thread))
    assert [row.seq for row in rows if row.issuer == UK] == [1, 2]


def test_the_index_rows_say_what_the_statements_say(
    federation: Federation, listed: list[str]
) -> None:
    thread = asked(federation, listed, release_at="2027-03-22T12:00:00.000Z")
    find(federation, UK, thread, "s2", "decline")
    federation.settle()
    for ministry in (US, UK):
        row = federation[ministry].db.read(lambda c: threads.by_id(c, thread))
        subjects = federation[ministry].db.read(lambda c: threads.subjects_of(c, [thread]))
        assert row is not None
        assert (row.undecided, row.requester_seq, row.addressee_seq) == (1, 1, 1)
        assert row.release_at == "2027-03-22T12:00:00.000Z"
        phases = {one.key: one.phase for one in subjects[thread]}
        assert phases == {"s1": "awaiting", "s2": "found"}
    assert state(federation, US, thread).phase is Phase.OPEN

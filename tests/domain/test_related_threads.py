from typing import Any

from api.domain.threads.related import may_continue, may_name_duplicate, open_conflicts
from api.domain.threads.sequences import Record, fold
from api.domain.threads.state import ThreadState
from tests.support.bodies import body, digest
from tests.support.statements import UK, US, finding, opener, person, said

PAIR = (US, UK)


def thread(*keys: str, **changes: Any) -> ThreadState:
    return fold(Record((opener(keys or ("s1",), **changes),)))


def test_the_same_designation_is_asked_for_once() -> None:
    request = body("mirror-request/1", designations={"s1": digest("d2")})
    clashes = open_conflicts(PAIR, request, [thread("s1", "s2")])
    assert [(clash.key, clash.thread_key, clash.by) for clash in clashes] == [
        ("s1", "s2", "designation")
    ]


def test_names_clash_only_where_designations_do_not_contradict() -> None:
    named = body("mirror-request/1", subjects=[person("s1", "PERSON S1")], designations={})
    (clash,) = open_conflicts(PAIR, named, [thread()])
    assert (clash.by, clash.thread_key) == ("name", "s1")
    other = {**named, "designations": {"s1": digest("ff")}}
    assert open_conflicts(PAIR, other, [thread()]) == ()


def test_the_other_direction_and_ended_threads_do_not_clash() -> None:
    request = body("mirror-request/1", designations={"s1": digest("d1")})
    record = Record((opener(("s1",)),))
    withdrawn = fold(said(record, US, "withdrawal", reason="All."))
    partly = fold(
        said(Record((opener(("s1", "s2")),)), US, "withdrawal", reason="One.", subjects=["s1"])
    )
    assert open_conflicts(PAIR, request, [fold(record)])
    assert open_conflicts(PAIR, request, [withdrawn, partly]) == ()
    assert open_conflicts((UK, US), request, [fold(record)]) == ()


def test_what_an_amendment_adds_is_checked_too() -> None:
    added = body("mirror-amendment/1", add=[person("s5")], designations={"s5": digest("d1")})
    assert open_conflicts(PAIR, added, [thread()])


def test_only_an_ended_thread_of_the_same_parties_is_continued() -> None:
    record = Record((opener(("s1",)),))
    open_ = fold(record)
    record = said(record, UK, "finding", **finding("s1", "decline"))
    closed = fold(said(record, UK, "closure", reason="Done."))
    assert may_continue(PAIR, None, None)
    assert may_continue(PAIR, closed.id, closed)
    assert may_continue(PAIR, closed.id, None).code == "thread.continues-unknown"
    assert may_continue(PAIR, digest("f"), closed).code == "thread.continues-unknown"
    assert may_continue((UK, US), closed.id, closed).code == "thread.continues-others"
    assert may_continue(PAIR, open_.id, open_).code == "thread.continues-open"


def test_a_duplicate_names_an_earlier_thread_of_the_same_parties() -> None:
    earlier, later = thread("s1"), thread("s1", mark="later")
    other_way = thread("s1", issuer=UK, to=US)
    members = finding("s1", "duplicate-of", duplicate_of={"thread": earlier.id, "key": "s1"})
    missing = finding("s1", "duplicate-of", duplicate_of={"thread": earlier.id, "key": "s7"})
    assert may_name_duplicate(members, earlier, later)
    assert may_name_duplicate(finding("s1"), None, later)
    assert may_name_duplicate(missing, earlier, later).code == "thread.unknown-subject"
    assert may_name_duplicate(members, None, later).code == "thread.duplicate-unknown"
    assert may_name_duplicate(members, other_way, later).code == "thread.duplicate-unknown"

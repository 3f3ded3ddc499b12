"""How much each use case asks of its database: ratchets, which only go down.

A shared machine blurs times; it does not blur the number of statements and commits. Each bound is
what the use case needs on that database, from the officer's standing to the answer.
"""

import copy
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.jobs.process_inbox import process_inbox
from api.services.desk import evidence, tasks
from api.services.log import checkpoints
from api.services.node import Node
from api.services.statements import approving, previewing
from api.wire.statements import Content
from tests.support import foreign
from tests.support.asked import Counted, counted
from tests.support.bodies import body
from tests.support.databases import Postgres
from tests.support.delivering import deliver
from tests.support.exchange import REGIME, UK, US, designate, draft, person, request, say
from tests.support.federation import Federation
from tests.support.signing import UK as UK_KEYS
from tests.support.signing import US as US_KEYS


@pytest.fixture(params=foreign.ANOTHER_IN_THE_END)
def any_federation(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Federation]:
    urls = None
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres_server")
        urls = {ministry: server.fresh() for ministry in (US, UK)}
    made = Federation(tmp_path, ministries=(US_KEYS, UK_KEYS), urls=urls)
    yield made
    made.close()


def asked(node: Node, work: Callable[[], object]) -> Counted:
    with counted(node.db) as found:
        work()
    return found


def within(found: Counted, selects: int, inserts: int, reads: int) -> None:
    """Compare with the bounds: look-ups, inserts, transactions that only read."""
    figures = (len(found.of("SELECT")), len(found.of("INSERT")), found.reads)
    said = "\n".join(text.replace("\n", " ")[:100] for text in found.texts)
    bounds = (selects, inserts, reads)
    assert all(one <= most for one, most in zip(figures, bounds, strict=True)), (figures, said)


def submission(federation: Federation, number: int) -> dict[str, Any]:
    analyst = federation.officer(US, "analyst")
    content = body("evidence-package/1", title=f"Package {number}")
    return {
        "type": "evidence-package/1",
        "body": content,
        "endorsement": federation.endorse(analyst, Content("evidence-package/1", (), content)),
    }


@pytest.mark.parametrize("key", ["", "a-key"])
def test_publishing_reads_twice_and_only_inserts(any_federation: Federation, key: str) -> None:
    """Standing's version, exhibits; the key, where there is one. One insert for each table."""
    federation, node = any_federation, any_federation[US]
    made = [submission(federation, number) for number in range(2)]

    def publish(number: int) -> None:
        caller = federation.officer(US, "analyst")
        caller = replace(caller, idempotency_key=f"{key}-{number}" if key else "")
        evidence.submit(node, caller, made[number])

    publish(0)
    found = asked(node, lambda: publish(1))
    more = bool(key)
    within(found, selects=2 + more, inserts=9 + more, reads=0)
    assert found.commits == 1


def test_approving_takes_four_look_ups(any_federation: Federation) -> None:
    federation, node = any_federation, any_federation[UK]
    content = body(
        "designation/1",
        subject=person("A Person"),
        jurisdiction="UK",
        regime="UK-GHR",
        mirrors=[],
    )
    drafts = [
        draft(federation, UK, "designation/1", (US,), copy.deepcopy(content)) for _ in range(2)
    ]

    def approve(number: int) -> None:
        officer = federation.officer(UK, "reviewer")
        approving.approve_recorded(node, officer, drafts[number].id, drafts[number].digest)

    for one in drafts:
        previewing.preview(node, federation.officer(UK, "reviewer"), one.id)
    approve(0)
    found = asked(node, lambda: approve(1))
    within(found, selects=4, inserts=9, reads=3)
    assert found.commits == 1


def test_approving_in_a_thread_takes_five_look_ups_before_it_writes(
    any_federation: Federation,
) -> None:
    """Standing's version, draft, recusals, look, thread; then its row, it again, and what changed."""
    federation, node = any_federation, any_federation[UK]
    known = designate(federation, US, "A Person", to=(UK,))
    federation.settle()
    thread = request(federation, US, UK, {"s1": known})
    federation.settle()
    content = {
        "subject": "s1",
        "finding": "mirror",
        "reasons": {"releasable": "As shown."},
        "relies_on": [],
        "regime": REGIME[UK],
    }
    made = draft(federation, UK, "mirror-finding/1", (US,), content, thread)
    previewing.preview(node, federation.officer(UK, "reviewer"), made.id)

    def approve() -> None:
        officer = federation.officer(UK, "reviewer")
        approving.approve_recorded(node, officer, made.id, made.digest)

    found = asked(node, approve)
    within(found, selects=10, inserts=7, reads=3)
    before = found.texts[: [text.startswith("UPDATE") for text in found.texts].index(True)]
    assert len(before) == 5
    assert len([text for text in before if "FROM statements" in text]) == 1


def arrivals(federation: Federation, count: int) -> tuple[Counted, Counted, Counted]:
    """What accepting a message of so many statements asks, applying it, and hearing the answer."""
    node, sender = federation[US], federation[UK]
    for number in range(count):
        designate(federation, UK, f"Person {count} {number}", to=(US,))
    for holder in (UK, US):
        checkpoints.integrate(federation[holder], "test")
    accepted = asked(node, lambda: [deliver(sender, US) for _ in range(2)])
    with ThreadPoolExecutor(2) as pool:
        applied = asked(node, lambda: process_inbox(node, pool))
        checkpoints.integrate(node, "test")
        for _ in range(2):
            deliver(node, UK)
        heard = asked(sender, lambda: process_inbox(sender, pool))
    federation.settle()
    return accepted, applied, heard


def test_a_message_is_accepted_with_as_many_questions_whatever_it_holds(
    any_federation: Federation,
) -> None:
    arrivals(any_federation, 1)
    (few, *_), (many, *_) = arrivals(any_federation, 2), arrivals(any_federation, 10)
    # A log that grew by more leaves is proven over one more tile at most.
    assert len(many.texts) <= len(few.texts) + 2
    # Beside the message's own unit, one look and one unit note how many bytes the partner moved.
    locks = 3 * (any_federation[US].db.dialect == "postgresql")
    within(many, selects=21 + locks, inserts=4, reads=5)
    assert many.commits <= 2


def test_applying_and_hearing_ask_as_much_whatever_the_message_holds(
    any_federation: Federation,
) -> None:
    """One unit and one look at all nonces for a message; rows are written a table at a time."""
    arrivals(any_federation, 1)
    (_, *few), (_, *many) = arrivals(any_federation, 2), arrivals(any_federation, 10)
    for one, other, most in zip(few, many, (25, 20), strict=True):
        assert len(other.texts) == len(one.texts)
        assert len(one.texts) <= most, one.texts
        assert other.commits == 1


def questions(federation: Federation, thread: str, count: int) -> Counted:
    """What applying so many questions in a thread asks."""
    node = federation[US]
    for number in range(count):
        say(federation, UK, thread, "question", question=f"q{count}{number}", text="When?")
    for holder in (UK, US):
        checkpoints.integrate(federation[holder], "test")
    for _ in range(2):
        deliver(federation[UK], US)
    with ThreadPoolExecutor(2) as pool:
        applied = asked(node, lambda: process_inbox(node, pool))
    federation.settle()
    return applied


def test_applying_in_a_thread_takes_three_look_ups_of_a_statement(
    any_federation: Federation,
) -> None:
    """The thread's row, the thread, and the tasks that change; not what stays as it was."""
    known = designate(any_federation, US, "A Person", to=(UK,))
    thread = request(any_federation, US, UK, {"s1": known})
    any_federation.settle()
    questions(any_federation, thread, 1)
    few, many = questions(any_federation, thread, 2), questions(any_federation, thread, 6)
    assert len(many.of("SELECT")) - len(few.of("SELECT")) <= 4 * 3


def test_a_page_of_tasks_asks_as_much_for_many_as_for_few(any_federation: Federation) -> None:
    """Requests, their subjects and what made each task are read at once; one task by its id."""
    node, officer = any_federation[UK], any_federation.officer(UK, "analyst")

    def waits(number: int) -> Counted:
        for each in range(number):
            known = designate(any_federation, US, f"Person {number} {each}", to=(UK,))
            request(any_federation, US, UK, {"s1": known})
        any_federation.settle()
        return asked(node, lambda: tasks.tasks_page(node, officer, tasks.Scope.MINE, limit=100))

    few, many = waits(1), waits(6)
    assert len(tasks.tasks_page(node, officer, tasks.Scope.MINE, limit=100)) > 10
    assert len(many.of("SELECT")) == len(few.of("SELECT"))
    task = tasks.tasks_page(node, officer, tasks.Scope.MINE, limit=1)[0].id
    one = asked(node, lambda: tasks.find_mine(node, officer, task))
    assert len(one.of("SELECT")) <= 12

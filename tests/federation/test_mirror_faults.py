"""Threads over a bad network: loss, lost answers, repetition, long absences, seeded."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api.domain.errors import Conflict, Stale
from api.domain.threads.facts import Phase
from api.records import stream_counts, streams
from api.services.road import delivering
from tests.support import counted_streams
from tests.support.campaigns import long
from tests.support.exchange import CA, UK, US, agreed, designate, find, request, say, state
from tests.support.federation import Federation

FATES = ("none", "lost", "answer-lost", "duplicated")


def bad_network(seed: int) -> Callable[[str, str], str]:
    """Every other request meets some fate."""
    dice = random.Random(seed)
    return lambda sender, peer: dice.choice(FATES)


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    made = Federation(tmp_path_factory.mktemp("nodes"))
    yield made
    made.close()


def moves(federation: Federation, thread: str, dice: random.Random) -> None:
    """One random legal move of either side; an illegal one is its author's own refusal."""
    side = dice.choice((US, UK))
    key = dice.choice(("s1", "s2", "s3"))
    number = len(state(federation, UK, thread).questions) + 1
    choices: dict[str, list[Callable[[], str]]] = {
        US: [
            lambda: say(federation, US, thread, "withdrawal", reason="No.", subjects=[key]),
            lambda: say(
                federation,
                US,
                thread,
                "amendment",
                note="More time.",
                respond_by="2027-06-30T17:00:00.000Z",
            ),
            lambda: say(federation, US, thread, "answer", question="q1", text="So it is."),
        ],
        UK: [
            lambda: find(federation, UK, thread, key, dice.choice(("mirror", "decline"))),
            lambda: find(federation, UK, thread, key, "defer"),
            lambda: say(federation, UK, thread, "question", question=f"q{number}", text="Is it?"),
            lambda: say(federation, UK, thread, "acknowledgement", note="Yes."),
        ],
    }
    try:
        dice.choice(choices[side])()
    except (Conflict, Stale) as refusal:
        assert refusal.code.startswith("thread.")  # noqa: PT017 - any such refusal is fine


@pytest.mark.parametrize("seed", [0, *long(1, 2, 3)])
def test_both_ends_agree_whatever_the_network_does(federation: Federation, seed: int) -> None:
    dice = random.Random(seed)
    listed = {f"s{n}": designate(federation, US, f"Faults {seed} {n}") for n in (1, 2, 3)}
    thread = request(federation, US, UK, listed)
    federation.settle()
    for wire in federation.wires.values():
        wire.fault = bad_network(seed)
    for _ in range(8):
        moves(federation, thread, dice)
        if dice.random() < 0.5:
            federation.step(dice.choice((US, UK)))
    for wire in federation.wires.values():
        wire.fault = lambda sender, peer: "none"
    end = agreed(federation, thread)
    sent = {node.ministry: node.db.read(counted_streams.delivered) for node in federation}
    assert sent[US][UK]["sent"] == sent[US][UK]["receipted"]
    assert end.heads["requester"].seq + end.heads.get("addressee", end.heads["requester"]).seq > 1


def test_a_partner_away_for_long_catches_up_in_order(federation: Federation) -> None:
    listed = {f"s{n}": designate(federation, US, f"Away {n}") for n in (1, 2, 3)}
    thread = request(federation, US, UK, listed)
    elsewhere = request(federation, US, CA, listed)
    federation.settle()
    federation.down.add(UK)
    for key in ("s2", "s3"):
        say(federation, US, thread, "withdrawal", reason="Meanwhile.", subjects=[key])
    federation.settle()
    # Nobody else notices, and what was meant for the absent one waits.
    find(federation, CA, elsewhere, "s1", "decline")
    assert agreed(federation, elsewhere).subjects["s1"].finding is not None
    assert federation[US].db.read(stream_counts.queue_lengths)[UK]["unreceipted"] >= 1
    find(federation, UK, thread, "s2")
    federation.clock.sleep(3 * 24 * 3600)
    federation.down.discard(UK)
    end = agreed(federation, thread)
    assert end.subjects["s2"].crossed != ()
    assert end.subjects["s3"].phase is Phase.WITHDRAWN
    assert federation[US].db.read(stream_counts.queue_lengths) == {}


def test_messages_out_of_order_are_put_in_order(tmp_path: Path) -> None:
    federation = Federation(tmp_path, seed=7)
    try:
        listed = {"s1": designate(federation, US, "Out of order")}
        thread = request(federation, US, UK, listed)
        federation.settle()
        us = federation[US]
        wire = federation.wires[US]
        wire.fault = lambda sender, peer: "lost" if peer == UK else "none"
        for text in ("One.", "Two.", "Three."):
            say(federation, US, thread, "amendment", note=text, respond_by=RESPOND[text])
            federation.step(US)
        wire.fault = lambda sender, peer: "none"
        rows = us.db.read(lambda c: streams.unreceipted(c, UK, 10))
        size = us.db.read(lambda c: delivering.cosigned_by(c, UK))
        answers = [
            federation.receive(UK, delivering.build_request(us, row, size))
            for row in reversed(rows)
        ]
        assert [answer.status for answer in answers][:1] == [200]
        assert len(rows) == 3
        end = agreed(federation, thread)
        assert len(end.amendments) == 3
        assert end.terms.respond_by == RESPOND["Three."]
    finally:
        federation.close()


RESPOND = {
    "One.": "2027-06-01T17:00:00.000Z",
    "Two.": "2027-07-01T17:00:00.000Z",
    "Three.": "2027-08-01T17:00:00.000Z",
}

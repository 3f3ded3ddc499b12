"""A stream that cannot go on goes on in a new epoch: by two administrators, nothing lost or doubled."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.domain.errors import Conflict, NotFound, Refused, Unavailable
from api.domain.verification.export import verify_export
from api.records import packages, stream_counts, streams
from api.records.stream_rows import MessageOut
from api.services.audit import fsck
from api.services.audit.export import exporting
from api.services.audit.export.export_entries import Wanted
from api.services.log import checkpoints
from api.services.road import delivering, epochs, peering
from api.services.road.peering import Sending
from api.wire.message_bodies import EpochChange
from tests.support import counted_streams
from tests.support.campaigns import campaign
from tests.support.check_log import check_everything
from tests.support.federation import Federation
from tests.support.foreign import ANOTHER_IN_THE_END
from tests.support.journeys import release, submit, witness_all
from tests.support.looking import seen
from tests.support.signing import CA as CA_KEYS
from tests.support.signing import UK as UK_KEYS
from tests.support.signing import US as US_KEYS

US, UK = "us-treasury", "uk-fcdo"


@pytest.fixture(params=ANOTHER_IN_THE_END)
def federation(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Federation]:
    urls = None
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        urls = {name: server.fresh() for name in (US, UK)}
    made = Federation(tmp_path, ministries=(US_KEYS, UK_KEYS, CA_KEYS), urls=urls)
    yield made
    made.close()


def composed(federation: Federation) -> MessageOut:
    """One more release to London, in a stored message that nobody has sent."""
    release(federation, submit(federation, title=str(federation.random.random())), UK)
    checkpoints.integrate(federation[US], "test")
    message = delivering.compose(federation[US], UK)
    row = federation[US].db.read(lambda c: streams.message_out(c, message or ""))
    assert row is not None
    return row


def handed_over(federation: Federation, row: MessageOut) -> tuple[int, dict]:
    """What London answers to a message, whose answer Washington does not see."""
    us = federation[US]
    cosigned = us.db.read(lambda c: delivering.cosigned_by(c, UK))
    for _ in range(2):
        reply = federation.receive(UK, delivering.build_request(us, row, cosigned))
        answer = json.loads(reply.body)
        if answer.get("code") != "log.size":
            break
        cosigned = answer["size"]
    return reply.status, answer


def given_up(federation: Federation, row: MessageOut) -> None:
    delivering.abandon(federation[US], row, "policy.test")
    stream = federation[US].db.read(lambda c: streams.stream_out(c, UK))
    assert stream is not None
    assert stream.state == "blocked"


def opened(federation: Federation) -> EpochChange:
    us = federation[US]
    epochs.propose(us, federation.officer(US, "admin"), UK)
    return seen(epochs.approve, us, federation.officer(US, "admin2"), UK)


def settled(federation: Federation, releases: int, epoch: int) -> None:
    """Everything arrived once, both logs and databases are in order, the export verifies."""
    federation.settle()
    us, uk = federation[US], federation[UK]
    assert us.db.read(stream_counts.queue_lengths) == {}
    assert us.db.read(counted_streams.decided)[UK] == {"applied": releases}
    assert us.db.read(counted_streams.delivered)[UK] == {
        "sent": releases,
        "receipted": releases,
    }
    assert len(uk.db.read(lambda c: packages.page(c, limit=50, state="received"))) == releases
    stream = uk.db.read(lambda c: streams.stream_in(c, US))
    assert stream is not None
    assert stream.epoch == epoch
    assert uk.db.read(lambda c: streams.held_from(c, US)) == 0
    assert uk.db.read(lambda c: streams.held_numbers(c, US)) == []
    check_everything(federation)
    witness_all(federation)
    for node in federation:
        trust = fsck.Trust(federation.membership)
        report = node.db.read(
            lambda c, node=node, trust=trust: fsck.check(c, trust, store=node.store)
        )
        assert [finding.to_json() for finding in report.findings] == []
        auditor = federation.officer(node.ministry, "auditor")
        with exporting.export(node, auditor, Wanted("epochs")).file as file:
            verify_export(file, federation.membership)


def test_what_was_given_up_goes_out_anew(federation: Federation) -> None:
    us = federation[US]
    first = composed(federation)
    given_up(federation, first)
    release(federation, submit(federation, title="Behind it"), UK)
    federation.settle()
    assert us.db.read(stream_counts.queue_lengths)[UK] == {"waiting": 1, "dead": 1}
    assert opened(federation) == EpochChange(1, 0, None)
    settled(federation, releases=2, epoch=2)
    # The message that never arrived is of an epoch that is over.
    assert handed_over(federation, first)[1]["code"] == "stream.epoch"
    settled(federation, releases=2, epoch=2)


def test_what_was_stored_there_is_not_applied_twice(federation: Federation) -> None:
    first = composed(federation)
    assert handed_over(federation, first)[0] == 200
    given_up(federation, first)
    assert opened(federation) == EpochChange(1, 1, first.digest)
    settled(federation, releases=1, epoch=2)
    # The same bytes get the stored receipt in any epoch.
    assert handed_over(federation, first)[0] == 200
    settled(federation, releases=1, epoch=2)


@campaign("test_a_floor_never_falls")
def test_early_numbers_beyond_a_gap_lapse(federation: Federation) -> None:
    first, second = composed(federation), composed(federation)
    assert handed_over(federation, second)[0] == 200
    assert federation[UK].db.read(lambda c: streams.held_from(c, US)) == 1
    given_up(federation, first)
    assert opened(federation) == EpochChange(1, 0, None)
    settled(federation, releases=2, epoch=2)


@campaign("test_what_was_given_up_goes_out_anew")
def test_an_epoch_after_an_epoch(federation: Federation) -> None:
    for epoch in (2, 3):
        given_up(federation, composed(federation))
        assert opened(federation).ended == epoch - 1
        settled(federation, releases=epoch - 1, epoch=epoch)


def test_it_takes_two_who_see_the_same(federation: Federation) -> None:
    us = federation[US]
    one, two = federation.officer(US, "admin"), federation.officer(US, "admin2")
    given_up(federation, composed(federation))
    for who in ("analyst", "reviewer", "auditor"):
        with pytest.raises(Refused):
            epochs.propose(us, federation.officer(US, who), UK)
    with pytest.raises(NotFound):
        epochs.propose(us, one, "nobody")
    with pytest.raises(Conflict, match="proposes"):
        epochs.approve(us, two, UK)
    with pytest.raises(Conflict, match="proposes"):
        epochs.withdraw(us, two, UK)
    federation.down.add(UK)
    with pytest.raises(Unavailable):
        epochs.propose(us, one, UK)
    federation.down.discard(UK)
    proposal = epochs.propose(us, one, UK)
    shown = next(entry for entry in peering.listed(us, two) if entry.ministry == UK)
    assert shown.epoch_change == proposal.view
    assert shown.sending == Sending(epoch=1, next_seq=2, state="blocked")
    with pytest.raises(Conflict, match="waits"):
        epochs.propose(us, two, UK)
    with pytest.raises(Refused):
        epochs.approve(us, one, UK)
    epochs.withdraw(us, one, UK)
    with pytest.raises(Conflict, match="proposes"):
        epochs.approve(us, two, UK)
    opened(federation)
    settled(federation, releases=1, epoch=2)


@campaign("test_it_takes_two_who_see_the_same")
def test_an_end_that_moved_is_seen_anew(federation: Federation) -> None:
    us = federation[US]
    first = composed(federation)
    epochs.propose(us, federation.officer(US, "admin"), UK)
    assert handed_over(federation, first)[0] == 200
    with pytest.raises(Conflict, match="propose again"):
        seen(epochs.approve, us, federation.officer(US, "admin2"), UK)
    epochs.withdraw(us, federation.officer(US, "admin"), UK)
    assert opened(federation).seq == 1
    settled(federation, releases=1, epoch=2)


def test_a_floor_never_falls(federation: Federation) -> None:
    """A change that names less than the partner knows is refused, and can be made good."""
    us = federation[US]
    first = composed(federation)
    on_its_way = delivering.build_request(us, first, 0)
    opened(federation)
    (change,) = [
        row for row in us.db.read(lambda c: streams.unreceipted(c, UK, 9)) if row.epoch == 2
    ]
    with pytest.raises(Conflict, match="receipt"):
        epochs.propose(us, federation.officer(US, "admin"), UK)
    # It was on its way all the time: the partner stores it after it was asked.
    assert federation.receive(UK, on_its_way).status == 200
    status, answer = handed_over(federation, change)
    assert (status, answer["code"], answer["seq"]) == (409, "stream.epoch-floor", 1)
    given_up(federation, change)
    assert opened(federation) == EpochChange(1, 1, first.digest)
    federation.settle()
    settled(federation, releases=1, epoch=2)

"""A package travels from Washington to London and Ottawa, and is recalled."""

from api.records import packages, stream_counts
from api.services.desk import evidence, exhibits
from tests.support.federation import Federation
from tests.support.journeys import EXHIBIT, release, submit


def test_a_released_package_is_delivered_receipted_and_applied(federation: Federation) -> None:
    package = submit(federation)
    for to in ("uk-fcdo", "ca-gac"):
        release(federation, package, to)
    federation.settle()
    rows = federation["us-treasury"].db.read(lambda c: packages.holders_of(c, package))
    assert {row.ministry: row.state for row in rows} == {
        "uk-fcdo": "applied",
        "ca-gac": "applied",
    }
    for ministry in ("uk-fcdo", "ca-gac"):
        node = federation[ministry]
        view = evidence.read(node, federation.officer(ministry, "analyst"), package)
        assert view.body["title"] == "A package"
        assert [row.state for row in view.exhibits] == ["held"]
        stored = exhibits.open_exhibit(
            node, federation.officer(ministry, "reviewer"), view.exhibits[0].digest
        )
        assert b"".join(node.store.read(stored.digest, 0, stored.size)) == EXHIBIT


def test_a_recall_reaches_every_holder(federation: Federation) -> None:
    package = submit(federation)
    for to in ("uk-fcdo", "ca-gac"):
        release(federation, package, to)
    federation.settle()
    us = federation["us-treasury"]
    draft = evidence.recall(
        us,
        federation.officer("us-treasury", "reviewer"),
        package,
        {"reason": "A wrong date.", "instruction": "stop-use"},
    )
    assert draft.state == "sealed"
    federation.settle()
    rows = us.db.read(lambda c: packages.holders_of(c, package))
    assert {row.recall_outcome for row in rows} == {"applied"}
    for ministry in ("uk-fcdo", "ca-gac"):
        row = federation[ministry].db.read(lambda c: packages.by_id(c, package))
        assert row is not None
        assert row.state == "recalled"
    lengths = us.db.read(stream_counts.queue_lengths)
    assert lengths == {}

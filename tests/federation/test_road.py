"""A package travels from Washington to London and Ottawa, and is recalled."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.records import packages, stream_counts
from api.services.desk import evidence, exhibits
from api.services.statements import approving, previewing
from api.wire.statements import Content
from tests.support.federation import Federation

EXHIBIT = b"an exhibit\n" * 100


@pytest.fixture
def federation(tmp_path: Path) -> Iterator[Federation]:
    made = Federation(tmp_path)
    yield made
    made.close()


def package_body(title: str = "A package") -> dict[str, object]:
    digest = f"sha256:{hashlib.sha256(EXHIBIT).hexdigest()}"
    return {
        "title": title,
        "summary": "What happened.",
        "language": "en",
        "subjects": [{"key": "s1", "schema": "Person", "names": [{"text": "Test Person"}]}],
        "claims": [{"subject": "s1", "act": "An act.", "ground": "a ground", "exhibits": ["one"]}],
        "exhibits": [
            {
                "label": "one",
                "media_type": "text/plain",
                "size": len(EXHIBIT),
                "digest": digest,
                "kind": "official-record",
                "source": "made for the test",
            }
        ],
        "exculpatory": "None known.",
        "legal_basis": "For the test.",
        "compelled": False,
    }


def submit(federation: Federation, ministry: str = "us-treasury", title: str = "A package") -> str:
    node, analyst = federation[ministry], federation.officer(ministry, "analyst")
    body = package_body(title)
    content = Content("evidence-package/1", (), body)  # type: ignore[arg-type]
    digest = body["exhibits"][0]["digest"]  # type: ignore[index]
    exhibits.store_exhibit(node, analyst, digest, len(EXHIBIT), iter([EXHIBIT]))
    draft = {
        "type": "evidence-package/1",
        "body": body,
        "endorsement": federation.endorse(analyst, content),
    }
    return evidence.submit(node, analyst, draft).id


def release(federation: Federation, package: str, to: str, ministry: str = "us-treasury") -> str:
    node = federation[ministry]
    content = {
        "recipient": to,
        "marking": {
            "tlp": "AMBER",
            "releasable_to": [to],
            "originator_control": True,
            "permitted_use": ["consideration of designation"],
        },
        "legal_basis": "For the test.",
    }
    draft = evidence.release(node, federation.officer(ministry, "analyst"), package, content)
    reviewer = federation.officer(ministry, "reviewer")
    previewing.preview(node, reviewer, draft.id)
    sealed = approving.approve_recorded(node, reviewer, draft.id, draft.digest)
    return str(sealed.statement)


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

"""Audit exports of real nodes: complete, sealed, recorded, and open to a recount by outsiders."""

import base64
import io
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.domain.errors import Conflict, Invalid, Refused, Unavailable
from api.domain.verification.export import ExportReport, verify_export
from api.records import log
from api.services.audit.export import exporting
from api.services.audit.export.export_entries import Wanted, bound
from api.wire.export import layout
from tests.support import counted_streams, events, journeys
from tests.support.exports import second_verdict, second_verifier, take_apart
from tests.support.federation import Federation

MINISTRIES = ("us-treasury", "uk-fcdo", "ca-gac")


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    made = Federation(tmp_path_factory.mktemp("federation"))
    journeys.exchange(made, 2)
    journeys.witness_all(made)
    yield made
    made.close()


def exported(federation: Federation, ministry: str = "us-treasury", **wanted: Any) -> bytes:
    node, auditor = federation[ministry], federation.officer(ministry, "auditor")
    made = exporting.export(node, auditor, Wanted(**{"purpose": "yearly audit", **wanted}))
    with made.file as file:
        data = file.read()
    assert len(data) == made.size
    return data


def verified(federation: Federation, data: bytes) -> ExportReport:
    assert second_verdict(second_verifier(), data, federation.membership).code == ""
    return verify_export(io.BytesIO(data), federation.membership)


def lines(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in take_apart(data)[layout.ENTRIES].splitlines()]


def event(line: dict[str, Any]) -> dict[str, Any]:
    text = line["event"]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return found


@pytest.mark.parametrize("ministry", MINISTRIES)
def test_an_export_is_accepted_by_both_verifiers(federation: Federation, ministry: str) -> None:
    report = verified(federation, exported(federation, ministry))
    manifest = report.manifest
    assert (manifest.ministry, manifest.start, manifest.end) == (ministry, 0, manifest.tree_size)
    assert manifest.made_by["sub"] == f"{ministry}:auditor"
    assert report.disclosed == manifest.end > 10
    # The event of the export itself lies beyond the head it shows.
    assert manifest.unwitnessed >= 1
    assert report.cosigners


def test_the_export_is_recorded_before_it_is_made(federation: Federation) -> None:
    node = federation["uk-fcdo"]
    before = node.db.read(lambda c: log.events_page(c, limit=1))[0].seq
    exported(federation, "uk-fcdo", purpose="who read what")
    newest = node.db.read(lambda c: log.events_page(c, limit=1))[0]
    assert newest.seq == before + 1
    body = json.loads(newest.body)
    assert body["act"] == "export.made"
    assert body["object"]["id"].startswith("sha256:")
    assert body["policies"] == ["auditing.auditor-examines"]


@pytest.mark.parametrize("name", ["analyst", "reviewer", "admin"])
def test_only_auditors_export(federation: Federation, name: str) -> None:
    node = federation["us-treasury"]
    with pytest.raises(Refused):
        exporting.export(node, federation.officer("us-treasury", name), Wanted("curiosity"))


def test_an_outsider_recounts_sent_receipted_and_applied(federation: Federation) -> None:
    """With nothing but the three exports, and the same figures as the nodes themselves."""
    files = {ministry: exported(federation, ministry) for ministry in MINISTRIES}
    events = {name: [event(line) for line in lines(data)] for name, data in files.items()}
    for sender in MINISTRIES:
        node = federation[sender]
        known = node.db.read(counted_streams.delivered)
        answers = node.db.read(counted_streams.decided)
        document = json.loads(take_apart(files[sender])[layout.STREAMS])
        for stream in document["streams"]:
            if stream["from"] != sender:
                continue
            receiver, delivered = stream["to"], {}
            for message in stream["messages"]:
                if message["kind"] == "deliver":
                    delivered[message["id"]] = [item["id"] for item in message["statements"]]
            counted = Counter[str]()
            for entry in events[sender]:
                if entry["act"] in {"message.sent", "message.receipted"}:
                    counted[entry["act"]] += len(delivered.get(entry["object"]["id"], ()))
            for entry in events[receiver]:
                acts = {"statement.applied", "statement.refused"}
                if entry["act"] in acts and entry["actor"].get("sub") == sender:
                    assert entry["object"]["id"] in delivered[entry["message"]]
                    counted[entry["act"]] += 1
            expected = known.get(receiver, {"sent": 0, "receipted": 0})
            stated = answers.get(receiver, {})
            assert counted["message.sent"] == expected["sent"]
            assert counted["message.receipted"] == expected["receipted"]
            assert counted["statement.applied"] == stated.get("applied", 0)
            assert counted["statement.refused"] == stated.get("refused", 0)
            outcomes = Counter(
                item.get("outcome")
                for message in stream["messages"]
                if message["kind"] == "deliver"
                for item in message["statements"]
            )
            assert outcomes["applied"] == counted["statement.applied"]
    assert Counter(e["act"] for e in events["us-treasury"])["message.sent"] > 0


def test_a_filter_proves_how_many_it_leaves_out(federation: Federation) -> None:
    data = exported(federation, acts=("package.released", "package.submitted"))
    report = verified(federation, data)
    shown = [line for line in lines(data) if "event" in line]
    assert {event(line)["act"] for line in shown} == {"package.released", "package.submitted"}
    assert report.manifest.left_out == report.withheld == report.manifest.end - len(shown)
    assert json.loads(take_apart(data)[layout.STREAMS])["streams"] == []
    about = event(shown[0])["object"]["id"]
    one = exported(federation, object_id=about)
    assert {event(line)["object"]["id"] for line in lines(one) if "event" in line} == {about}


def test_ranges_by_index_and_by_time(federation: Federation) -> None:
    every = lines(exported(federation))
    part = exported(federation, start=3, end=9)
    assert [line["index"] for line in lines(part)] == list(range(3, 9))
    assert verified(federation, part).manifest.tree_size == len(every)
    times = [event(line)["time"] for line in every]
    from_fifth = lines(exported(federation, start=times[5]))
    assert times[from_fifth[0]["index"]] >= times[5]
    assert {event(line)["time"] for line in from_fifth} >= set(times[5:])
    until = lines(exported(federation, end=times[5]))
    assert {event(line)["time"] for line in until} >= {time for time in times if time < times[5]}
    day = lines(exported(federation, start=bound("2026-11-23"), end=bound("2026-11-23", last=True)))
    assert len(day) == len(every)
    assert lines(exported(federation, start=bound("2031-01-01"))) == []


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"purpose": ""}, "export.purpose"),
        ({"purpose": "   "}, "export.purpose"),
        ({"purpose": "two\nlines"}, "export.purpose"),
        ({"purpose": "x" * 1001}, "export.purpose"),
        ({"acts": ("package.relased",)}, "export.filter"),
        ({"start": 5, "end": 4}, "export.range"),
        ({"end": 10**9}, "export.range"),
    ],
)
def test_what_cannot_be_exported(federation: Federation, wanted: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        exported(federation, **wanted)
    assert refusal.value.code == code


@pytest.mark.parametrize("text", ["-1", "yesterday", "2026-02-30", "2026-11-23T17:25:39Z", "1e3"])
def test_bounds_of_another_form(text: str) -> None:
    with pytest.raises(Invalid, match="Give a bound"):
        bound(text)


def test_a_damaged_log_is_not_sealed(federation: Federation) -> None:
    node = federation["ca-gac"]
    key = node.db.read(events.sequenced)[4]

    def put(body: bytes) -> None:
        def write(unit: Any) -> None:
            table = log.EVENTS
            unit.connection.execute(table.update().where(table.c.seq == key.seq).values(body=body))

        node.db.write(write)

    put(bytes(key.body).replace(b"done", b"gone"))
    with pytest.raises(Unavailable) as refusal:
        exported(federation, "ca-gac")
    put(bytes(key.body))
    assert refusal.value.code == "log.damaged"
    assert refusal.value.details == {"cause": "export.event", "index": 4}


def test_nothing_is_exported_before_a_partner_has_cosigned(tmp_path: Path) -> None:
    made = Federation(tmp_path)
    made.step("us-treasury")
    with pytest.raises(Conflict, match="Too few partners"):
        exported(made)
    made.close()


def test_the_log_may_grow_while_it_is_exported(federation: Federation) -> None:
    node, auditor = federation["us-treasury"], federation.officer("us-treasury", "auditor")
    made = exporting.export(node, auditor, Wanted("growing"))
    journeys.submit(federation, title="Meanwhile")
    federation.settle()
    journeys.witness_all(federation)
    with made.file as file:
        assert verified(federation, file.read()).manifest.purpose == "growing"
    assert verified(federation, exported(federation)).manifest.end > made.manifest.end

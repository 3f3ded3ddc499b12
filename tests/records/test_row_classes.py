"""Row classes have the columns of their tables, each by its name, and NULL only where it can be."""

import dataclasses
import typing

import pytest
from sqlalchemy import Table

from api.records import (
    audit,
    designations,
    drafts,
    log,
    log_rows,
    node_state,
    package_rows,
    packages,
    parked,
    peer_logs,
    rows,
    statements,
    stream_rows,
    streams,
    subjects,
    tasks,
    threads,
)

CLASSES: list[tuple[type, Table]] = [
    (designations.Designation, designations.DESIGNATIONS),
    (designations.Proposal, designations.PROPOSALS),
    (designations.ProposalVersion, designations.PROPOSAL_VERSIONS),
    (drafts.Approval, drafts.APPROVALS),
    (drafts.Draft, drafts.DRAFTS),
    (drafts.DraftVersion, drafts.DRAFT_VERSIONS),
    (audit.ErasureOrder, audit.ERASURES),
    (audit.Note, audit.NOTES),
    (audit.Sample, audit.SAMPLES),
    (log_rows.Bundle, log.BUNDLES),
    (log_rows.Cosignature, log.COSIGNATURES),
    (log_rows.HashTile, log.TILES),
    (log_rows.Lease, log.LEASES),
    (log_rows.SignedHead, log.HEADS),
    (log_rows.StoredEvent, log.EVENTS),
    (statements.StoredStatement, statements.STATEMENTS),
    (stream_rows.Attempt, streams.ATTEMPTS),
    (stream_rows.Disposition, streams.DISPOSITIONS),
    (stream_rows.InboxItem, streams.INBOX),
    (stream_rows.MessageIn, streams.MESSAGES_IN),
    (stream_rows.MessageOut, streams.MESSAGES_OUT),
    (stream_rows.Posted, streams.OUTBOX),
    (stream_rows.Stream, streams.STREAMS_IN),
    (stream_rows.Stream, streams.STREAMS_OUT),
    (node_state.Misbehaviour, node_state.MISBEHAVIOUR),
    (package_rows.Exhibit, packages.EXHIBITS),
    (package_rows.Holder, packages.HOLDERS),
    (package_rows.Package, packages.PACKAGES),
    (package_rows.PackageExhibit, packages.PACKAGE_EXHIBITS),
    (package_rows.Release, packages.RELEASES),
    (peer_logs.PeerLog, peer_logs.PEER_LOGS),
    (peer_logs.PeerTile, peer_logs.PEER_TILES),
    (peer_logs.Submitted, peer_logs.SUBMITTED),
    (subjects.Description, subjects.SUBJECTS),
    (subjects.Verdict, subjects.VERDICTS),
    (tasks.Resting, tasks.RELIANCES),
    (tasks.Review, tasks.REVIEWS),
    (tasks.Task, tasks.TASKS),
    (threads.ThreadComparison, threads.COMPARISONS),
    (threads.Thread, threads.THREADS),
    (threads.ThreadSubject, threads.THREAD_SUBJECTS),
    (threads.Void, threads.THREAD_VOIDS),
    (parked.Parked, parked.PARKED),
]


@pytest.mark.parametrize(("kind", "table"), CLASSES, ids=lambda one: getattr(one, "name", ""))
def test_a_row_class_is_its_table(kind: type, table: Table) -> None:
    hints = typing.get_type_hints(kind)
    members = rows.columns_of(kind)
    assert [name for name, _ in members] == [field.name for field in dataclasses.fields(kind)]
    assert [column for _, column in members] == list(table.columns.keys())
    for name, column in members:
        empty = type(None) in typing.get_args(hints[name])
        assert empty == table.c[column].nullable, f"{table.name}.{column}"


def test_states_come_as_enums_and_json_as_what_it_holds() -> None:
    row = dict.fromkeys(drafts.DRAFTS.columns.keys(), "x")
    row |= {"state": "sealed", "to": '["uk-fcdo"]', "body": "{}", "authors": '["a"]', "version": 1}
    row |= {"prepared": '{"iss":"i","sub":"s","role":"analyst","form":"recorded"}'}
    made = rows.made(drafts.Draft, {**row, "endorsement": None})
    assert made.state is drafts.DraftState.SEALED
    assert (made.to, made.authors, made.endorsement) == (("uk-fcdo",), frozenset({"a"}), None)
    with pytest.raises(ValueError, match="melted"):
        rows.made(drafts.Draft, {**row, "endorsement": None, "state": "melted"})

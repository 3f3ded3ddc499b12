"""Telling partners who is who, and taking that back: drafts of ``identity-verdict/1``.

Owns the body that such a draft has. What officers decide for this node alone is ``subjects``'; what
several ministries' verdicts come to is ``domain.identity.verdicts``'.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from api.domain.errors import NotFound
from api.records import lists
from api.services.authorising import Caller, unknown
from api.services.desk import subject_pages, subjects
from api.services.desk.identity import entry_place
from api.services.desk.subjects import Judgement
from api.services.node import Node
from api.services.statements import drafting
from api.services.statements.draft_form import DraftView
from api.wire.payloads.identity_verdict_v1 import MAX_SIGNALS
from api.wire.statements import Content
from api.wire.types import IDENTITY_VERDICT

_UNSURE = "unsure"


def tell(node: Node, caller: Caller, judgement: Judgement, to: Sequence[str]) -> DraftView:
    """Draft this ministry's verdict on two descriptions, with the signals that the node sees.

    Raises:
        NotFound: ``subject.unknown``: absent, or in an object that the caller may not read.
    """
    page = subject_pages.subject_page(node, caller, judgement.one)
    if not subjects.known(node, caller, judgement.other):
        raise NotFound("subject.unknown", "There is no such subject here.")
    signals = [
        signal.text
        for one in page.candidates
        if one.card.ref == judgement.other
        for signal in one.signals
    ]
    body: dict[str, Any] = {
        **_both(node, judgement.one, judgement.other),
        "outcome": judgement.outcome,
        "reason": judgement.reason,
    }
    if signals:
        body["signals"] = signals[:MAX_SIGNALS]
    return drafting.create(node, caller, Content(IDENTITY_VERDICT, tuple(to), body))


def take_back(
    node: Node, caller: Caller, verdict: str, reason: str, to: Sequence[str]
) -> DraftView:
    """Draft that this ministry takes a verdict back that it told others.

    Raises:
        NotFound: ``verdict.unknown``: it does not stand, or is another ministry's.
    """
    standing = (one for one in subjects.told(node, caller) if one.ministry == node.ministry)
    found = next((one for one in standing if one.statement == verdict), None)
    if found is None:
        raise unknown("verdict")
    body = {
        **_both(node, found.one, found.other),
        "outcome": _UNSURE,
        "reason": reason,
        "withdraws": verdict,
    }
    return drafting.create(node, caller, Content(IDENTITY_VERDICT, tuple(to), body))


def _both(node: Node, one: str, other: str) -> dict[str, Any]:
    return node.db.read(
        lambda connection: {
            "one": _in_words(connection, one),
            "other": _in_words(connection, other),
        }
    )


def _in_words(connection: Connection, ref: str) -> dict[str, Any]:
    """Return a reference as the body of a verdict names it."""
    listed = entry_place(ref)
    if listed is None:
        kind, _, rest = ref.partition(":")
        statement, _, key = rest.partition("#")
        return {"kind": kind, "statement": statement} | ({"key": key} if key else {})
    newest = lists.newest_editions(connection).get(listed[0])
    if newest is None:
        raise NotFound("list.no-edition", "No such edition is held.")
    return {
        "kind": "list",
        "publisher": newest.series.publisher,
        "list": listed[0],
        "edition": newest.as_of,
        "id": listed[1],
    }

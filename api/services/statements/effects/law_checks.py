"""What the law as recorded here says to a decision to list, asked before the decision is drafted.

Owns the way from bodies and threads to `api.domain.regimes.decisions`. Only own statements are
asked: a partner may hold another edition, and decides under its own law.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from sqlalchemy import Connection

from api.domain.errors import Invalid, NotFound
from api.domain.regimes.decisions import Listing, may_list, subject_case
from api.domain.threads.sequences import Record
from api.domain.threads.state import ThreadState
from api.services.node import Node
from api.services.statements.effects import thread_record
from api.wire.types import DESIGNATION, DESIGNATION_PROPOSAL, MIRROR_FINDING

Facts = Sequence[Mapping[str, Any]]
_NAMING: Final = frozenset({DESIGNATION, DESIGNATION_PROPOSAL, MIRROR_FINDING})
"""Types whose statements name the edition of the regime that they were decided under."""


def check_listing(
    node: Node, body: Mapping[str, Any], subjects: Sequence[Mapping[str, Any]]
) -> None:
    """Check the regime, grounds, edition and bars of a proposal or designation.

    Args:
        node: this node.
        body: of the proposal or designation.
        subjects: whom it would list, as described.

    Raises:
        Invalid: ``regime.ground``, ``regime.edition``, ``law.barred``.
        NotFound: ``regime.unknown``.
    """
    grounds = tuple(
        str(one["ground"]) if isinstance(one, Mapping) else str(one) for one in body["grounds"]
    )
    facts: Facts = body.get("case_facts", ())
    _judge_by_law(node, body, grounds, [subject_case(one, facts) for one in subjects])


def with_edition(node: Node, type_: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a body that names the edition in force of the regime that it is decided under.

    What its preparer named stays, and is judged; a body whose type names none stays as it is.
    """
    regime = node.regimes.get(str(body.get("regime")))
    if type_ not in _NAMING or regime is None or body.get("regime_edition") is not None:
        return body
    return {**body, "regime_edition": regime.edition}


def check_words(node: Node, regime: str, grounds: Sequence[str]) -> None:
    """Check that a regime and its grounds are ones that this node has as data.

    Raises:
        Invalid: ``regime.ground``.
        NotFound: ``regime.unknown``.
    """
    _judge_by_law(node, {"regime": regime}, tuple(grounds), [])


def check_finding(
    node: Node, connection: Connection, state: ThreadState, body: Mapping[str, Any]
) -> None:
    """Check a finding that would list its subject; others name no law.

    Raises:
        Invalid: ``regime.ground``, ``regime.edition``, ``law.barred``.
        NotFound: ``regime.unknown``.
    """
    if body.get("regime") is None:
        return
    record = thread_record.require(connection, state.id)
    described = {str(one["key"]): one for one in thread_record.descriptions(record, state)}
    subject = described.get(str(body["subject"]))
    mirrors = str(body["finding"]).startswith("mirror")
    cases = [subject_case(subject, thread_facts(record))] if subject and mirrors else []
    grounds = (str(body["ground"]),) if body.get("ground") is not None else ()
    _judge_by_law(node, body, grounds, cases)


def thread_facts(record: Record) -> Facts:
    """Return the facts that the requester recorded in a thread, in their order."""
    said: list[Facts] = [cast("Facts", one.body.get("case_facts", ())) for one in record.requester]
    return [fact for facts in said for fact in facts]


def _judge_by_law(
    node: Node, body: Mapping[str, Any], grounds: tuple[str, ...], cases: Sequence[Any]
) -> None:
    decision = may_list(
        node.regimes,
        Listing(
            regime=str(body["regime"]),
            grounds=grounds,
            cases=tuple(cases),
            edition=str(body.get("regime_edition", "")),
            reason=str(body.get("against_bar", {}).get("reason", "")),
        ),
    )
    if decision:
        return
    if decision.code == "regime.unknown":
        raise NotFound(decision.code, decision.reason)
    raise Invalid(decision.code, decision.reason)

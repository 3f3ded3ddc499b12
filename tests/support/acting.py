"""What officers of the simulated ministries do, chosen by the seed; much of it is rightly refused.

Owns the choice of acts. How they fail, and what must hold in the end, is `faults`' and `check_log`'s.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.engine import RowMapping

from api.records.schema import METADATA
from api.services.desk import evidence
from tests.support import exchange
from tests.support.check_log import payload_of
from tests.support.federation import Federation

if TYPE_CHECKING:
    from tests.support.faults import Simulation

MINISTRIES = ("us-treasury", "uk-fcdo", "ca-gac")
MARKING = {
    "tlp": "AMBER",
    "releasable_to": list(MINISTRIES),
    "originator_control": True,
    "permitted_use": ["consideration of designation"],
}


def act(simulation: "Simulation") -> None:
    """One act of some ministry's officers."""
    source = simulation.random
    ministry = source.choice([name for name in MINISTRIES if name not in simulation.faults.down])
    kinds: dict[Callable[[Simulation, str], None], int] = {
        _submit: 4,
        _release: 6,
        _recall: 2,
        _onward_request: 2,
        _onward_consent: 3,
        _onward_release: 3,
        _designate: 2,
        _request: 3,
        _find: 3,
        _withdraw: 1,
        _close: 1,
    }
    (chosen,) = source.choices(list(kinds), list(kinds.values()))
    chosen(simulation, ministry)


def some(simulation: "Simulation", ministry: str, table: str, **columns: str) -> RowMapping | None:
    """A row of a node's table that fits, chosen by the seed."""
    found = METADATA.tables[table]
    query = select(found).order_by(*found.primary_key.columns)
    for name, value in columns.items():
        query = query.where(found.c[name] == value)
    node = simulation.federation[ministry]
    rows = node.db.read(lambda connection: list(connection.execute(query).mappings()))
    return simulation.random.choice(rows) if rows else None


def _other(simulation: "Simulation", ministry: str) -> str:
    return simulation.random.choice([name for name in MINISTRIES if name != ministry])


def _issue(
    simulation: "Simulation",
    ministry: str,
    type_: str,
    to: str,
    members: dict[str, Any],
) -> None:
    simulation.issue(
        ministry,
        lambda: exchange.issue(simulation.federation, ministry, type_, (to,), members),
    )


def _submit(simulation: "Simulation", ministry: str) -> None:
    title = f"Package {simulation.random.getrandbits(64):x}"
    simulation.issue(ministry, lambda: exchange.package(simulation.federation, ministry, title))


def _release(simulation: "Simulation", ministry: str) -> None:
    package = some(simulation, ministry, "packages", originator=ministry)
    to = _other(simulation, ministry)
    if package is None:
        _submit(simulation, ministry)
        return
    simulation.issue(
        ministry, lambda: exchange.release(simulation.federation, ministry, package["id"], to)
    )


def _recall(simulation: "Simulation", ministry: str) -> None:
    package = some(simulation, ministry, "packages", originator=ministry, state="released")
    if package is not None:
        federation = simulation.federation
        simulation.issue(ministry, lambda: recall(federation, ministry, package["id"]))


def recall(federation: Federation, ministry: str, package: str) -> str:
    """Recall a package; returns the recall's id."""
    content = {"reason": "A wrong date.", "instruction": "stop-use"}
    reviewer = federation.officer(ministry, "reviewer")
    return str(evidence.recall(federation[ministry], reviewer, package, content).statement)


def _onward_request(simulation: "Simulation", ministry: str) -> None:
    package = some(simulation, ministry, "packages", state="received")
    if package is not None:
        (third,) = set(MINISTRIES) - {ministry, package["originator"]}
        body = {"package": package["id"], "recipient": third, "purpose": "Its own listing."}
        _issue(simulation, ministry, "onward-request/1", package["originator"], body)


def _onward_consent(simulation: "Simulation", ministry: str) -> None:
    asked = some(simulation, ministry, "statements", type="onward-request/1")
    if asked is not None and asked["issuer"] != ministry:
        request = payload_of(bytes(asked["envelope"]))["body"]
        body = {name: request[name] for name in ("package", "recipient")}
        body |= {"request": asked["id"], "marking": MARKING}
        _issue(simulation, ministry, "onward-consent/1", asked["issuer"], body)


def _onward_release(simulation: "Simulation", ministry: str) -> None:
    given = some(simulation, ministry, "statements", type="onward-consent/1")
    if given is not None and given["issuer"] != ministry:
        consent = payload_of(bytes(given["envelope"]))["body"]
        body = {
            "package": consent["package"],
            "recipient": consent["recipient"],
            "marking": {**MARKING, "releasable_to": [consent["recipient"]]},
            "legal_basis": "For the test.",
            "originator": given["issuer"],
            "consent": given["id"],
        }
        _issue(simulation, ministry, "release/1", consent["recipient"], body)


def _designate(simulation: "Simulation", ministry: str) -> None:
    name = f"Person {simulation.random.getrandbits(32):x}"
    simulation.issue(ministry, lambda: exchange.designate(simulation.federation, ministry, name))


def _request(simulation: "Simulation", ministry: str) -> None:
    own = some(simulation, ministry, "designations", issuer=ministry)
    to = _other(simulation, ministry)
    if own is None:
        _designate(simulation, ministry)
        return
    wanted = {"s1": str(own["id"])}
    simulation.issue(
        ministry, lambda: exchange.request(simulation.federation, ministry, to, wanted)
    )


def _find(simulation: "Simulation", ministry: str) -> None:
    thread = some(simulation, ministry, "threads", addressee=ministry)
    if thread is not None:
        kind = simulation.random.choice(["mirror", "decline", "defer"])
        _say(
            simulation,
            ministry,
            lambda: exchange.find(simulation.federation, ministry, thread["id"], "s1", kind),
        )


def _withdraw(simulation: "Simulation", ministry: str) -> None:
    thread = some(simulation, ministry, "threads", requester=ministry)
    if thread is not None:
        members = {"reason": "No longer needed.", "subjects": ["s1"]}
        _say(
            simulation,
            ministry,
            lambda: exchange.say(
                simulation.federation, ministry, thread["id"], "withdrawal", **members
            ),
        )


def _close(simulation: "Simulation", ministry: str) -> None:
    thread = some(simulation, ministry, "threads", addressee=ministry)
    if thread is not None:
        _say(
            simulation,
            ministry,
            lambda: exchange.say(
                simulation.federation, ministry, thread["id"], "closure", reason="Done."
            ),
        )


def _say(simulation: "Simulation", ministry: str, say: Callable[[], str]) -> None:
    simulation.issue(ministry, say)

"""That the same bytes were acquired independently: a reviewer's record on an exhibit.

Owns the table ``acquisitions``. What it is needed for is ``effects.originator_control``'.
"""

from dataclasses import asdict, dataclass

from api.domain.errors import Conflict, Invalid, Refused
from api.domain.events import Act, Subject
from api.ports.policy import Action
from api.records import packages
from api.records.acquisitions import ACQUISITIONS, acquisitions_of
from api.records.unit_of_work import Taken, Unit
from api.services import recording
from api.services.authorising import Caller, entry_of, unknown
from api.services.desk import evidence
from api.services.desk.package_views import AcquisitionView
from api.services.idempotency import keyed_call, made_before, write_once
from api.services.node import Node


@dataclass(frozen=True, slots=True)
class NewAcquisition:
    """What a reviewer records of an exhibit.

    Attributes:
        exhibit: digest of the bytes.
        source: where this ministry has them from, in words.
        collector: who collected them.
        collected: when, as a day or a part of one.
    """

    exhibit: str
    source: str
    collector: str
    collected: str


def record_acquisition(
    node: Node, caller: Caller, package_id: str, new: NewAcquisition
) -> AcquisitionView:
    """Record that an exhibit of an own package was acquired independently of any partner.

    Raises:
        NotFound: ``package.unknown``, ``exhibit.unknown``.
        Refused: not a reviewer, or ``policy.own-work``: the author of the package.
        Invalid: ``acquisition.incomplete``.
        Conflict: ``package.not-yours``, ``acquisition.recorded``.
    """
    package, permit = evidence.permit_on(node, caller, Action.PACKAGE_RETURN, package_id)
    if package.originator != node.ministry:
        raise Conflict("package.not-yours", "Only exhibits of an own package are recorded.")
    if package.prepared_by in caller.authors:
        raise Refused("policy.own-work", "Somebody who did not write the package must record it.")
    once = keyed_call(caller, Act.EXHIBIT_ACQUIRED, {"package": package_id, **asdict(new)})
    if (known := made_before(node, once)) is not None:
        return _recorded(node, **known)
    if not all(one.strip() for one in (new.source, new.collector, new.collected)):
        raise Invalid("acquisition.incomplete", "Say from where, by whom and when it was acquired.")
    listed = node.db.read(lambda connection: packages.exhibits_of(connection, package_id))
    if new.exhibit not in {one.digest for one in listed}:
        raise unknown("exhibit")
    values = {
        "package": package_id,
        "exhibit": new.exhibit,
        "source": new.source,
        "collector": new.collector,
        "collected": new.collected,
        "recorded_by": caller.person,
        "at": node.now(),
    }

    def write(unit: Unit) -> None:
        unit.insert(ACQUISITIONS, values)
        subject = Subject("exhibit", new.exhibit)
        recording.record(node, unit, entry_of(caller, permit, Act.EXHIBIT_ACQUIRED, subject))

    try:
        made = write_once(node, once, {"package": package_id, "exhibit": new.exhibit}, write)
    except Taken:
        raise Conflict("acquisition.recorded", "This was recorded already.") from None
    return _recorded(node, **made)


def _recorded(node: Node, package: str, exhibit: str) -> AcquisitionView:
    rows = node.db.read(lambda connection: acquisitions_of(connection, package))
    found = next(one for one in rows if one.exhibit == exhibit)
    return AcquisitionView(exhibit, found.source, found.collector, found.collected)

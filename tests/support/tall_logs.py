"""Makes a node's log as long as a test wants, with events like any other."""

from api.domain.events import Act, Subject
from api.records import log
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.log import checkpoints
from api.services.node import Node


def lengthen(node: Node, size: int) -> None:
    """Record events until the log has `size` leaves, and sign that head."""
    head = checkpoints.newest(node).size
    waiting = node.db.read(log.count_unsequenced)
    missing = size - head - waiting
    assert missing >= 0, "the log is longer already"

    def write(unit: Unit) -> None:
        for number in range(missing):
            subject = Subject("head", f"made:{size}:{number}")
            recording.record(node, unit, recording.Entry(act=Act.SAMPLE_SAVED, subject=subject))

    node.db.write(write)
    while checkpoints.integrate(node, "test"):
        pass
    assert checkpoints.newest(node).size == size

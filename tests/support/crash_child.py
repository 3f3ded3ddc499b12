"""One piece of a node's work in a process of its own, to be killed in the middle of it.

    python -m tests.support.crash_child

reads orders, one line of JSON each, and forks a process for every one of them (`tests.support.crash_tracing` writes
them). An order names a folder with the homes of three nodes as `prepare` (or `prepare_recovery`) leaves them, a
scenario, and whether a tracer will come. The process opens the nodes, waits for its tracer, works, and ends without
closing anything: all that a tracer sees are the calls of the work itself. Whatever leaves the process (a head, a
receipt, a file) is said in the file `SAID` only once the node has answered: it is what a partner would hold.
"""

import contextlib
import ctypes
import json
import os
import shutil
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from api.adapters.memory.file import FileMemory
from api.adapters.store.folder import FolderStore
from api.adapters.system import SystemEntropy
from api.cli.files import appearing
from api.domain.errors import Refused
from api.records import log, streams
from api.records.database import Database
from api.services.audit import auditing
from api.services.audit.export import exporting
from api.services.audit.export.export_entries import Wanted
from api.services.log import checkpoints, guard
from api.services.node import Limits, Node
from api.services.recovery import backups, recovering
from api.services.road import delivering, receiving
from api.wire.digests import digest
from tests.support import disasters, journeys
from tests.support.federation import (
    Federation,
    SimulatedClock,
    Wire,
    shipped_law,
    shipped_policies,
)
from tests.support.signing import CA, UK, membership
from tests.support.signing import US as US_MINISTRY

US, UK_ID = "us-treasury", "uk-fcdo"
MINISTRIES = (US_MINISTRY, UK, CA)
EXPORT = "audit.zip"
REQUEST = "request.json"
SAID = "said.jsonl"
UNTRACED = 98
_PR_SET_PTRACER, _ANY = 0x59616D61, ctypes.c_ulong(-1)
_PATIENCE = 60.0
PENDING = 300
SCENARIOS = ("sequence", "cosign", "export", "recover")
PURPOSE = "killed in the middle"


def prepare(folder: Path) -> None:
    """Three nodes with work waiting: events to sequence, a message to receive, a log to export."""
    made = Federation(folder)
    journeys.exchange(made)
    journeys.witness_all(made)
    package = journeys.submit(made, title="On its way", exhibit=b"later\n" * 9)
    journeys.release(made, package, UK_ID)
    us = made[US]
    checkpoints.integrate(us, "test")
    identifier = delivering.compose(us, UK_ID) or ""
    checkpoints.integrate(us, "test")
    message = us.db.read(lambda c: streams.message_out(c, identifier))
    assert message is not None
    known = us.db.read(lambda c: log.last_cosigned(c, UK_ID))
    (folder / REQUEST).write_bytes(delivering.build_request(us, message, known))
    for _ in range(PENDING):
        with contextlib.suppress(Refused):
            auditing.events(us, made.officer(US, "analyst"), auditing.Wanted(), limit=1)
    made.close()


def prepare_recovery(folder: Path) -> None:
    """The same three, with the first put back from a backup that is older than what it sent."""
    made = Federation(folder)
    journeys.exchange(made)
    backup = backups.make(made[US], folder / "backups")
    package = journeys.submit(made, title="Lost", exhibit=b"later\n" * 9)
    journeys.release(made, package, UK_ID)
    made.settle()
    journeys.witness_all(made)
    disasters.lose(made, US)
    disasters.restore(made, US, backup, folder / "restored")
    made.close()
    shutil.rmtree(folder / US)
    (folder / "restored").rename(folder / US)


def reopened(folder: Path) -> Federation:
    """The nodes as a new process finds them, a day later."""
    found = Federation.__new__(Federation)
    found.clock = SimulatedClock(datetime(2026, 11, 24, 12, 0, tzinfo=UTC))
    found.membership = membership(*MINISTRIES)
    found.nodes, found.wires, found.people = {}, {}, {}
    found.down, found.watches = set(), {}
    found.pool = ThreadPoolExecutor(2)
    found.homes = {ministry.id: folder / ministry.id for ministry in MINISTRIES}
    decider = shipped_policies()
    for ministry in MINISTRIES:
        home = found.homes[ministry.id]
        wire = found.wires[ministry.id] = Wire(found, ministry.id)
        found.nodes[ministry.id] = Node(
            ministry=ministry.id,
            db=Database(f"sqlite:///{home}/node.db"),
            signer=ministry,
            decider=decider,
            four_eyes=decider.four_eyes,
            store=FolderStore(home / "store"),
            transport=wire,
            clock=found.clock,
            entropy=SystemEntropy(),
            membership=found.membership,
            memory=FileMemory(folder / "heads" / f"{ministry.id}.json"),
            software="comity/test",
            law=shipped_law(),
            limits=Limits(cursor_secret=b"test"),
        )
    return found


def say(**members: Any) -> None:
    """Let something out of the process."""
    sys.stdout.write(json.dumps(members) + "\n")
    sys.stdout.flush()


def sequence(nodes: Federation) -> None:
    us = nodes[US]
    while checkpoints.integrate(us, "test"):
        head = checkpoints.newest(us)
        say(head=head.size, root=head.root.hex(), note=head.note.decode())


def cosign(nodes: Federation, folder: Path) -> None:
    answer = receiving.accept(nodes[UK_ID], (folder / REQUEST).read_bytes())
    say(receipt=answer.body.decode(), digest=digest(answer.body))


def export(nodes: Federation, folder: Path) -> None:
    made = exporting.export(nodes[US], nodes.officer(US, "auditor"), Wanted(PURPOSE))
    with (
        made.file as source,
        appearing(folder / EXPORT, replace=True) as temporary,
        temporary.open("wb") as target,
    ):
        while piece := source.read(16 * 1024):
            target.write(piece)
            target.flush()
            os.fsync(target.fileno())
    say(exported=made.size)


def recover(nodes: Federation) -> None:
    us = nodes[US]
    if guard.standing_now(us).pending:
        found = recovering.recover(us)
        say(recovered=found.log.size)


def worked(folder: Path, scenario: str, *, traced: bool) -> None:
    """One order, in the process made for it."""
    nodes = reopened(folder)
    for node in nodes:
        # Connections and their threads are there before the first call that counts.
        node.db.read(log.newest_head)
        node.db.write(lambda _: None)
    say(process=os.getpid())
    if traced:
        await_tracer()
    with (folder / SAID).open("wb") as said:
        os.dup2(said.fileno(), sys.stdout.fileno())
    work = {
        "sequence": lambda: sequence(nodes),
        "cosign": lambda: cosign(nodes, folder),
        "export": lambda: export(nodes, folder),
        "recover": lambda: recover(nodes),
    }
    work[scenario]()


def await_tracer() -> None:
    """Wait until every thread of this process is traced; end it if nobody comes."""
    ctypes.CDLL(None).prctl(_PR_SET_PTRACER, _ANY, 0, 0, 0)
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        threads = [each.read_text() for each in Path("/proc/self/task").glob("*/status")]
        if all("\nTracerPid:\t0\n" not in text for text in threads):
            return
        time.sleep(0.005)
    os._exit(UNTRACED)


def carry_out(order: dict[str, Any]) -> NoReturn:
    try:
        worked(Path(order["folder"]), order["scenario"], traced=order["traced"])
    except BaseException:  # noqa: BLE001 - a fork must not go on as its parent
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def main() -> None:
    """Let each order be answered with the process's id, by itself, and then with how it ended."""
    shipped_policies()
    shipped_law()
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            carry_out(json.loads(line))
        _, status = os.waitpid(process, 0)
        say(code=os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()

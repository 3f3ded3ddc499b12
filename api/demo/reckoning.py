"""The end of the demo: both ends of every stream compared, exports saved and verified.

Owns the figures of the last line. Nothing in it is assumed: what was sent is what officers saw
leave and what the sender counts; what arrived is read from the recipients' own audit exports. What
somebody at a console does meanwhile is counted with its stream and judged like the rest, but only
the story's own statements can be missed: the others may leave while exports are written.
"""

import base64
import json
import subprocess
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from api.demo import agreement, cast
from api.demo.cast import Ministry
from api.demo.door import ActFailedError
from api.demo.home import DemoHome
from api.demo.processes import PATIENCE, comity_command, environment
from api.demo.story.book import Sent
from api.demo.story.stage import Stage
from api.wire.export import layout

AUDITOR = "auditor"
PURPOSE = "end of the Comity demonstration"
_DECIDED = {"statement.applied", "statement.refused"}
_WITNESSING = 30.0


@dataclass(frozen=True, slots=True)
class Reckoning:
    """What came out.

    Attributes:
        nodes: by ministry, its log's size and root and where its export lies.
        threads: every mirror request with its findings and the state digest at both ends.
        recall_answers: what each holder of a recalled package answered, as its originator reads it.
        streams: six entries, one for each ordered pair.
        lost: statements of the story that left and were never decided by their recipient.
        duplicated: decisions beyond the first on one statement of one sender.
        faults: sentences about whatever does not add up; empty if all is well.
    """

    nodes: dict[str, dict[str, Any]]
    threads: list[dict[str, Any]]
    recall_answers: list[dict[str, str]]
    streams: list[dict[str, Any]]
    lost: int
    duplicated: int
    faults: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether everything adds up."""
        return not self.faults


def reckon(stage: Stage, home: DemoHome) -> Reckoning:
    """Wait until every delivery has its disposition, then count and verify.

    Raises:
        ActFailedError: the nodes do not come to rest, or an export is refused.
    """
    streams = _come_to_rest(stage)
    sizes = {one.id: _status(stage, one)["log_size"] for one in cast.MINISTRIES}
    stage.narrator.say("every delivery has its disposition")
    _await_witnesses(stage, sizes)
    with ThreadPoolExecutor(len(cast.MINISTRIES)) as pool:
        faults = list(pool.map(lambda one: _export(stage, home, one), cast.MINISTRIES))
    decided = {one.id: decisions(home.export(one.id)) for one in cast.MINISTRIES}
    lost, duplicated = compare(stage.book.sent, decided)
    threads = agreement.threads(stage)
    return Reckoning(
        {one.id: _node(home, one) for one in cast.MINISTRIES},
        threads,
        stage.book.recall_answers,
        streams,
        lost,
        duplicated,
        [fault for fault in faults if fault]
        + stream_faults(streams, stage.book.sent)
        + agreement.faults(threads, stage.book.threads)
        + ([f"{lost} statements lost"] if lost else [])
        + ([f"{duplicated} statements decided twice"] if duplicated else []),
    )


def compare(sent: Iterable[Sent], decided: dict[str, Counter[tuple[str, str]]]) -> tuple[int, int]:
    """Return how many statements were lost and how many decided more than once.

    Args:
        sent: what left, once for each recipient.
        decided: by recipient, how often it decided on a (sender, statement).
    """
    lost = sum(1 for one in sent if decided[one.recipient][one.sender, one.statement] == 0)
    duplicated = sum(
        times - 1 for counter in decided.values() for times in counter.values() if times > 1
    )
    return lost, duplicated


def stream_faults(streams: Iterable[dict[str, Any]], sent: Sequence[Sent]) -> list[str]:
    """Return a sentence for each stream whose counts differ, or lack a statement of the story."""
    faults = []
    for stream in streams:
        told = sum(
            1 for one in sent if (one.sender, one.recipient) == (stream["from"], stream["to"])
        )
        done = stream["applied"] + stream["refused"]
        if not stream["sent"] == stream["receipted"] == done or stream["sent"] < told:
            faults.append(
                f"{stream['from']} to {stream['to']}: {told} left, {stream['sent']} sent, "
                f"{stream['receipted']} receipted, {done} decided"
            )
    return faults


def decisions(path: Path) -> Counter[tuple[str, str]]:
    """Count, in an audit export, how often each (sender, statement) was decided."""
    found: Counter[tuple[str, str]] = Counter()
    for event in recorded_events(path):
        if event["act"] in _DECIDED:
            found[event["actor"]["sub"], event["object"]["id"]] += 1
    return found


def recorded_events(path: Path) -> Iterator[dict[str, Any]]:
    """Return the events that an audit export discloses (docs/protocol-export.md §3)."""
    with zipfile.ZipFile(path) as container, container.open(layout.ENTRIES) as lines:
        for line in lines:
            text = json.loads(line).get("event")
            if text is not None:
                yield json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def _streams(stage: Stage) -> list[dict[str, Any]]:
    """Ask every node for the counts of its streams to the others."""
    found = []
    for ministry in cast.MINISTRIES:
        peers = stage.officer(ministry, AUDITOR).get("ask for the streams", "/peers")["items"]
        found += [{"from": ministry.id, "to": peer["ministry"], **peer["stream"]} for peer in peers]
    return found


def _come_to_rest(stage: Stage) -> list[dict[str, Any]]:
    """Wait until nothing is under way; returns the streams as they then were.

    Raises:
        ActFailedError: it does not end; the text says what is still missing where.
    """
    streams: list[dict[str, Any]] = []
    open_ends: list[str] = []

    def at_rest() -> bool:
        streams[:] = _streams(stage)
        unsequenced = {one.id: _status(stage, one)["unsequenced"] for one in cast.MINISTRIES}
        open_ends[:] = stream_faults(streams, stage.book.sent) + [
            f"{name} has {count} entries to sequence"
            for name, count in unsequenced.items()
            if count
        ]
        return not open_ends

    act = "dispositions on everything that was sent"
    try:
        stage.until(act, at_rest)
    except ActFailedError as error:
        raise ActFailedError(act, "; ".join([*open_ends, str(error)])) from error
    return streams


def _await_witnesses(stage: Stage, sizes: dict[str, int]) -> None:
    """Give partners time to cosign; a tail that nobody cosigned yet is shown, never a failure.

    An export ends at the newest cosigned head. Every decision on a statement lies before it: the
    message with the disposition was receipted together with its sender's head.
    """
    try:
        stage.until("cosignatures", lambda: _witnessed(stage, sizes), _WITNESSING)
    except ActFailedError:
        stage.narrator.say("the newest entries of a log are not cosigned yet: exports end before")
    else:
        stage.narrator.say("partners have cosigned every log up to here")


def _witnessed(stage: Stage, sizes: dict[str, int]) -> bool:
    """Say whether a partner has cosigned each log up to the given size or beyond."""
    return all(
        max(_status(stage, one)["cosigned"].values()) >= sizes[one.id] for one in cast.MINISTRIES
    )


def _status(stage: Stage, ministry: Ministry) -> dict[str, Any]:
    found: dict[str, Any] = stage.officer(ministry, AUDITOR).get(
        "ask how the node is doing", "/node/status"
    )
    return found


def _export(stage: Stage, home: DemoHome, ministry: Ministry) -> str:
    """Save and verify one ministry's audit export; returns a fault or nothing."""
    auditor, target = stage.officer(ministry, AUDITOR), home.export(ministry.id)
    auditor.download("export the audit log", "/audit/export", target, purpose=PURPOSE)
    stage.tell(auditor, f"exports the audit log to {target.name}")
    verdict = subprocess.run(
        comity_command("verify", str(target), "--membership", str(home.membership)),
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    if verdict.returncode != 0:
        return f"the export of {ministry.id} does not verify: {verdict.stdout}{verdict.stderr}"
    stage.narrator.say(f"comity verify accepts {target.name}")
    return ""


def _node(home: DemoHome, ministry: Ministry) -> dict[str, Any]:
    """Return size and root of the head that a ministry's export is proven against."""
    target = home.export(ministry.id)
    with zipfile.ZipFile(target) as container:
        note = container.read(layout.CHECKPOINT).decode()
    _, size, root, *_ = note.split("\n")
    return {"log_size": int(size), "root": base64.b64decode(root).hex(), "export": str(target)}

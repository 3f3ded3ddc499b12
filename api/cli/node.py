"""``comity node``: an operator's commands on this machine, and a node's state from afar.

Owns the group, the status and the stop switch (over REST, as an officer). Making a node is
``node_init``'s, running it ``node_run``'s.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Annotated, Any

import typer

from api.cli import (
    break_glass,
    node_doctor,
    node_init,
    node_move,
    node_reindex,
    node_run,
    output,
    tongue,
)
from api.cli.commands import command, group
from api.cli.profiles import CliContext

app = group("node", "Make, run and watch a node.")
command(app, "init")(node_init.init)
command(app, "admins")(node_init.admins)
command(app, "move")(node_move.move)
command(app, "serve")(node_run.serve)
command(app, "work")(node_run.work)
command(app, "reindex")(node_reindex.reindex)
command(app, "doctor")(node_doctor.doctor)
app.add_typer(break_glass.app)


class Position(StrEnum):
    """Where the stop switch stands."""

    ON = "on"
    OFF = "off"


@command(app, "status")
def status(context: CliContext) -> None:
    """Show the log, the queues to each partner, and what needs attention.

    Example: comity --profile us-admin node status
    """
    from api.cli.client import connected

    with connected(context) as api:
        found: dict[str, Any] = api.get("/node/status")
    output.result(context, found, status_lines(found))


@command(app, "stop-switch")
def stop_switch(
    context: CliContext,
    position: Annotated[Position, typer.Argument(help="on stops, off resumes.")],
) -> None:
    """Stop, or resume, everything that leaves the node.

    Partners' messages are still received and receipted; nothing is lost.

    Example: comity --profile us-admin node stop-switch on
    """
    from api.cli.client import connected

    with connected(context) as api:
        api.post("/node/stop-switch", {"position": str(position)})
    said = {
        Position.ON: "Stopped: nothing leaves this node.",
        Position.OFF: "Resumed: what waited is being sent.",
    }
    output.result(context, {"stop_switch": str(position)}, [said[position]])


def status_lines(found: dict[str, Any]) -> Iterable[str]:
    yield from output.details(
        {
            "log size": found["log_size"],
            "root": found["root"],
            "unsequenced": found["unsequenced"],
            "witnessed": _witnessed(found["public"]),
            "unwitnessed": _unwitnessed(found["unwitnessed"]),
            "restore": "\n".join(_restore_lines(found["restore"])),
            "stop switch": "ON: nothing leaves" if found["stopped"] else "off",
            "misbehaviour": _misbehaviour(found),
            "membership": "\n".join(_membership_lines(found)),
            "parked": "\n".join(_parked_lines(found.get("parked", {}))) or "nothing",
        }
    )
    peers = sorted({*found["cosigned"], *found["queues"]})
    rows = [_peer_row(found, peer) for peer in peers]
    columns: list[output.Column] = [
        ("PARTNER", "peer"),
        ("COSIGNED", "cosigned"),
        ("WAITING", "waiting"),
        ("UNRECEIPTED", "unreceipted"),
        ("DEAD", "dead"),
        ("MEMBERSHIP", "membership"),
        ("OLDEST", output.at("oldest")),
        ("LAST FAILURE", "failure"),
    ]
    yield ""
    if rows:
        yield from output.table(rows, columns)
    else:
        yield tongue.say("No partners: the membership names this ministry alone.")


def _misbehaviour(found: dict[str, Any]) -> str:
    """Say the alarm so that it is not overlooked, and whose streams stand still."""
    waiting, accused = found["misbehaviour"], ", ".join(found["accused"])
    said = f"ALARM: proofs that await a ruling: {waiting}" if waiting else "none to rule on"
    return f"{said}; frozen: {accused}" if accused else said


def _membership_lines(found: dict[str, Any]) -> Iterator[str]:
    """Say which membership is in use, and raise the alarm over partners that use another one."""
    ours = found["membership"]
    yield f"serial {ours['serial']}"
    for peer, said in sorted(found["memberships"].items()):
        if said["code"] == "peer.insecure":
            yield (
                f"ALARM: {peer} is never called, its address has no https (peer.insecure); "
                "compose a membership with one, or set COMITY_ALLOW_HTTP_PEERS in a rehearsal"
            )
        if said["digest"] not in {None, ours["digest"]}:
            who = "it has to switch" if said["serial"] < ours["serial"] else "compare yours"
            yield f"ALARM: {peer} uses serial {said['serial']}, another membership: {who}"


def _parked_lines(parked: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Say what waits of each partner, for whom, and whether it has waited too long."""
    for peer, waits in sorted(parked.items()):
        if waits["undecidable"]:
            overdue = f", {waits['overdue']} OVERDUE" if waits["overdue"] else ""
            since = output.moment(waits["oldest"])
            yield (
                f"{peer}: {waits['undecidable']} since {since} for an administrator{overdue}; "
                "see 'comity parked list'"
            )
        if waits["others"]:
            yield f"{peer}: {waits['others']} for what comes before them"


def _witnessed(public: dict[str, Any] | None) -> str:
    """Say what partners vouch for: the public head."""
    if public is None:
        return "nothing yet: no head has enough cosignatures"
    return f"{public['size']} leaves, by {', '.join(public['cosigners']) or 'no partner'}"


def _unwitnessed(tail: dict[str, Any]) -> str:
    """Say what is this ministry's word alone, and for how long."""
    events = tail["leaves"] + tail["unsequenced"]
    if not events:
        return "nothing"
    return f"{events} events since {output.moment(tail['since'])} ({tail['seconds']} s)"


def _restore_lines(restore: dict[str, Any]) -> Iterator[str]:
    """Say, while the node is read-only after a restore, whom it waits for and what they hold."""
    if not restore["pending"]:
        return
    yield f"read-only since {output.moment(restore['since'])}; own log {restore['size']} leaves"
    for member, size in sorted(restore["answers"].items()):
        yield f"{member} holds {size} leaves"
    for member in sorted(restore["silent"]):
        proposed = ", a waiver waits for a second administrator"
        yield f"{member} has not answered{proposed if member in restore['proposed'] else ''}"
    for member in sorted(restore["waived"]):
        yield f"{member} was waived"
    if not restore["silent"]:
        yield "run 'comity node recover' on the node's machine"


def _peer_row(found: dict[str, Any], peer: str) -> dict[str, Any]:
    queue = found["queues"].get(peer, {})
    tries = found["attempts"].get(peer) or {}
    failed = f"{tries['code']} ({tries['count']} in a row)" if tries.get("count") else None
    return {
        "peer": peer,
        "cosigned": found["cosigned"].get(peer, 0),
        "waiting": queue.get("waiting", 0),
        "unreceipted": queue.get("unreceipted", 0),
        "dead": queue.get("dead", 0),
        "oldest": found["oldest"].get(peer),
        "membership": _serial(found, peer),
        "failure": failed,
    }


def _serial(found: dict[str, Any], peer: str) -> str | None:
    said = found["memberships"].get(peer)
    if said is None:
        return None
    if said["serial"] is None:
        return str(said["code"])
    same = said["digest"] == found["membership"]["digest"]
    return f"{said['serial']}{'' if same else ' (not ours)'}"

"""What must hold of streams, statements and packages, at one node and between two.

Owns the invariants of PROTOCOL §7 as they show in stored rows; `check_log` owns those of the log
and calls this module.
"""

import hashlib
import json
from collections.abc import Iterable
from itertools import pairwise

from sqlalchemy.engine import RowMapping

from api.wire.envelope import MESSAGE, parse_envelope, verify_seal
from api.wire.keys import Purpose
from api.wire.limits import MESSAGE as MESSAGE_LIMIT
from api.wire.message_bodies import Receipt
from api.wire.messages import parse_message
from tests.support.check_log import Copy, payload_of

DECIDED = {"statement.applied": "applied", "statement.refused": "refused"}


def sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def check_streams(copy: Copy, *, at_rest: bool) -> None:
    """One node's outbox, sending and receiving streams, and inbox are whole in themselves."""
    _check_statements(copy)
    _check_outbox(copy, at_rest=at_rest)
    for (peer,), rows in copy.groups("messages_out", "peer").items():
        stream = copy.index("streams_out", "peer")[peer]
        counted = [row for row in rows if row["state"] != "reissued"]
        _check_chain(copy, f"stream to {peer}", counted, stream)
    for (peer,), rows in copy.groups("messages_in", "peer").items():
        known = copy.index("streams_in", "peer").get(peer)
        passed = [row for row in rows if row["state"] in {"stored", "done"}]
        if known is not None and passed:
            _check_chain(copy, f"stream from {peer}", passed, known)
        copy.require(known is not None or not passed, f"no stream from {peer}")
        if at_rest:
            left = sorted({row["state"] for row in rows} - {"done", "lapsed"})
            copy.require(not left, f"messages from {peer} are {left}")
    _check_inbox(copy)


def _check_statements(copy: Copy) -> None:
    for row in copy.rows["statements"]:
        envelope = bytes(row["envelope"])
        payload = parse_envelope(envelope).payload
        named = (row["id"], row["envelope_digest"])
        copy.require(named == (sha256(payload), sha256(envelope)), f"{row['id']}: other bytes")
        content = payload_of(envelope)
        copy.require(
            (content["type"], content["issuer"]) == (row["type"], row["issuer"]),
            f"{row['id']}: its columns are not what it says",
        )
        own = row["issuer"] == copy.ministry
        copy.require((row["origin"] == "own") is own, f"{row['id']}: origin {row['origin']}")


def _check_outbox(copy: Copy, *, at_rest: bool) -> None:
    """Every issued statement waits or went once to each of its recipients, and nowhere else."""
    withdrawn = {row["id"] for row in copy.rows["releases"] if row["state"] == "withdrawn"}
    wanted = {
        (row["id"], peer)
        for row in copy.rows["statements"]
        if row["origin"] == "own" and row["id"] not in withdrawn
        for peer in payload_of(bytes(row["envelope"])).get("to", [])
    }
    rows = [(row["statement"], row["peer"]) for row in copy.rows["outbox"]]
    copy.require(len(rows) == len(set(rows)), "a statement stands twice in the outbox of a peer")
    for missing in sorted(wanted - set(rows)):
        copy.require(False, f"not in the outbox: {missing}")
    for foreign in sorted(set(rows) - wanted):
        copy.require(False, f"in the outbox without reason: {foreign}")
    messages = copy.index("messages_out", "id")
    for row in copy.rows["outbox"]:
        message = messages.get(row["message"])
        if message is not None:
            copy.require(message["peer"] == row["peer"], "a statement is in another peer's message")
        if at_rest:
            copy.require(message is not None, f"{row['statement']} was never sent")
            state = message["state"] if message is not None else ""
            copy.require(state == "receipted", f"message of {row['statement']} is {state}")


def _check_chain(copy: Copy, name: str, rows: list[RowMapping], stream: RowMapping) -> None:
    """Numbers without gap from 1 in each epoch, each naming the digest before it."""
    ordered = sorted(rows, key=lambda row: (row["epoch"], row["seq"]))
    contents = []
    for row in ordered:
        copy.require(sha256(bytes(row["envelope"])) == row["digest"], f"{name}: other digest")
        content = payload_of(bytes(row["envelope"]))
        columns = (row["id"], row["epoch"], row["seq"])
        told = (content["id"], content["epoch"], content["seq"])
        copy.require(columns == told, f"{name}: columns of {row['id']} differ from its bytes")
        contents.append(content)
    begins = (ordered[0]["epoch"], ordered[0]["seq"]) == (1, 1)
    if ordered[0]["kind"] == "epoch":
        # The first epoch may have ended before anything was stored in it.
        begins = contents[0]["body"] == {"ended": ordered[0]["epoch"] - 1, "seq": 0, "digest": None}
    copy.require(begins, f"{name}: does not begin at 1")
    for (before, after), content in zip(pairwise(ordered), contents[1:], strict=True):
        next_one = after["seq"] == before["seq"] + 1 and after["epoch"] == before["epoch"]
        next_epoch = after["seq"] == 1 and after["epoch"] == before["epoch"] + 1
        copy.require(next_one or next_epoch, f"{name}: gap before {after['epoch']}/{after['seq']}")
        if next_one:
            fits = content.get("prev") == before["digest"]
            copy.require(fits, f"{name}: {after['seq']} does not name the one before")
    last = ordered[-1]
    head = (stream["epoch"], stream["next_seq"], stream["prev"])
    copy.require(head == (last["epoch"], last["seq"] + 1, last["digest"]), f"{name}: other head")


def _check_inbox(copy: Copy) -> None:
    """Each item of a taken message was decided once, with one event and one disposition."""
    decided: dict[tuple[str, str], list[str]] = {}
    for event in copy.rows["events"]:
        if event["act"] in DECIDED:
            message = _json(event)["message"]
            place = (message, event["object_id"])
            decided.setdefault(place, []).append(DECIDED[event["act"]])
    for row in copy.rows["inbox"]:
        place = (row["message"], row["statement"])
        state = "applied" if row["state"] == "applied" else "refused"
        found = state in decided.get(place, [])
        if copy.require(found, f"{row['statement']} from {row['peer']}: {row['state']}, no event"):
            decided[place].remove(state)
    left = sorted(place for place, states in decided.items() if states)
    copy.require(not left, f"decided more often than the inbox knows: {left[:3]}")
    statements = copy.index("statements", "id")
    applied: set[tuple[str, str]] = set()
    for row in copy.rows["inbox"]:
        what = f"{row['statement']} from {row['peer']}"
        if row["state"] == "repeated":
            copy.require(row["disposition"] is None, f"{what}: disposed of twice")
            continue
        disposition = statements.get(row["disposition"])
        if copy.require(disposition is not None, f"{what}: no disposition"):
            assert disposition is not None
            body = payload_of(bytes(disposition["envelope"]))["body"]
            told = [
                (body["message"], one["outcome"], one.get("code"))
                for one in body["outcomes"]
                if one["statement"] == row["statement"]
            ]
            true = [(row["message"], row["state"], row["code"])]
            copy.require(told == true, f"{what}: the disposition says otherwise")
        if row["state"] == "applied":
            copy.require((row["peer"], row["statement"]) not in applied, f"{what}: applied twice")
            applied.add((row["peer"], row["statement"]))
            copy.require(row["statement"] in statements, f"{what}: applied and not stored")
    items = {(row["peer"], row["message"], row["ordinal"]) for row in copy.rows["inbox"]}
    items |= {
        (row["peer"], row["message"], row["ordinal"]) for row in copy.rows["parked_statements"]
    }
    for row in copy.rows["messages_in"]:
        if (row["kind"], row["state"]) == ("deliver", "done"):
            count = len(payload_of(bytes(row["envelope"]))["body"]["items"])
            missing = [n for n in range(count) if (row["peer"], row["id"], n) not in items]
            copy.require(not missing, f"items {missing} of {row['id']} were never decided")


def _json(event: RowMapping) -> dict[str, str]:
    body: dict[str, str] = json.loads(bytes(event["body"]))
    return body


# ---- between two nodes -----------------------------------------------------------------------


def check_between(sender: Copy, recipient: Copy, *, at_rest: bool) -> None:
    """What one node sent is what the other stored, decided and said that it did."""
    _check_messages(sender, recipient)
    _check_deliveries(sender, recipient, at_rest=at_rest)
    if at_rest:
        _check_holders(sender, recipient)


def _check_messages(sender: Copy, recipient: Copy) -> None:
    sent = sender.index("messages_out", "id")
    for row in recipient.rows["messages_in"]:
        if row["peer"] != sender.ministry:
            continue
        original = sent.get(row["id"])
        if recipient.require(original is not None, f"{row['id']}: never sent"):
            assert original is not None
            same = bytes(original["envelope"]) == bytes(row["envelope"])
            recipient.require(same, f"{row['id']}: other bytes than were sent")
    stored = {
        row["id"]: row for row in recipient.rows["messages_in"] if row["peer"] == sender.ministry
    }
    for row in sender.rows["messages_out"]:
        if row["peer"] != recipient.ministry or row["receipt"] is None:
            continue
        there = stored.get(row["id"])
        if sender.require(there is not None, f"{row['id']}: receipted and not there"):
            assert there is not None
            same = bytes(there["receipt"]) == bytes(row["receipt"])
            sender.require(same, f"{row['id']}: another receipt than was given")
        _check_receipt(sender, recipient.ministry, row)


def _check_receipt(sender: Copy, peer: str, row: RowMapping) -> None:
    """Signed by the recipient, about exactly this message; its cosignature is stored."""
    envelope, body = parse_message(bytes(row["receipt"]))
    verify_seal(envelope, sender.membership.keys(peer, Purpose.MESSAGE), MESSAGE)
    receipt = Receipt.from_json(body.body)
    told = (receipt.message, receipt.epoch, receipt.seq, receipt.digest)
    true = (row["id"], row["epoch"], row["seq"], row["digest"])
    sender.require(told == true, f"the receipt of {row['id']} is about another message")
    delivered = parse_envelope(bytes(row["envelope"]), limit=MESSAGE_LIMIT)
    sender.require(delivered.digest == row["digest"], f"{row['id']}: other digest")
    if receipt.cosignature is not None:
        kept = [
            line["line"]
            for line in sender.rows["cosignatures"]
            if (line["size"], line["cosigner"]) == (receipt.cosignature.size, peer)
        ]
        # A head may be cosigned again under a later message; the first cosignature is kept.
        count = len(receipt.cosignature.lines)
        sender.require(len(kept) == count, f"{row['id']}: lost cosignature")


def _check_deliveries(sender: Copy, recipient: Copy, *, at_rest: bool) -> None:
    """Every delivered statement has one inbox row there and, at rest, one disposition here."""
    there: dict[str, list[RowMapping]] = {}
    for row in recipient.rows["inbox"]:
        if row["peer"] == sender.ministry and row["state"] != "repeated":
            there.setdefault(row["statement"], []).append(row)
    waiting = {row["statement"] for row in recipient.rows["parked_statements"]}
    here = sender.groups("dispositions", "peer", "statement")
    receipted = {row["id"] for row in sender.rows["messages_out"] if row["receipt"] is not None}
    for row in sender.rows["outbox"]:
        if (row["peer"], row["kind"]) != (recipient.ministry, "deliver"):
            continue
        decided = there.pop(row["statement"], [])
        told = here.get((recipient.ministry, row["statement"]), [])
        sender.require(len(decided) <= 1, f"{row['statement']}: decided {len(decided)} times")
        if row["message"] not in receipted or row["statement"] in waiting:
            continue
        if at_rest:
            sender.require(len(decided) == 1, f"{row['statement']}: receipted and never decided")
            sender.require(len(told) == 1, f"{row['statement']}: {len(told)} dispositions")
        for one, other in zip(told, decided, strict=False):
            said = (one["disposition"], one["outcome"], one["code"])
            did = (other["disposition"], other["state"], other["code"])
            sender.require(said == did, f"{row['statement']}: noted {said}, there it is {did}")
    recipient.require(not there, f"decided and never sent: {sorted(there)[:3]}")
    _check_same_envelopes(sender, recipient)


def _check_same_envelopes(one: Copy, other: Copy) -> None:
    """A statement has the same bytes wherever it is."""
    known = other.index("statements", "id")
    for row in one.rows["statements"]:
        copy = known.get(row["id"])
        if copy is not None and one.ministry < other.ministry:
            same = bytes(copy["envelope"]) == bytes(row["envelope"])
            one.require(same, f"{row['id']}: another envelope at {other.ministry}")


def _check_holders(owner: Copy, holder: Copy) -> None:
    """What the owner believes of a holder's copy is what the holder has."""
    packages = holder.index("packages", "id")
    exhibits = holder.index("exhibits", "digest")
    outcomes = {
        row["statement"]: row["outcome"]
        for row in owner.rows["dispositions"]
        if row["peer"] == holder.ministry
    }
    for row in owner.rows["holders"]:
        if row["ministry"] != holder.ministry or row["state"] in {"consented", "perhaps-received"}:
            continue
        what = f"{row['package']} at {holder.ministry}"
        owner.require(row["state"] == outcomes.get(row["release"]), f"{what}: {row['state']}")
        package = packages.get(row["package"])
        if row["state"] == "applied":
            owner.require(package is not None, f"{what}: applied and not there")
        if row["recall"] is None:
            continue
        owner.require(row["recall_outcome"] == outcomes.get(row["recall"]), f"{what}: recall")
        if row["recall_outcome"] == "applied" and package is not None:
            owner.require(package["state"] == "recalled", f"{what}: recalled and in use")
    active = {row["package"] for row in _active_releases(holder)}
    for row in holder.rows["package_exhibits"]:
        package = packages[row["package"]]
        if row["package"] in active and package["state"] == "received":
            state = (row["arrival"], exhibits[row["digest"]]["state"])
            holder.require(state == ("came", "held"), f"exhibit {row['digest']} is {state}")
    for row in owner.rows["holders"]:
        if (row["ministry"], row["state"]) == (holder.ministry, "applied") and not row["recall"]:
            what = f"{row['package']} at {holder.ministry}"
            owner.require(row["held"] is not None, f"{what}: its exhibits came, and nobody said so")


def _active_releases(holder: Copy) -> Iterable[RowMapping]:
    return (
        row
        for row in holder.rows["releases"]
        if (row["recipient"], row["state"]) == (holder.ministry, "active")
    )

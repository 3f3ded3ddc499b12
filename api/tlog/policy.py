"""C2SP tlog-policy: which logs are known and which cosignatures make a head good enough.

Owns the policy text and its evaluation. That a ministry's own witness never counts for its own
log is expressed by leaving it out of the text (`witness_policy`).

Source: C2SP tlog-policy (untagged draft of July 2026).
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from api.tlog.checkpoint import decode_decimal
from api.tlog.errors import LogError
from api.tlog.heads import OpenedCheckpoint, open_checkpoint
from api.tlog.note import KeyKind, VerifierKey, parse_vkey

MAX_POLICY = 1 << 20
NONE = "none"

_KIND_LABELS = {
    KeyKind.ED25519: "ed25519",
    KeyKind.COSIGNATURE_ED25519: "ed25519",
    KeyKind.COSIGNATURE_ML_DSA_44: "ml-dsa-44",
}

_BLANK = re.compile(r"[ \t]+")
_FORBIDDEN = re.compile(r"[^\t -~\u0080-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Group:
    """Members (witness or group names) of which `threshold` must have cosigned."""

    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """A parsed policy.

    Attributes:
        logs: Keys of acceptable logs; one log may have several keys of different kinds.
        witnesses: Keys by the name they have inside the policy.
        groups: Groups by name, each after its members.
        quorum: Name of a witness or group, or ``none``.
        urls: Address given for a vkey text, where one was.
    """

    logs: tuple[VerifierKey, ...]
    witnesses: Mapping[str, VerifierKey]
    groups: Mapping[str, Group]
    quorum: str
    urls: Mapping[str, str]

    def satisfied_by(self, cosigned: Collection[VerifierKey]) -> bool:
        """Whether these keys, each having cosigned the same head, reach the quorum."""
        keys = set(cosigned)
        reached = {name: key in keys for name, key in self.witnesses.items()}
        reached[NONE] = True
        for name, group in self.groups.items():
            reached[name] = sum(reached[member] for member in group.members) >= group.threshold
        return reached[self.quorum]

    def open(self, data: bytes, *, strict: bool = False) -> OpenedCheckpoint:
        """Open a checkpoint by a known log and require the quorum.

        A cosignature with timestamp 0 makes no claim to be of the largest tree seen and does not
        count.

        Raises:
            LogError: ``policy.quorum``, or a code of `open_checkpoint`.
        """
        opened = open_checkpoint(data, self.logs, list(self.witnesses.values()), strict=strict)
        if not self.satisfied_by(timed_cosigners(opened)):
            raise LogError("policy.quorum", "the cosignatures do not reach the policy's quorum")
        return opened


def timed_cosigners(opened: OpenedCheckpoint) -> list[VerifierKey]:
    """Keys whose verified cosignature claims a time, and so the largest tree seen."""
    return [signed.key for signed in opened.cosignatures if signed.timestamp]


class _Reader:
    """Collects the lines of a policy in order."""

    def __init__(self) -> None:
        self.logs: list[VerifierKey] = []
        self.witnesses: dict[str, VerifierKey] = {}
        self.groups: dict[str, Group] = {}
        self.urls: dict[str, str] = {}
        self.quorum: str | None = None
        self._members: set[str] = set()

    def line(self, words: Sequence[str]) -> None:
        """Take one line that is neither empty nor a comment."""
        match words:
            case ["log", vkey, *url] if len(url) <= 1:
                self._log(vkey, url)
            case ["witness", name, vkey, *url] if len(url) <= 1:
                self._witness(name, vkey, url)
            case ["group", name, threshold, *members] if members:
                self._group(name, threshold, members)
            case ["quorum", name]:
                self._quorum(name)
            case _:
                raise LogError("policy.line", "a line is neither log, witness, group nor quorum")

    def _log(self, vkey: str, url: Sequence[str]) -> None:
        key = parse_vkey(vkey)
        self._unique(key, self.logs)
        self.logs.append(key)
        self._remember(vkey, url)

    def _witness(self, name: str, vkey: str, url: Sequence[str]) -> None:
        key = parse_vkey(vkey)
        if not key.kind.timestamped:
            raise LogError("policy.witness-key", "a witness needs a cosignature key")
        self._unique(key, self.witnesses.values())
        self._define(name)
        self.witnesses[name] = key
        self._remember(vkey, url)

    def _group(self, name: str, threshold: str, members: Sequence[str]) -> None:
        for member in members:
            self._known(member)
            if member in self._members:
                raise LogError("policy.member", "a name is a member of one group, once")
            self._members.add(member)
        words = {"any": 1, "all": len(members)}
        needed = words.get(threshold)
        if needed is None:
            needed = decode_decimal(threshold, "policy.threshold")
        if not 1 <= needed <= len(members):
            raise LogError("policy.threshold", "a threshold lies between 1 and the member count")
        self._define(name)
        self.groups[name] = Group(needed, tuple(members))

    def _quorum(self, name: str) -> None:
        if self.quorum is not None:
            raise LogError("policy.quorum-line", "a policy has exactly one quorum line")
        if name != NONE:
            self._known(name)
        self.quorum = name

    def _define(self, name: str) -> None:
        if name == NONE or name in self.witnesses or name in self.groups:
            raise LogError("policy.name", "a name is defined once, and never as none")

    def _known(self, name: str) -> None:
        if name not in self.witnesses and name not in self.groups:
            raise LogError("policy.name", "a name is used before it is defined")

    def _unique(self, key: VerifierKey, others: Iterable[VerifierKey]) -> None:
        if any(key.public == other.public for other in others):
            raise LogError("policy.duplicate-key", "a public key is listed twice")

    def _remember(self, vkey: str, url: Sequence[str]) -> None:
        if url:
            self.urls[vkey] = url[0]

    def finish(self) -> Policy:
        """The policy, once every line is read."""
        if self.quorum is None:
            raise LogError("policy.quorum-line", "a policy has exactly one quorum line")
        if {key.public for key in self.logs} & {key.public for key in self.witnesses.values()}:
            raise LogError("policy.duplicate-key", "a log's key is never a witness of a policy")
        return Policy(tuple(self.logs), self.witnesses, self.groups, self.quorum, self.urls)


def parse_policy(data: bytes) -> Policy:
    """Read a policy.

    Raises:
        LogError: ``policy.too-large``, ``policy.characters``, ``policy.line``, ``policy.name``,
            ``policy.member``, ``policy.threshold``, ``policy.duplicate-key``,
            ``policy.witness-key``, ``policy.quorum-line`` or ``note.vkey``.
    """
    if len(data) > MAX_POLICY:
        raise LogError("policy.too-large", "a policy has at most 1 MiB")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise LogError("policy.characters", "a policy is UTF-8") from problem
    lines = text.split("\n")
    if lines.pop():
        raise LogError("policy.line", "every line ends in a newline")
    reader = _Reader()
    for line in lines:
        if _FORBIDDEN.search(line):
            raise LogError("policy.characters", "only tab and newline are allowed as controls")
        words = _BLANK.split(line.strip(" \t"))
        if words[0] and not words[0].startswith("#"):
            reader.line(words)
    return reader.finish()


def witness_policy(
    logs: Sequence[VerifierKey], witnesses: Iterable[tuple[str, VerifierKey]], threshold: int
) -> str:
    """Text of a policy: these logs, and `threshold` of the named members as witnesses.

    A member counts once, and only when it has cosigned with each kind of key that it has; of
    several keys of one kind (a retired one and its successor) any will do. Leave out the member
    whose log it is: its own witness never counts. The text depends on nothing but the
    arguments, so that a verifier can derive it again and compare.

    Args:
        logs: Keys of the log.
        witnesses: Pairs of member name and witness key, a name once per key.
        threshold: How many members must have cosigned; 0 writes ``quorum none``.

    Raises:
        LogError: a code of `parse_policy` when the result would not parse, for example
            ``policy.threshold`` when more members are asked for than there are.
    """
    members: dict[str, dict[str, list[VerifierKey]]] = {}
    for member, key in witnesses:
        kinds = members.setdefault(member, {})
        kinds.setdefault(_KIND_LABELS[key.kind], []).append(key)
    lines = [f"log {key.format()}" for key in logs]
    for member, kinds in members.items():
        for label, keys in kinds.items():
            names = [f"{member}/{label}/{key.key_id.hex()}" for key in keys]
            lines += [
                f"witness {name} {key.format()}" for name, key in zip(names, keys, strict=True)
            ]
            lines.append(f"group {member}/{label} any {' '.join(names)}")
        lines.append(f"group {member} all {' '.join(f'{member}/{label}' for label in kinds)}")
    if threshold:
        lines.append(f"group partners {threshold} {' '.join(members)}")
    lines.append("quorum partners" if threshold else f"quorum {NONE}")
    text = "".join(f"{line}\n" for line in lines)
    parse_policy(text.encode())
    return text

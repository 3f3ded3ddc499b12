"""The must-fail corpus for proof verification, rebuilt from its rules.

The rules (which bases, which corruptions, which verdicts) are those of the public test data of
transparency-dev/merkle at commit 417fb0c. The bases are computed here, by the recursive
definitions of RFC 6962 section 2.1, and share no code with the package under test. Five of the
published subtree-consistency cases are repetitions of others; variants stand in their places.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256

from tests.tlog.vectors import LEAVES

WRAP = 2**64
EMPTY = sha256(b"").digest()
STRANGER = bytes.fromhex("abacaba000000000000000000000000000000000000000000060061e00123456")
CARELESS_1, CARELESS_2 = b"don't care 1", b"don't care 2"


def _parent(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def _leaf(data: bytes) -> bytes:
    return sha256(b"\x00" + data).digest()


def _below(count: int) -> int:
    power = 1
    while power * 2 < count:
        power *= 2
    return power


def tree_hash(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1."""
    if len(leaves) == 1:
        return _leaf(leaves[0])
    cut = _below(len(leaves))
    return _parent(tree_hash(leaves[:cut]), tree_hash(leaves[cut:]))


def audit_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962 section 2.1.1."""
    if len(leaves) == 1:
        return []
    cut = _below(len(leaves))
    if index < cut:
        return [*audit_path(index, leaves[:cut]), tree_hash(leaves[cut:])]
    return [*audit_path(index - cut, leaves[cut:]), tree_hash(leaves[:cut])]


def sub_proof(old: int, leaves: list[bytes], *, known: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 6962 section 2.1.2."""
    if old == len(leaves):
        return [] if known else [tree_hash(leaves)]
    cut = _below(len(leaves))
    if old <= cut:
        return [*sub_proof(old, leaves[:cut], known=known), tree_hash(leaves[cut:])]
    return [*sub_proof(old - cut, leaves[cut:], known=False), tree_hash(leaves[:cut])]


@dataclass(frozen=True)
class Inclusion:
    """A leaf in the tree or subtree [start, end)."""

    name: str
    index: int
    start: int
    end: int
    leaf: bytes
    root: bytes
    proof: tuple[bytes, ...]
    accept: bool = False


@dataclass(frozen=True)
class Consistency:
    """A subtree [start, end), 0-based for plain consistency, in a tree of `size`."""

    name: str
    start: int
    end: int
    size: int
    old_root: bytes
    root: bytes
    proof: tuple[bytes, ...]
    accept: bool = False


def _flip(proof: tuple[bytes, ...], at: int, bit: int) -> tuple[bytes, ...]:
    changed = bytes([proof[at][0] ^ bit]) + proof[at][1:]
    return (*proof[:at], changed, *proof[at + 1 :])


def _garbage(proof: tuple[bytes, ...], **hashes: bytes) -> Iterator[tuple[str, tuple[bytes, ...]]]:
    for name, junk in {"garbage": b"", **hashes}.items():
        yield f"trailing {name}", (*proof, junk)
        yield f"preceding {name}", (junk, *proof)


def _spoilt_inclusion(good: Inclusion) -> Iterator[Inclusion]:
    def bad(name: str, **changes: object) -> Inclusion:
        return replace(good, name=f"{good.name}: {name}", accept=False, **changes)

    proof = good.proof
    yield bad("index - 1", index=(good.index - 1) % WRAP)
    yield bad("index + 1", index=good.index + 1)
    yield bad("index xor 2", index=good.index ^ 2)
    yield bad("size * 2", end=good.end * 2)
    yield bad("size / 2", end=good.end // 2)
    yield bad("wrong leaf", leaf=b"WrongLeaf")
    yield bad("empty root", root=EMPTY)
    yield bad("random root", root=STRANGER)
    for name, spoilt in _garbage(proof, root=good.root):
        yield bad(name, proof=spoilt)
    for at in range(len(proof)):
        yield bad(f"bit of hash {at}", proof=_flip(proof, at, 8))
    if proof:
        yield bad("hash removed", proof=proof[:-1])
    if len(proof) > 1:
        yield bad("hash inserted", proof=(proof[0], STRANGER, *proof[1:]))


def inclusion_cases() -> Iterator[Inclusion]:
    """98 cases, 6 to accept."""
    for index, size in ((0, 1), (0, 8), (5, 8), (2, 3), (1, 5)):
        leaves = LEAVES[:size]
        proof = tuple(audit_path(index, leaves))
        name = f"{index} in {size}"
        good = Inclusion(
            name, index, 0, size, _leaf(LEAVES[index]), tree_hash(leaves), proof, accept=True
        )
        yield good
        yield from _spoilt_inclusion(good)
    for index, size in ((0, 0), (0, 1), (1, 0), (2, 1)):
        name = f"degenerate {index} in {size}"
        yield Inclusion(f"{name}: random leaf", index, 0, size, STRANGER, b"", ())
        yield Inclusion(f"{name}: empty root", index, 0, size, b"", EMPTY, ())
        yield Inclusion(f"{name}: both", index, 0, size, STRANGER, EMPTY, ())
    only = _leaf(b"data")
    for leaf in (only, b""):
        for root in (only, b""):
            yield Inclusion(
                f"single: {leaf.hex()[:4]}/{root.hex()[:4]}",
                *(0, 0, 1, leaf, root, ()),
                accept=leaf == root == only,
            )


def _shifted(case: Inclusion) -> Inclusion:
    """The same subtree one span to the right; numbers that would leave 64 bits stay."""
    span = 1
    while span < case.end:
        span *= 2

    def move(number: int) -> int:
        return number + span if number + span < WRAP else number

    return replace(
        case,
        name=f"{case.name} (shifted)",
        index=move(case.index),
        start=move(case.start),
        end=move(case.end),
    )


def subtree_inclusion_cases() -> Iterator[Inclusion]:
    """204 cases, 12 to accept: each inclusion case at 0 and shifted, and eight bad ranges."""
    for case in inclusion_cases():
        yield case
        yield _shifted(case)
    for index, start, end in (
        (0, 0, 0),
        (0, 1, 1),
        (3, 3, 5),
        (1, 1, 2**63 + 2),
        (0, 1, 2),
        (3, 0, 2),
        (3, 0, 3),
        (0, 2, 1),
    ):
        name = f"range {index} in [{start}, {end})"
        yield Inclusion(name, index, start, end, _leaf(LEAVES[0]), EMPTY, ())


def _spoilt_consistency(good: Consistency) -> Iterator[Consistency]:
    def bad(name: str, **changes: object) -> Consistency:
        return replace(good, name=f"{good.name}: {name}", accept=False, **changes)

    proof = good.proof
    yield bad("old - 1", end=good.end - 1)
    yield bad("old + 1", end=good.end + 1)
    yield bad("old xor 2", end=good.end ^ 2)
    yield bad("new * 2", size=good.size * 2)
    yield bad("new / 2", size=good.size // 2)
    yield bad("wrong old root", old_root=b"WrongRoot")
    yield bad("wrong new root", root=b"WrongRoot")
    yield bad("swapped roots", old_root=good.root, root=good.old_root)
    yield bad("empty proof", proof=())
    for name, spoilt in _garbage(proof, root1=good.old_root, root2=good.root):
        yield bad(name, proof=spoilt)
    yield bad("first hash twice", proof=(proof[0], *proof))
    yield bad("hash removed", proof=proof[:-1])
    for at in range(len(proof)):
        yield bad(f"bit of hash {at}", proof=_flip(proof, at, 16))


def _consistency_bases() -> Iterator[Consistency]:
    for old, new in ((1, 1), (1, 8), (6, 8), (2, 5), (6, 7)):
        proof = tuple(sub_proof(old, LEAVES[:new]))
        roots = tree_hash(LEAVES[:old]), tree_hash(LEAVES[:new])
        yield Consistency(f"{old} to {new}", 0, old, new, *roots, proof, accept=True)


def _fixed(rows: tuple[tuple[object, ...], ...]) -> Iterator[Consistency]:
    for number, row in enumerate(rows):
        yield Consistency(f"fixed {number}", *row)


def consistency_cases() -> Iterator[Consistency]:
    """98 cases, 6 to accept."""
    for base in _consistency_bases():
        yield base
        if base.proof:
            yield from _spoilt_consistency(base)
    a, b, e = CARELESS_1, CARELESS_2, EMPTY
    yield from _fixed(
        (
            (0, 0, 0, a, b, ()),
            (0, 1, 1, a, b, ()),
            (0, 0, 0, a, a, ()),
            (0, 0, 1, a, b, ()),
            (0, 1, 1, b, b, (), True),
            (0, 1, 0, a, b, ()),
            (0, 2, 1, a, b, ()),
            (0, 1, 2, a, b, ()),
            (0, 0, 0, e, b, ()),
            (0, 1, 1, e, b, ()),
            (0, 0, 0, e, e, (e,)),
            (0, 1, 1, e, e, (e,)),
            (0, 0, 1, e, b, ()),
            (0, 0, 1, e, e, (e,)),
        )
    )


def subtree_consistency_cases() -> Iterator[Consistency]:
    """118 cases, 12 to accept. An empty subtree needs the empty root and nothing else."""
    for base in _consistency_bases():
        yield base
        if base.proof:
            yield replace(
                base, name=f"{base.name}: bad range", start=1, end=15, size=15, accept=False
            )
            yield from _spoilt_consistency(base)
    a, b, e = CARELESS_1, CARELESS_2, EMPTY
    yield from _fixed(
        (
            (0, 0, 0, a, b, ()),
            (0, 1, 1, a, b, ()),
            (0, 0, 1, a, b, ()),
            (0, 1, 1, b, b, (), True),
            (0, 0, 0, e, e, (), True),
            (0, 0, 0, e, a, (), True),
            (0, 0, 0, e, e, (e,)),
            (0, 0, 0, a, a, ()),
            (1, 1, 1, e, e, (), True),
            (1, 1, 1, e, a, (), True),
            (1, 1, 1, e, e, (e,)),
            (1, 1, 1, a, a, ()),
            (1, 1, 2, e, e, (), True),
            (1, 1, 2, e, b, (), True),
            (1, 1, 2, e, e, (e,)),
            (1, 1, 2, a, a, ()),
            (1, 15, 15, a, b, ()),
            (1, 3, 8, a, b, ()),
            (2, 5, 8, a, b, ()),
            (2, 6, 8, a, b, ()),
            (0, 1, 0, a, b, ()),
            (0, 2, 1, a, b, ()),
            (0, 1, 2, a, b, ()),
            (0, 1, 2, b, a, ()),
            (0, 1, 1, e, b, ()),
            (0, 1, 1, e, a, ()),
            (0, 0, 0, e, e, (e, e)),
            (0, 1, 1, e, e, (e,)),
            (0, 0, 1, e, e, (e,)),
            (0, 0, 2, a, b, ()),
        )
    )


FAMILIES: dict[str, tuple[Callable[[], Iterator[Inclusion | Consistency]], int, int]] = {
    "inclusion": (inclusion_cases, 92, 6),
    "consistency": (consistency_cases, 92, 6),
    "subtree inclusion": (subtree_inclusion_cases, 192, 12),
    "subtree consistency": (subtree_consistency_cases, 106, 12),
}

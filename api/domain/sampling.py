"""Drawing a sample of a log so that anyone with the same log draws the same one.

Owns the rule. The root of a witnessed head goes into the draw, so that nobody could know when the
entries were written which of them would be looked at; the auditor's own seed goes into it too.
"""

import heapq
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

_PREFIX: Final = b"comity/sample/v1\n"
_INDEX_BYTES: Final = 8


def draw(root: bytes, seed: str, candidates: Iterable[int], count: int) -> list[int]:
    r"""Return ``count`` of the candidates (all if there are fewer), in order.

    The candidates with the smallest ``SHA-256("comity/sample/v1\n" ‖ root ‖ SHA-256(seed) ‖
    index)`` are taken, ``index`` as eight bytes, big endian.

    Args:
        root: root of the head the sample is drawn from, 32 bytes.
        seed: text chosen by the auditor.
        candidates: leaf indexes.
        count: how many to draw.
    """
    start = sha256(_PREFIX + root + sha256(seed.encode()).digest())

    def rank(index: int) -> bytes:
        state = start.copy()
        state.update(index.to_bytes(_INDEX_BYTES, "big"))
        return state.digest()

    return sorted(heapq.nsmallest(count, candidates, key=rank))

"""Changes in JSON values: one or two places, replaced, taken out, doubled or moved."""

import copy
import random
from collections.abc import Iterator
from typing import Any, Final

STRANGE: Final[tuple[Any, ...]] = (
    None,
    True,
    0,
    -1,
    2**53 - 1,
    "",
    "..",
    "../../etc",
    "\u0000",
    "\u202e",
    "é" * 300,
    "us-treasury",
    "ca-gac",
    "sha256:" + "9" * 64,
    "2026-11-23T12:00:00.000Z",
    "9999-12-31T23:59:59.999Z",
    [],
    ["x"] * 70,
    {},
    {"x": {"x": {"x": 1}}},
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place inside a JSON value, outermost first."""
    inner: dict[Any, Any] = value if isinstance(value, dict) else {}
    if isinstance(value, list):
        inner = dict(enumerate(value))
    for key, part in inner.items():
        yield (*path, key)
        yield from places(part, (*path, key))


def mutated(rng: random.Random, value: Any) -> tuple[Any, list[tuple[Any, ...]]]:
    """A copy of a JSON object with one or two places changed, and which."""
    changed, where = copy.deepcopy(value), []
    for _ in range(rng.choice((1, 1, 2))):
        every = list(places(changed))
        if not every:
            break
        path = rng.choice(every)
        _change(rng, changed, path, every)
        where.append(path)
    return changed, where


def _change(rng: random.Random, value: Any, path: tuple[Any, ...], every: list[Any]) -> None:
    target = value
    for key in path[:-1]:
        target = target[key]
    last = path[-1]
    how = rng.randrange(4)
    if how == 0:
        del target[last]
    elif how == 1 and isinstance(target, dict):
        target[f"{last}x"] = target[last]
    elif how == 2:
        target[last] = copy.deepcopy(_at(value, rng.choice(every)))
    else:
        target[last] = copy.deepcopy(rng.choice(STRANGE))


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value

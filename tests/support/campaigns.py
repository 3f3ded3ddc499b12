"""Two lengths of the suite: campaigns are left out of a short run, and a sample of each stays in it.

    @campaign("test_a_sample_of_them")                   # a whole test, and the one that stays for it
    @pytest.mark.parametrize("seed", [1, *long(2, 3)])   # some of a test's parameters

``make test`` is short and says what it left; ``make test WHOLE=1``, and tests that are named, are whole;
`.ci/run` is short but for the files that it keeps. A campaign without a sample fails a run: a change that
breaks a promise is noticed by all.
"""

import os
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
LEAVES = "COMITY_LEAVE_CAMPAIGNS"
"""Set by `tests.run` for a short run."""

KEEPS = "COMITY_KEEP_CAMPAIGNS"
"""Files, by commas, of which a short run leaves nothing; ``1/4`` is the second quarter of the others."""

SECONDS = ROOT / "tests" / "seconds.toml"
"""What each file took in an earlier run."""


def campaign(*sample: str) -> pytest.MarkDecorator:
    """Mark a test as long by nature.

    Args:
        sample: what a short run keeps, a test of its file or ``file::test``; the same test with
            other parameters where none is named.
    """
    return pytest.mark.campaign(*sample)


def long(*values: Any) -> list[Any]:
    """Parameters of a test that only a whole run tries; others of the same test stay."""
    return [pytest.param(value, marks=campaign()) for value in values]


def first(count: int, rows: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Rows of parameters: so many of them stay in a short run."""
    return [*rows[:count], *(pytest.param(*row, marks=campaign()) for row in rows[count:])]


def short(file: str = "") -> bool:
    """Whether this run leaves campaigns, those of a test's file (``__file__``) included."""
    return bool(os.environ.get(LEAVES)) and not (file and _keeps(_path(file)))


def seconds() -> dict[str, float]:
    """What each file took, by its path from the repository's root; the longest first."""
    return tomllib.loads(SECONDS.read_text("utf-8"))["seconds"] if SECONDS.exists() else {}


def _path(file: str) -> str:
    return Path(os.path.relpath(ROOT / file, ROOT)).as_posix()


def _keeps(path: str) -> bool:
    words = [word for word in os.environ.get(KEEPS, "").split(",") if word]
    return path in words or any(_in_turn(word, path, words) for word in words)


def _in_turn(word: str, path: str, named: list[str]) -> bool:
    """Tell whether a file is of a share; from the longest on, each goes to the share with least yet."""
    number, _, of = word.partition("/")
    if not number.isdigit():
        return False
    taken = [0.0] * int(of)
    for file, its in seconds().items():
        least = taken.index(min(taken))
        if file == path:
            return least == int(number)
        if file not in named:
            taken[least] += its
    return taken.index(min(taken)) == int(number)


def left_out(items: list[pytest.Item]) -> tuple[list[pytest.Item], list[str]]:
    """Take campaigns out of a short run; nothing out of any other run.

    Returns:
        What was taken, and the names of campaigns of which nothing stays: a fault of the suite.
    """
    if not short():
        return [], []
    left = [item for item in items if _leaves(item)]
    items[:] = [item for item in items if not _leaves(item)]
    kept = {_name(item) for item in items}
    alone = {_name(item) for item in left if not _sampled(item, kept)}
    return left, sorted(alone)


def _leaves(item: pytest.Item) -> bool:
    file = item.nodeid.partition("::")[0]
    return item.get_closest_marker("campaign") is not None and short(file)


def _sampled(item: pytest.Item, kept: set[str]) -> bool:
    mark = item.get_closest_marker("campaign")
    assert mark is not None
    file, _, test = _name(item).partition("::")
    sample = mark.args[0] if mark.args else test
    elsewhere, _, name = sample.rpartition("::")
    if elsewhere:
        # That file may not have been gathered.
        return f"def {name}(" in (ROOT / elsewhere).read_text("utf-8")
    return f"{file}::{sample}" in kept


def _name(item: pytest.Item) -> str:
    """The test's name without its parameters."""
    return item.nodeid.split("[", 1)[0]

"""Two lengths of the suite: campaigns are left out of a short run, and a sample of each stays in it.

    @campaign("test_a_sample_of_them")                   # a whole test, and the one that stays for it
    @pytest.mark.parametrize("seed", [1, *long(2, 3)])   # some of a test's parameters

``make test`` is short and says what it left; ``make test WHOLE=1``, and tests that are named, are whole. A
campaign without a sample stops a run: a change that breaks a promise is noticed by both.
"""

import os
from collections.abc import Sequence
from typing import Any

import pytest

LEAVES = "COMITY_LEAVE_CAMPAIGNS"
"""Set by `tests.run` for a short run."""


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


def short() -> bool:
    """Whether this run leaves campaigns."""
    return bool(os.environ.get(LEAVES))


def left_out(items: list[pytest.Item]) -> list[pytest.Item]:
    """Take campaigns out of a short run and return them; nothing from any other run.

    Raises:
        UsageError: nothing of a campaign would stay.
    """
    if not short():
        return []
    left = [item for item in items if item.get_closest_marker("campaign")]
    kept = [item for item in items if not item.get_closest_marker("campaign")]
    alone = sorted({_name(item) for item in left if not _sampled(item, kept)})
    if alone:
        raise pytest.UsageError(f"campaigns without a sample that stays: {', '.join(alone)}")
    items[:] = kept
    return left


def _sampled(item: pytest.Item, kept: Sequence[pytest.Item]) -> bool:
    mark = item.get_closest_marker("campaign")
    assert mark is not None
    file, _, test = _name(item).partition("::")
    sample = mark.args[0] if mark.args else test
    wanted = sample if "::" in sample else f"{file}::{sample}"
    return wanted in {_name(each) for each in kept}


def _name(item: pytest.Item) -> str:
    """The test's name without its parameters."""
    return item.nodeid.split("[", 1)[0]

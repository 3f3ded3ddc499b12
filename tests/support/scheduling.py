"""Which tests start first, and on which worker: whole files, the longest first.

The seconds of a file are those of an earlier run, kept in `tests/seconds.toml`; they order work
and decide nothing else. ``COMITY_WEIGH=1 make test WHOLE=1`` writes them anew.
"""

import os
from collections import Counter

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.support import campaigns

LEAST = 2.0
"""Files below this are not kept: any order serves them."""

NEW = 5.0
"""What a file with real processes counts that nobody has weighed yet."""

# Files whose tests share what takes long to make: one worker runs them.
TOGETHER = {
    "tests/demo/test_demo_law.py": "tests/demo/test_demo.py",
    "tests/demo/test_demo_oracles.py": "tests/demo/test_demo.py",
    "tests/docs/test_answers.py": "tests/demo/test_demo.py",
    "tests/docs/test_readme.py": "tests/demo/test_demo.py",
}


def scope_of(nodeid: str) -> str:
    """The file that a test belongs to, or the one that its file stays together with."""
    file = nodeid.split("::", 1)[0]
    return TOGETHER.get(file, file)


class FileByFile(LoadScopeScheduling):
    """The tests of one file run in one process, in their order."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Take the scheduler above. (The groups of xdist 3.8 have no effect with pytest 9.2.)"""
    return FileByFile(config, log)


def longest_first(items: list[pytest.Item]) -> None:
    """Order files by what they took before, so that no worker is left alone with a long one."""
    seconds: Counter[str] = Counter()
    for file, taken in campaigns.seconds().items():
        seconds[scope_of(file)] += taken
    for item in items:
        if item.get_closest_marker("processes") is not None:
            seconds.setdefault(scope_of(item.nodeid), NEW)
    items.sort(key=lambda item: (-seconds[scope_of(item.nodeid)], scope_of(item.nodeid)))


def weigh(reports: list[pytest.TestReport]) -> None:
    """Write what each file took, when asked to and nothing was left out."""
    if not os.environ.get("COMITY_WEIGH") or campaigns.short():
        return
    seconds: Counter[str] = Counter()
    for report in reports:
        seconds[report.nodeid.split("::", 1)[0]] += report.duration
    lines = [f'"{file}" = {taken:.0f}' for file, taken in seconds.most_common() if taken >= LEAST]
    campaigns.SECONDS.write_text("\n".join(["[seconds]", *lines, ""]), "utf-8")

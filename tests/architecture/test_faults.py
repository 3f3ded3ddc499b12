"""The list of deliberate faults fits the code as it is; ``make faults`` tries each."""

import os
from collections import Counter

import pytest

from tests.faults.__main__ import listed, stale
from tests.support.checkout import ROOT

RINGS = {"wire", "log", "domain", "policies", "records", "services", "web"}


@pytest.mark.skipif(
    os.environ.get("CI") != "true", reason="looked at in CI, where all changes have come together"
)
def test_every_fault_applies() -> None:
    assert [f"{fault.name} ({fault.file})" for fault in stale(listed())] == []


def test_there_are_sixty() -> None:
    by_ring = Counter(fault.ring for fault in listed())
    assert by_ring.total() >= 60
    assert set(by_ring) == RINGS


def test_every_fault_names_tests_that_exist() -> None:
    for fault in listed():
        for test in fault.tests:
            file, _, function = test.partition("::")
            path = ROOT / file
            assert path.exists(), fault.name
            assert not function or f"def {function}(" in path.read_text("utf-8"), fault.name

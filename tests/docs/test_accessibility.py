"""The accessibility report claims what a test shows, and leaves no criterion out."""

import re
from pathlib import Path

from tests.support.checkout import ROOT

REPORT = (ROOT / "docs/accessibility.yaml").read_text("utf-8")
CRITERIA = re.findall(
    r'- num: "([0-9.]+)".*?level: ([a-z-]+)(.*?)(?=      - num|\Z)', REPORT, re.DOTALL
)
TESTED = re.findall(r"test: (tests/\S+\.py)::(\w+)", REPORT)
OF_THE_STANDARD = 55
"""Success criteria of WCAG 2.2 at levels A and AA; 4.1.1 is obsolete there."""


def test_every_criterion_is_there_once():
    numbers = [number for number, _, _ in CRITERIA]
    assert len(numbers) == len(set(numbers)) == OF_THE_STANDARD


def test_every_named_test_exists():
    assert len(TESTED) > 15
    for file, name in TESTED:
        assert f"def {name}(" in (ROOT / Path(file)).read_text("utf-8"), name


def test_what_was_not_looked_at_claims_nothing():
    for number, level, rest in CRITERIA:
        assert level in {"supports", "partially-supports", "not-applicable", "not-evaluated"}
        if level == "not-evaluated":
            assert "test:" not in rest, number

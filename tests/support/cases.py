"""Ids for parametrised cases whose values have no readable name."""

from collections.abc import Sequence
from typing import Any

import pytest


def numbered(cases: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Give each case its position and its last value (the expected code) as id."""
    return [pytest.param(*case, id=f"{number:02d}-{case[-1]}") for number, case in enumerate(cases)]

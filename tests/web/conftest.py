"""What several files of these tests share: one door for all tests of a file."""

from collections.abc import Iterator

import pytest

from tests.support.door import Door, open_door


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """The doors of one node of three, called in this process."""
    with open_door(tmp_path_factory.mktemp("door")) as opened:
        yield opened

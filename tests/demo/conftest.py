"""One demo that stays up, for every test that asks its nodes."""

from collections.abc import Iterator

import pytest

from tests.support.demo import Up, running_demo


@pytest.fixture(scope="package")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with running_demo(tmp_path_factory.mktemp("up")) as made:
        yield made

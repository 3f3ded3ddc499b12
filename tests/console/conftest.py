"""What most tests of the console share in a module: three nodes with matter on them, and a console.

A file whose tests change what they look at makes nodes of its own for each, under the same name.
"""

import pytest

from tests.support.browsing import chromium, console_served
from tests.support.console import US, console_on, exchange_of
from tests.support.federation import Federation
from tests.support.foreign import declare


@pytest.fixture(scope="module")
def federation(tmp_path_factory):
    made = Federation(tmp_path_factory.mktemp("nodes"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def matter(federation):
    return exchange_of(federation, US)


@pytest.fixture(scope="module")
def console(federation, matter):
    return console_on(federation, US)


@pytest.fixture(scope="module")
def served(federation, matter):
    with console_served(federation, US) as found:
        yield found


@pytest.fixture(scope="module")
def browser():
    declare(frozenset({"chromium"}))
    with chromium() as found:
        yield found

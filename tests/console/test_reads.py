"""What a page asks of the database does not grow with what its lists hold."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from api.web.console.pages import PAGES
from tests.support import exchange
from tests.support.bodies import body
from tests.support.campaigns import long, short
from tests.support.console import CA, UK, US, Browser, HeldConsole, console_on, exchange_of
from tests.support.federation import Federation

OFFICERS = {
    "analyst": "analyst",
    "reviewer": "reviewer",
    "auditor": "auditor",
    "admin": "administrator",
}
GROWING = frozenset({"subject", "entry"})
"""A subject's page reads each of at most twenty likely others where it stands; an entry's proof is
as deep as the log."""
MORE = (
    1 if short(__file__) else 2
)  # what waits fits into one page of work: a second look is for what it hid


@pytest.fixture
def federation(tmp_path):
    made = Federation(tmp_path)
    yield made
    made.close()


@contextmanager
def asked_of(console: HeldConsole) -> Iterator[list[str]]:
    """Collect the statements that the node's database is asked."""
    asked: list[str] = []

    def note(_connection, _cursor, statement, *_rest) -> None:
        asked.append(statement)

    engine = console.node.db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield asked
    event.remove(engine, "before_cursor_execute", note)


def reads(
    console: HeldConsole, browsers: dict[str, Browser], paths: dict[str, str]
) -> dict[str, int]:
    """Count the statements of every page's second look: the first learns what is kept."""
    found = {}
    for page in PAGES[:: 2 if short(__file__) else 1]:
        if page.download or page.name in GROWING:
            continue
        name = next(name for name, role in OFFICERS.items() if role in page.roles)
        browsers[name].get(f"/en{paths[page.name]}")
        with asked_of(console) as asked:
            answer = browsers[name].get(f"/en{paths[page.name]}")
        assert answer.status_code == 200, (page.name, answer.status_code)
        found[page.name] = len(asked)
    return found


@pytest.mark.parametrize("ministry", [US, *long(UK)])
def test_more_rows_are_not_more_reads(federation, ministry):
    matter = exchange_of(federation, ministry)
    console = console_on(federation, ministry)
    add(federation, ministry, matter.thread, range(MORE))
    for name in OFFICERS:
        console.browser(name)  # from the second visit on, pages say what is new since the first
    federation.clock.sleep(60)
    browsers = {name: console.browser(name) for name in OFFICERS}
    add(federation, ministry, matter.thread, range(MORE, 2 * MORE))
    before = reads(console, browsers, matter.paths)
    add(federation, ministry, matter.thread, range(2 * MORE, 4 * MORE))
    after = reads(console, browsers, matter.paths)
    grown = {name: (before[name], after[name]) for name in before if after[name] > before[name]}
    assert not grown


def add(federation: Federation, ministry: str, thread: str, numbers: range) -> None:
    """Make packages, releases, designations, requests, and drafts that wait."""
    for number in numbers:
        package = exchange.package(federation, US, title=f"Another {number}")
        exchange.release(federation, US, package, UK)
        listed = exchange.designate(federation, US, f"ZHU Number {number}")
        federation.settle()
        exchange.request(federation, US, UK, {"s1": listed})
        federation.settle()
        if ministry == US:
            said = {"question": "q1", "text": f"It was {number}."}
            exchange.draft(federation, US, "mirror-answer/1", (UK,), said, thread)
            marking = {**body("release/1")["marking"], "releasable_to": [CA]}
            given = body("release/1", package=package, recipient=CA, marking=marking)
            exchange.draft(federation, US, "release/1", (CA,), given)
        else:
            decline = {
                "subject": "s1",
                "finding": "decline",
                "reasons": {"releasable": f"Not enough, {number}."},
                "relies_on": [],
            }
            exchange.draft(federation, UK, "mirror-finding/1", (US,), decline, thread)
    # What was not delivered yet waits on others.
    for number in numbers:
        package = exchange.package(federation, US, title=f"On its way {number}")
        exchange.release(federation, US, package, UK)

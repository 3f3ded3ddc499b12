"""What came before does not make later work dearer: an idle look, a publication, a release and its arrival."""

from collections.abc import Callable
from contextlib import ExitStack

from tests.support.exchange import UK, US, package, release
from tests.support.federation import Federation
from tests.support.steps import Steps, counted_steps

FEW, MANY = 3, 60
GROWTH = 1.4
"""Trees and tiles grow with the logarithm; a scan would grow with the number."""


def one(federation: Federation, number: int) -> None:
    release(federation, US, package(federation, US, title=f"Package {number}"), UK)


def asked(federation: Federation, work: Callable[[], object]) -> dict[str, Steps]:
    """What a piece of work, done before, asks of both databases."""
    with ExitStack() as stack:
        found = {name: stack.enter_context(counted_steps(federation[name].db)) for name in (US, UK)}
        work()
    return found


def costs(federation: Federation, number: int) -> dict[str, dict[str, Steps]]:
    one(federation, number)
    federation.settle()
    return {
        "idle": asked(federation, federation.settle),
        "release": asked(federation, lambda: one(federation, number + 1)),
        "arrival": asked(federation, federation.settle),
    }


def test_work_costs_the_same_after_much_of_it(federation: Federation) -> None:
    for number in range(FEW):
        one(federation, number)
    before = costs(federation, 1_000)
    for number in range(FEW, MANY):
        one(federation, number)
    after = costs(federation, 2_000)
    grown = {
        (name, ministry): (
            before[name][ministry].total,
            steps.total,
            dearer(before[name][ministry], steps),
        )
        for name, found in after.items()
        for ministry, steps in found.items()
        if steps.total > before[name][ministry].total * GROWTH + 400
    }
    assert grown == {}


def dearer(before: Steps, after: Steps) -> list[tuple[int, int, str]]:
    """The three statements whose cost grew most."""
    worst = sorted(after.by, key=lambda text: before.by[text] - after.by[text])[:3]
    return [(before.by[text], after.by[text], text[:300]) for text in worst]

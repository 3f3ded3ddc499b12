"""A loop that finds nothing looks ever more rarely, and a bell wakes it at once."""

import threading

from api.domain.errors import Unavailable
from api.jobs.loop import Loop, Pace
from api.jobs.wake import WakeOnCommit


def test_sleeps_grow_to_the_longest_and_no_further() -> None:
    pace = Pace(0.5, 5.0)
    sleeps = [pace.tick]
    for _ in range(6):
        sleeps.append(pace.longer(sleeps[-1]))
    assert sleeps == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 5.0]


def test_a_job_that_only_ticks_keeps_its_pace() -> None:
    assert Pace(60.0).longer(60.0) == 60.0


def test_a_bell_wakes_a_loop_that_rests_for_long() -> None:
    bell, looked = threading.Event(), threading.Semaphore(0)

    def step() -> bool:
        looked.release()
        return False

    loop = Loop("test", step, bell, Pace(600.0))
    loop.start()
    assert looked.acquire(timeout=20)
    bell.set()
    assert looked.acquire(timeout=20)
    loop.stop()
    assert loop.join(20)


def test_quiet_work_waits_for_more_of_its_kind_but_not_behind_a_bell() -> None:
    bell, quiet, looked = threading.Event(), threading.Event(), threading.Semaphore(0)

    def step() -> bool:
        looked.release()
        return False

    loop = Loop("test", step, bell, Pace(600.0, quiet=quiet, linger=600.0))
    loop.start()
    assert looked.acquire(timeout=20)
    quiet.set()
    assert not looked.acquire(timeout=0.2)
    bell.set()
    assert looked.acquire(timeout=20)
    loop.stop()
    assert loop.join(20)


def test_a_loop_that_finds_nothing_takes_no_step_until_it_is_woken() -> None:
    looked, stepped, found = threading.Semaphore(0), threading.Semaphore(0), [False]

    def look() -> bool:
        looked.release()
        return found[0]

    def step() -> bool:
        stepped.release()
        return False

    loop = Loop("test", step, None, Pace(600.0, look=look))
    loop.start()
    assert looked.acquire(timeout=20)
    assert not stepped.acquire(timeout=0.2)
    found[0] = True
    loop.wake()
    assert stepped.acquire(timeout=20)
    loop.stop()
    assert loop.join(20)


def test_a_look_that_fails_is_made_again_soon() -> None:
    outcomes = iter([False, Unavailable("database.unavailable", "away"), True])
    looked, stepped = threading.Semaphore(0), threading.Semaphore(0)

    def look() -> bool:
        looked.release()
        found = next(outcomes, False)
        if isinstance(found, Exception):
            raise found
        return found

    def step() -> bool:
        stepped.release()
        return False

    loop = Loop("test", step, None, Pace(0.01, look=look))
    loop.start()
    assert looked.acquire(timeout=20)
    loop.wake()
    assert stepped.acquire(timeout=20)
    loop.stop()
    assert loop.join(20)


def test_loops_are_woken_when_something_may_have_been_committed() -> None:
    marks, woken = iter([1, 1, 2, None, None, 2]), list[bool]()
    waker = WakeOnCommit(lambda: next(marks), lambda: woken.append(True))
    found = []
    for _ in range(6):
        assert waker() is False
        found.append(len(woken))
    assert found == [1, 1, 2, 3, 4, 5]

"""``python -m api.demo [--home DIR] [--fresh] [--until SCENE] [--exit] [--json]``.

What ``comity demo`` runs.

Exit codes: 0 told and all well, 1 something did not add up or the story stopped, 2 usage, 6
another demo uses the folder, 130 interrupted. When the story or its reckoning stops, the nodes
stay up all the same, and their officers can work.
"""

import argparse
import os
import shlex
import signal
import sys
import time
from pathlib import Path
from subprocess import SubprocessError
from types import FrameType
from typing import Any

from api.demo import launcher, outcome, reckoning, story
from api.demo.door import ActFailedError
from api.demo.home import DemoHome
from api.demo.launcher import Federation, Reach
from api.demo.processes import Processes
from api.demo.story.narrator import Narrator
from api.demo.story.stage import Stage
from api.domain.errors import ComityError, Conflict, Invalid

_WENT_WRONG, _USAGE, _CONFLICT, _INTERRUPTED = 1, 2, 6, 130
_LOOK = 0.5
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SETTINGS = "COMITY_"
_FIRST = (
    "Wait for 'Three ministries are up', on a slow machine some minutes. Acting at a console "
    "before is possible, but the story may then find things not as it left them, and stop."
)


def main(arguments: list[str] | None = None) -> int:
    """Run the demo; returns its exit code."""
    options = _options(arguments)
    try:
        home = DemoHome(options.home, fresh=options.fresh)
    except (Invalid, Conflict) as error:
        _say(error.message)
        return _CONFLICT if isinstance(error, Conflict) else _USAGE
    try:
        return _perform(home, options)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except ActFailedError as error:
        _say(f"The demo stopped: {error}")
    except ComityError as error:
        _say(f"The demo stopped: {error.message}")
    finally:
        home.close()
    return _WENT_WRONG


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="comity demo", description="Three ministries on this machine live through the story."
    )
    parser.add_argument("--home", type=Path, default=Path(".demo"), help="folder (default .demo)")
    parser.add_argument("--fresh", action="store_true", help="delete what an earlier demo left")
    parser.add_argument("--exit", action="store_true", help="end when the story is told")
    parser.add_argument("--json", action="store_true", help="end stdout with one JSON line")
    last = list(story.ACTS)[-1]
    parser.add_argument(
        "--until", choices=list(story.ACTS), default=last, help="last scene (default: all)"
    )
    return parser.parse_args(arguments)


def _perform(home: DemoHome, options: argparse.Namespace) -> int:
    for name in [name for name in os.environ if name.startswith(_SETTINGS)]:
        del os.environ[name]  # settings of another node must not reach the demo's
    for number in _ENDING:
        signal.signal(number, _interrupt)  # SIGINT too: a shell's background job ignores it
    narrator = Narrator()
    narrator.say(_FIRST)
    with _ending(Processes(home.logs)) as running:
        up = launcher.launch(home, running, narrator)
        told = _tell(home, Stage(up.staffs, narrator, Reach(up, running)), options.until)
        if options.exit:
            running.stop()
        outcome.write_demo_json(home, up)
        if not options.json and "streams" in told:
            _result(outcome.table(told))
        if not options.exit:
            _result(outcome.invitation(home, up))
        if options.json:
            _result(outcome.one_line(told))
        if not options.exit:
            _stay(running, up)
    return 0 if told["ok"] else _WENT_WRONG


def _tell(home: DemoHome, stage: Stage, until: str) -> dict[str, Any]:
    """Play the story and reckon; returns the result, which names what stopped either of them."""
    part = "The story"
    try:
        story.play(stage, until)
        part = "The reckoning"
        stage.narrator.scene(part)
        reckoned = reckoning.reckon(stage, home)
    except (ActFailedError, ComityError, SubprocessError) as error:
        cause = f"{part} stopped: {error.message if isinstance(error, ComityError) else error}"
        _say(cause)
        return outcome.stopped(cause, stage.narrator.seconds)
    finally:
        for officer in stage.officers():
            officer.close()
    return outcome.result(reckoned, stage.narrator.seconds)


def _stay(running: Processes, up: Federation) -> None:
    """Stay up until interrupted; say so when a process ends by itself."""
    names = {child.process.pid: name for name, child in up.children.items()}
    while running.alive:
        for child in running.dead():
            _say(
                f"{names.get(child.process.pid, child.name)} ended with status "
                f"{child.process.returncode}; the end of {child.log}:\n{child.tail()}\n"
                f"Start it again with:\n  {shlex.join(child.command)}"
            )
        time.sleep(_LOOK)
    _say("No process is left.")


class _ending:  # noqa: N801 - used as a context manager
    """Ends the children undisturbed: a second interrupt must not leave half of them running."""

    def __init__(self, running: Processes) -> None:
        self._running = running

    def __enter__(self) -> Processes:
        return self._running

    def __exit__(self, *_: object) -> None:
        for number in _ENDING:
            signal.signal(number, signal.SIG_IGN)
        self._running.stop()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _result(text: str) -> None:
    print(text, flush=True)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

"""``python -m tests.faults [NAME …] [--sample N] [--list] [--apply]``: do the tests notice?

Each fault of ``tests/faults/*.toml`` replaces one text of one file in a copy of the checkout; the
tests that it names must then fail. They must pass without it, which is tried first. A text that
is not there exactly once is an error: the program has changed and the fault must be written anew.

Exit codes: 0 every fault was noticed, 1 one was not, 2 one does not apply.
"""

import argparse
import itertools
import os
import random
import shutil
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests import run
from tests.support import checkout

FOLDER = Path(__file__).parent
ROOT = checkout.ROOT
FAILED, PASSED = 1, 0
AT_ONCE = 2
_MOMENTS = itertools.count(1)
SEED = 20261128
"""Which ones a sample takes; it spreads over the files."""


@dataclass(frozen=True)
class Fault:
    """One change and who must notice it.

    Attributes:
        name: What is wrong then, in a few words.
        file: Path in the repository.
        find: Text that is there exactly once.
        replace: Text that takes its place.
        tests: Arguments of pytest; all of them run, one of them must fail.
        ring: The list that it stands in.
    """

    name: str
    file: str
    find: str
    replace: str
    tests: tuple[str, ...]
    ring: str

    def applied(self, text: str) -> str | None:
        """The changed text, or ``None`` where the fault does not apply."""
        if text.count(self.find) != 1 or self.find == self.replace:
            return None
        return text.replace(self.find, self.replace)


def listed() -> list[Fault]:
    """All faults, in the order of their files."""
    found = [
        Fault(tests=tuple(entry.pop("tests")), ring=path.stem, **entry)
        for path in sorted(FOLDER.glob("*.toml"))
        for entry in tomllib.loads(path.read_text("utf-8"))["fault"]
    ]
    names = [fault.name for fault in found]
    assert len(names) == len(set(names)), "two faults have one name"
    return found


def sample(faults: list[Fault], count: int) -> list[Fault]:
    """A few of them, from one list after the other."""
    dice = random.Random(SEED)
    rings: dict[str, list[Fault]] = {}
    for fault in faults:
        rings.setdefault(fault.ring, []).append(fault)
    for ring in rings.values():
        dice.shuffle(ring)
    turns = itertools.zip_longest(*rings.values())
    return [fault for turn in turns for fault in turn if fault is not None][:count]


def stale(faults: list[Fault]) -> list[Fault]:
    """Those whose text is not there exactly once."""
    return [
        fault
        for fault in faults
        if not (ROOT / fault.file).is_file()
        or fault.applied((ROOT / fault.file).read_text("utf-8")) is None
    ]


def copied(folder: Path) -> Path:
    """Copy the checkout's files."""
    for path in checkout.files():
        place = folder / path.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
    return folder


def tried(copy: Path, tests: list[str]) -> subprocess.CompletedProcess[str]:
    """Run tests in a copy; what one run compiled, the next one finds."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryDirectory(dir=copy.parent) as base:
        options = ["-q", "-x", "-p", "no:cacheprovider", f"--basetemp={base}/made"]
        return subprocess.run(
            [sys.executable, "-m", "pytest", *options, *tests],
            cwd=copy,
            env={**kept, "PYTHONPATH": str(copy)},
            capture_output=True,
            text=True,
            check=False,
        )


def noticed(fault: Fault, copy: Path) -> bool:
    """Whether the tests fail on a copy with this fault; the copy is whole again afterwards."""
    place = copy / fault.file
    original = place.read_text("utf-8")
    changed = fault.applied(original)
    assert changed is not None, fault.name
    _write(place, changed)
    try:
        done = tried(copy, list(fault.tests))
    finally:
        _write(place, original)
    caught = done.returncode == FAILED
    line = "noticed" if caught else f"NOT NOTICED (pytest ended with {done.returncode})"
    print(f"{fault.ring}: {fault.name}: {line}", flush=True)
    if not caught:
        print(done.stdout[-1500:], done.stderr[-500:], flush=True)
    return caught


def _write(place: Path, text: str) -> None:
    """Write a file under a time that no other version of it has: nothing compiled before fits."""
    place.write_text(text, "utf-8")
    moment = next(_MOMENTS)
    os.utime(place, (moment, moment))


def main() -> int:
    """Try the chosen faults; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("names", nargs="*", help="names, or parts of names")
    parser.add_argument("--sample", type=int, help="how many to try")
    parser.add_argument("--list", action="store_true", help="name them and end")
    parser.add_argument("--apply", action="store_true", help="only look whether each applies")
    options = parser.parse_args()
    faults = listed()
    if options.names:
        faults = [fault for fault in faults if any(part in fault.name for part in options.names)]
    if options.sample:
        faults = sample(faults, options.sample)
    if options.list:
        print("\n".join(f"{fault.ring}: {fault.name}" for fault in faults))
        return 0
    if unfit := stale(faults):
        print("\n".join(f"does not apply: {fault.name} ({fault.file})" for fault in unfit))
        return 2
    return 0 if options.apply or _all_noticed(faults) else 1


def _all_noticed(faults: list[Fault]) -> bool:
    with tempfile.TemporaryDirectory(prefix="comity-faults-", dir=run.memory()) as folder:
        copies = [copied(Path(folder, str(number), "copy")) for number in range(AT_ONCE)]
        tests = sorted({test for fault in faults for test in fault.tests})
        sound = tried(copies[0], tests)
        if sound.returncode != PASSED:
            print("the tests fail without any fault:", (sound.stdout or sound.stderr)[-3000:])
            return False
        with ThreadPoolExecutor(AT_ONCE) as pool:
            shares = [faults[number::AT_ONCE] for number in range(AT_ONCE)]
            pairs = zip(shares, copies, strict=True)
            done = list(pool.map(lambda pair: [noticed(f, pair[1]) for f in pair[0]], pairs))
    verdicts = [verdict for share in done for verdict in share]
    print(f"{sum(verdicts)} of {len(verdicts)} faults noticed")
    return all(verdicts)


if __name__ == "__main__":
    sys.exit(main())

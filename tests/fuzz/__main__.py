"""``python -m tests.fuzz [--seconds N] [--seed N]``: mutated messages against a node, in one process.

Prints how often each level ended how; a finding is printed with the seed that repeats it. Exit codes:
0 nothing was found, 1 something was.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.attacking import Attack, Finding


def run(folder: Path, seconds: float, seed: int) -> Attack:
    """Attack for so long; the run is the same for one seed, but for its length.

    Raises:
        Finding: what a mutated message did.
    """
    attack, end = Attack(folder, seed), time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            attack.one()
    finally:
        attack.close()
    return attack


def main() -> int:
    """Run as the command says."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="comity-fuzz-") as folder:
        try:
            found = run(Path(folder), chosen.seconds, chosen.seed)
        except Finding as finding:
            print(finding)
            return 1
    for (level, code), count in sorted(found.outcomes.items()):
        print(f"{count:>7}  {level:<10} {code}")
    print(f"{found.outcomes.total()} messages, seed {chosen.seed}: nothing found")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Besieges a running node with each denial: ``make siege``, or ``python -m tests.siege [--seconds N] [NAME …]``.

Prints a table and ends with 1 if a bound is broken: another officer's GET /me p95 250 ms, an honest partner's release
applied within 5 s, peak memory 512 MiB, all well again without a restart.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.siege.denials import DENIALS
from tests.siege.measuring import HEADING, Felt, besieged
from tests.support.node_process import served_issuer

P95_MILLISECONDS, APPLIED_SECONDS, PEAK_MIB, RECOVERED_SECONDS = 250, 5, 512, 30


def within(felt: Felt) -> bool:
    """Tell whether nothing was felt beyond the bounds."""
    return (
        felt.p95 <= P95_MILLISECONDS
        and felt.applied <= APPLIED_SECONDS
        and felt.peak <= PEAK_MIB
        and felt.recovered <= RECOVERED_SECONDS
    )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.siege", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("names", nargs="*", help="parts of the names of denials; all by default")
    given = parser.parse_args(arguments)
    chosen = [
        name for name in DENIALS if not given.names or any(part in name for part in given.names)
    ]
    with tempfile.TemporaryDirectory() as folder, served_issuer() as issuer:
        print(HEADING, flush=True)
        with besieged(Path(folder), issuer) as place:
            target = place.target()
            felt = []
            for name in chosen:
                felt.append(place.lay_siege(name, target, given.seconds))
                mark = "" if within(felt[-1]) else "  <- beyond its bound"
                print(felt[-1].row() + mark, flush=True)
    return 0 if all(map(within, felt)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

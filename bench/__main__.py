"""Runs benchmarks by name: ``python -m bench publish``; without a name, all of them."""

import importlib
import sys
from pathlib import Path

NAMES = sorted(
    path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_")
)


def main(arguments: list[str]) -> None:
    """Run one benchmark, or all."""
    chosen = [arguments[0]] if arguments and arguments[0] in NAMES else NAMES
    rest = arguments[1:] if len(chosen) == 1 else []
    for name in chosen:
        print(f"== {name}")
        importlib.import_module(f"bench.{name}").main(rest)


if __name__ == "__main__":
    main(sys.argv[1:])

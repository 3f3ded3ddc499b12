"""Runs benchmarks by name: ``python -m bench publish``; ``--list`` names them; without a name, all.

Usage: ``python -m bench [--list | NAME [ARGUMENTS]]``.
"""

import ast
import importlib
import sys
from pathlib import Path

HERE = Path(__file__).parent
NAMES = sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("_"))


def listing() -> str:
    """Return one line for each benchmark: its name and what it says of itself."""
    width = max(map(len, NAMES))
    return "\n".join(f"{name:<{width}}  {_first_line(name)}" for name in NAMES)


def _first_line(name: str) -> str:
    """Read the first line of a module's docstring without importing what it measures."""
    module = ast.parse((HERE / f"{name}.py").read_text(encoding="utf-8"))
    return (ast.get_docstring(module) or "").partition("\n")[0]


def main(arguments: list[str]) -> None:
    """Run one benchmark, or all; a name that is none gets the list, not a run of everything."""
    if arguments and arguments[0] not in NAMES:
        print(listing())
        sys.exit(0 if arguments[0] == "--list" else 2)
    chosen, rest = (arguments[:1], arguments[1:]) if arguments else (NAMES, [])
    for name in chosen:
        print(f"== {name}", flush=True)
        importlib.import_module(f"bench.{name}").main(rest)


if __name__ == "__main__":
    main(sys.argv[1:])

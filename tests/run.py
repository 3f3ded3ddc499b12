"""What ``make test`` runs: pytest in parallel, then which independent software took part.

Arguments are passed to pytest.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Run the suite from the repository's root and return pytest's exit code."""
    workers = os.environ.get("COMITY_TEST_WORKERS", "2")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-n",
        workers,
        "--dist",
        "loadscope",
        "--no-loadscope-reorder",
        *sys.argv[1:],
    ]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

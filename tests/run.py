"""What ``make test`` runs: pytest in parallel, then which independent software took part.

Campaigns (`tests/support/campaigns.py`) are left out and counted, unless tests are named or ``--whole``
is given. Other arguments are passed to pytest. Temporary folders lie in memory where the machine has room for
them; tests of durability ask for a disk (fixture ``disk``).
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support import campaigns
from tests.support.templates import SHARED

ROOT = Path(__file__).resolve().parents[1]
WHOLE = "--whole"
MEMORY = Path("/dev/shm")
ROOM = 2 << 30


def main() -> int:
    """Run the suite from the repository's root and return pytest's exit code."""
    arguments = [each for each in sys.argv[1:] if each != WHOLE]
    folder = Path(tempfile.mkdtemp(prefix="comity-tests-", dir=memory()))
    folder.chmod(0o711)  # a database server of another user works below it
    command = [
        *(sys.executable, "-m", "pytest"),
        *("-n", workers(), "--dist", "loadscope", "--no-loadscope-reorder"),
        *("--durations=20", "--durations-min=1", f"--basetemp={folder / 'pytest'}"),
        *arguments,
    ]
    # What tests make with `tempfile`, such as a server's data, lies there too.
    environment = {**os.environ, "TMPDIR": str(folder), SHARED: str(folder)}
    whole = WHOLE in sys.argv or any(map(names_tests, arguments))
    environment[campaigns.LEAVES] = "" if whole else "1"
    # Hundreds of processes start: each from modules that the first has compiled.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def names_tests(argument: str) -> bool:
    """Whether an argument of pytest is a file, a folder or one test."""
    return (ROOT / argument.partition("::")[0]).exists()


def workers() -> str:
    """How many processes: some always wait for nodes, so four keep two processors at work.

    Each takes up to a gigabyte, and what it starts as much again.
    """
    installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    fitting = 4 if installed >= 6 * ROOM else 3 if installed >= 4 * ROOM else 2
    return os.environ.get("COMITY_TEST_WORKERS", str(fitting))


def memory() -> Path | None:
    """A folder in memory with room for a whole run; ``None`` means the system's default."""
    roomy = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM
    return MEMORY if roomy else None


if __name__ == "__main__":
    sys.exit(main())

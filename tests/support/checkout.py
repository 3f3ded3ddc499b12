"""The files of this repository, as Git lists them or, without Git, as `.gitignore` leaves them."""

import fnmatch
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NEVER = {".git"}


def files(root: Path = ROOT) -> list[Path]:
    """Files that are, or are about to be, in the repository.

    From an archive, or where Git is absent or refuses the folder, everything that `.gitignore`
    does not name.
    """
    listed = _listed(root)
    return sorted(walked(root) if listed is None else listed)


def _listed(root: Path) -> list[Path] | None:
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        return None
    done = subprocess.run(
        [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        return None
    names = [name for name in done.stdout.decode().split("\0") if name]
    return [path for name in names if (path := root / name).is_file()]


def walked(root: Path) -> Iterator[Path]:
    """Files below the root that no line of `.gitignore` names; its lines are names or globs."""
    patterns = [
        line.strip().rstrip("/")
        for line in (root / ".gitignore").read_text("utf-8").splitlines()
        if line.strip() and not line.startswith("#")
    ]

    def kept(name: str) -> bool:
        ignored = any(fnmatch.fnmatch(name, pattern) for pattern in patterns)
        return name not in NEVER and not ignored

    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if kept(name)]
        yield from (Path(folder, name) for name in names if kept(name))

"""Where the deployment files are, and the independent programs that judge them."""

import os
import shutil
import sys
from pathlib import Path

import pytest

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"


def oracle(program: str) -> str:
    """Return the path of an independent program, or skip saying that it is absent."""
    beside = Path(sys.executable).parent
    places = os.pathsep.join([os.environ.get("PATH", ""), str(beside), "/usr/sbin", "/sbin"])
    found = shutil.which(program, path=places)
    if found is None:
        pytest.skip(f"oracle absent: {program}")
    return found

"""Where the deployment files are, and the independent programs that judge them."""

import os
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
# A virtual environment of their own: python -m venv .venv-deploy, then pip install of
# requirements/deploy-oracles.txt. They are large and nothing else needs them.
OWN = ROOT / ".venv-deploy" / "bin"


def oracle(program: str) -> str:
    """Return the path of an independent program, or skip saying that it is absent."""
    beside = Path(sys.executable).parent
    searched = [os.environ.get("PATH", ""), str(beside), str(OWN), "/usr/sbin", "/sbin"]
    places = os.pathsep.join(searched)
    found = shutil.which(program, path=places)
    if found is None:
        pytest.skip(f"oracle absent: {program}")
    return found

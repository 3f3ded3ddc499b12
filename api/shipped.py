"""Files that travel with the program: policies, migrations, the one-file verifier.

Owns where they lie: in a checkout beside the package, in an installed distribution under
``api/_bundled`` (``force-include`` in ``pyproject.toml``). It imports nothing of ours and reads
nothing.
"""

from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parent
_CHECKOUT: Final = _PACKAGE.parent


def _shipped_folder(checkout: str, installed: str) -> Path:
    """Return the checkout's folder where there is one, else the distribution's."""
    beside = _CHECKOUT / checkout
    is_checkout = (_CHECKOUT / "pyproject.toml").is_file() and beside.is_dir()
    return beside if is_checkout else _PACKAGE / "_bundled" / installed


def policies() -> Path:
    """Return the folder of the shipped policy set, regimes and retention classes."""
    return _shipped_folder("policies", "policies")


def migrations() -> Path:
    """Return the folder of the database migrations."""
    return _shipped_folder("migrations", "migrations")


def verifier() -> Path:
    """Return the verifier in one file that travels in every export."""
    return _shipped_folder("docs/verify", "verify") / "comity_verify.py"

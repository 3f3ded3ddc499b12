"""The image of ``deploy/Containerfile``, built without a daemon, and processes in its root.

Used by ``make deployed`` alone: it needs root, buildah and debootstrap.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support import foreign
from tests.support.deployment import DEPLOY, ROOT

# Found for the Containerfile's `python:3.11-slim` before any registry is thought of.
BASE: Final = "localhost/python:3.11-slim"
IMAGE: Final = "localhost/comity-exchange"
USER: Final = "10001:10001"
HOME: Final = "/var/lib/comity"
DISTRIBUTION: Final = "bookworm"
PACKAGES: Final = "python3,python3-venv,python-is-python3,ca-certificates,postgresql-client"
CHROOT: Final = shutil.which("chroot", path="/usr/sbin:/usr/bin:/sbin:/bin") or "chroot"
PATIENCE: Final = 120


class FailedError(Exception):
    """A step did not do what it must."""


@dataclass(frozen=True)
class Installed:
    """The image's root on this machine, and where its process keeps its things."""

    root: Path

    @property
    def home(self) -> Path:
        """The volume, as seen from outside."""
        return self.root / HOME.lstrip("/")

    def command(self, *arguments: str) -> list[str]:
        """Return the command that runs ``comity`` as the image's user in its root."""
        return [
            CHROOT,
            f"--userspec={USER}",
            str(self.root),
            "/opt/comity/bin/comity",
            *arguments,
        ]

    def run(self, *command: str) -> str:
        """Run any program of the image as its user; returns its standard output."""
        return run([CHROOT, f"--userspec={USER}", str(self.root), *command], env=environment())

    def keep(self, name: str, content: bytes) -> str:
        """Write a file of the node's own into its volume; returns its path inside."""
        target = self.home / name
        for folder in (target.parent, target):
            if folder == target:
                target.write_bytes(content)
                target.chmod(0o600)
            else:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.chown(folder, 10001, 10001)
        return f"{HOME}/{name}"

    def comity(self, *arguments: str, **settings: str) -> str:
        """Run it to its end; returns its standard output."""
        return run(self.command(*arguments), env=environment(**settings))


def environment(**settings: str) -> dict[str, str]:
    """Return what the image sets, and these settings; nothing of the caller's."""
    return {
        "PATH": "/opt/comity/bin:/usr/bin:/bin",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": HOME,
        **settings,
    }


def run(command: Sequence[str], env: dict[str, str] | None = None) -> str:
    """Run a program to its end; returns its standard output.

    Raises:
        FailedError: it ended with an error; its last lines are the message.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    if done.returncode:
        raise FailedError(f"{' '.join(command[:6])} …\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout


def buildah(*arguments: str) -> str:
    """Run buildah to its end; returns its standard output."""
    return run([foreign.oracle("buildah"), *arguments])


def base(folder: Path) -> None:
    """Make a base image from packages of the distribution; nothing is pulled from a registry."""
    try:
        buildah("inspect", BASE)
    except FailedError:
        root = folder / "base"
        options = ["--variant=minbase", f"--include={PACKAGES}"]
        mirror = filter(None, [os.environ.get("DEBIAN_MIRROR")])  # else debootstrap's own
        run([foreign.oracle("debootstrap"), *options, DISTRIBUTION, str(root), *mirror])
        made = buildah("from", "scratch").strip()
        buildah("add", "--quiet", made, str(root), "/")
        buildah("commit", "--quiet", "--rm", made, BASE)
        shutil.rmtree(root)


def build() -> None:
    """Build the Containerfile as it is committed, without a daemon."""
    pip = [f"--env={name}={value}" for name, value in os.environ.items() if name.startswith("PIP_")]
    mounts = [
        f"--volume={place}:{place}:ro"
        for place in ("/etc/pip.conf", os.environ.get("PIP_FIND_LINKS", ""), "/etc/ssl/certs")
        if place and Path(place).exists()
    ]
    buildah(
        *("build", "--isolation", "chroot", "--pull=never", "--quiet"),
        *(*pip, *mounts, "--ignorefile", str(DEPLOY / "Containerfile.dockerignore")),
        *("--file", str(DEPLOY / "Containerfile"), "--tag", IMAGE, str(ROOT)),
    )


def unwritable(installed: Installed) -> None:
    """Show that the image's user cannot write its root.

    Raises:
        FailedError: it can.
    """
    for place in ("/opt/comity/probe", "/probe", "/etc/probe", "/usr/bin/probe"):
        command = [CHROOT, f"--userspec={USER}", str(installed.root), "/usr/bin/touch", place]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            raise FailedError(f"the image's user can write {place}")


class Running:
    """A served node, ended like a service manager ends it."""

    def __init__(self, installed: Installed, settings: dict[str, str]) -> None:
        self.log = installed.home / f"{settings['COMITY_MINISTRY']}.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                installed.command("node", "serve"),
                env=environment(**settings),
                stdout=log,
                stderr=log,
            )

    def stop(self) -> None:
        """Ask it to end, and require that it ends well.

        Raises:
            FailedError: it did not.
        """
        self.process.terminate()
        if self.process.wait(PATIENCE) != 0:
            raise FailedError(self.log.read_text(errors="replace")[-4000:])

"""Deploy a node as far as one machine goes: image, PostgreSQL, nginx, restart, rotation, restore.

Run by ``make deployed`` as root, with buildah, debootstrap, nginx and PostgreSQL at hand. Builds
``deploy/Containerfile`` unchanged, without a daemon, on a base that debootstrap makes; runs the
image's command as its unprivileged user in a root that it cannot write; and does with the
runbooks' own commands what operators do. Prints one line a step with its seconds, and ends with 1
at the first step that fails.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from api.adapters.identity.tokens import Tokens
from api.cli.profiles import Profile, ProfileStore
from tests.support import databases, foreign
from tests.support.certificates import Authority
from tests.support.command_line import CommandLine
from tests.support.deployment import DEPLOY, ROOT
from tests.support.issuer import FakeIssuer
from tests.support.node_process import served_issuer
from tests.support.ports import free_port
from tests.support.proxies import Proxy, running_proxy
from tests.support.running_node import FOREVER

NEEDED: Final = frozenset({"buildah", "debootstrap", "nginx", "postgresql"})
# Found for the Containerfile's `python:3.11-slim` before any registry is thought of.
BASE: Final = "localhost/python:3.11-slim"
IMAGE: Final = "localhost/comity-exchange"
USER: Final = "10001:10001"
HOME: Final = "/var/lib/comity"
DISTRIBUTION: Final = "bookworm"
PACKAGES: Final = "python3,python3-venv,python-is-python3,ca-certificates,postgresql-client"
MINISTRY: Final = "us-treasury"
ADMINISTRATORS: Final = ("a1", "b2")
CHROOT: Final = shutil.which("chroot", path="/usr/sbin:/usr/bin:/sbin:/bin") or "chroot"
_PATIENCE: Final = 120


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


def step(name: str, act: Callable[[], Any]) -> Any:
    """Do one step, and say how long it took."""
    begun = time.monotonic()
    found = act()
    sys.stdout.write(f"{time.monotonic() - begun:7.1f} s  {name}\n")
    sys.stdout.flush()
    return found


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

    def __init__(self, installed: Installed, settings: dict[str, str], port: int) -> None:
        self.log = installed.home / "serve.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                installed.command("node", "serve"),
                env=environment(**settings, COMITY_LISTEN_PORT=str(port)),
                stdout=log,
                stderr=log,
            )

    def stop(self) -> None:
        """Ask it to end, and require that it ends well.

        Raises:
            FailedError: it did not.
        """
        self.process.terminate()
        if self.process.wait(_PATIENCE) != 0:
            raise FailedError(self.log.read_text(errors="replace")[-4000:])


def ready(proxy: Proxy) -> dict[str, Any]:
    """Ask through nginx until the node is ready.

    Raises:
        FailedError: it does not become ready.
    """
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        try:
            with closing(proxy.connect(None)) as connection:
                connection.request("GET", "/readyz")
                response = connection.getresponse()
                found: dict[str, Any] = json.loads(response.read() or b"{}")
                if response.status == 200:
                    return found
        except (OSError, ValueError):
            pass
        time.sleep(0.3)
    raise FailedError("the node does not become ready behind nginx")


def keep(installed: Installed, name: str, text: str) -> str:
    """Write a file of the node's own into its volume; returns its path inside."""
    target = installed.home / name
    target.write_text(text)
    target.chmod(0o600)
    os.chown(target, 10001, 10001)
    return f"{HOME}/{name}"


def deployed(folder: Path) -> None:
    """Do all of it, in a new folder."""
    step("base image by debootstrap", lambda: base(folder))
    step("deploy/Containerfile, without a daemon", build)
    made = buildah("from", "--pull=never", IMAGE).strip()
    with ExitStack() as stack:
        stack.callback(buildah, "rm", made)
        installed = Installed(Path(buildah("mount", made).strip()))
        step("its user cannot write its root", lambda: unwritable(installed))
        server = databases.start_postgres()
        stack.callback(server.stop)
        issuer = stack.enter_context(served_issuer())
        settings = prepared(installed, server.fresh()) | {"COMITY_ISSUERS": issuer.issuer}
        port = free_port()
        own, partner = (
            Authority(folder / "us" / "tls", "us"),
            Authority(folder / "uk" / "tls", "uk"),
        )
        step("keys, tables and administrators", lambda: begun(installed, settings, issuer))
        first = Running(installed, settings, port)
        stack.callback(first.process.kill)
        proxy = stack.enter_context(running_proxy(folder / "us", port, own, partner))
        step("ready on PostgreSQL behind nginx", lambda: ready(proxy))
        step("backup while it serves", lambda: backed_up(installed, settings))
        step("a certificate is replaced while it serves", lambda: certified(proxy, own))
        officers = Officers(folder / "officers", port, settings["COMITY_PUBLIC_URL"], issuer)
        later = step(
            "seal keys rotated, escrowed, confirmed by two",
            lambda: rotated(installed, settings, officers),
        )
        first.stop()
        step("refused with the membership before", lambda: refuses_old(installed, settings))
        settings = later
        again = Running(installed, settings, port)
        stack.callback(again.process.kill)
        step("ready again, with the new keys", lambda: ready(proxy))
        backups = step("backup under the new keys", lambda: backed_up(installed, settings))
        again.stop()
        step("upgrade from the migration before", lambda: upgraded(installed, settings))
        restored = settings | {"COMITY_DATABASE_URL": server.fresh()}
        step("restore into an empty database", lambda: restore(installed, restored, backups))
        report = installed.comity(
            *("audit", "fsck", "--database-url", restored["COMITY_DATABASE_URL"]),
            *("--membership", settings["COMITY_MEMBERSHIP"], "--store", settings["COMITY_STORE"]),
        )
        sys.stdout.write(f"           {report.splitlines()[-1]}\n")


def prepared(installed: Installed, url: str) -> dict[str, str]:
    """Make keys, membership and settings as the runbook says."""
    who = ("--ministry", MINISTRY, "--jurisdiction", "US")
    public = f"https://comity.{MINISTRY}.example"
    installed.comity("node", "init", "--home", f"{HOME}/node", *who, "--url", public)
    member = ("--member", f"{HOME}/node/member.json")
    out = f"{HOME}/membership.json"
    digest = installed.comity("membership", "compose", *member, "--serial", "1", "--out", out)
    return {
        "COMITY_MINISTRY": MINISTRY,
        "COMITY_PUBLIC_URL": public,
        "COMITY_DATABASE_URL": url,
        "COMITY_STORE": f"{HOME}/node/exhibits",
        "COMITY_KEYSTORE": f"{HOME}/node/keystore.json",
        "COMITY_KEYSTORE_PASSPHRASE_FILE": f"{HOME}/node/keystore-passphrase",
        "COMITY_MEMBERSHIP": out,
        "COMITY_MEMBERSHIP_DIGEST": digest.strip(),
        "COMITY_TOKEN_AUDIENCE": public,
        "COMITY_LISTEN_HOST": "127.0.0.1",
        "COMITY_JOBS": "true",
    }


def begun(installed: Installed, settings: dict[str, str], issuer: FakeIssuer) -> None:
    """Make the tables and name the first two administrators."""
    migrate(installed, settings)
    first, second = ((issuer.issuer, sub, f"Administrator {sub}") for sub in ADMINISTRATORS)
    installed.comity("node", "admins", "--first", *first, "--second", *second, **settings)


@dataclass(frozen=True)
class Officers:
    """Both administrators at their command lines; they reach the app on this machine."""

    home: Path
    port: int
    audience: str
    issuer: FakeIssuer

    def run(self, sub: str, *arguments: str | Path) -> Any:
        """Run an officer's command; returns its document.

        Raises:
            FailedError: it was refused.
        """
        tokens = Tokens(self.issuer.token(sub, self.audience), FOREVER)
        node = f"http://127.0.0.1:{self.port}"
        profile = Profile(node, self.issuer.issuer, "tests", self.audience, tokens=tokens)
        ProfileStore(self.home).save(sub, profile)
        ended = CommandLine(self.home)(*arguments, profile=sub, as_json=True)
        if ended.code:
            raise FailedError(f"{' '.join(map(str, arguments))}\n{ended.err}")
        return ended.document


def rotated(installed: Installed, settings: dict[str, str], officers: Officers) -> dict[str, str]:
    """Do what rotate-a-key.md says for the seal keys; returns the settings to restart with."""
    size = officers.run(ADMINISTRATORS[0], "node", "status")["log_size"]
    entry = installed.comity("key", "rotate", "seal", "--at-index", str(size), **settings)
    member = keep(installed, "our-entry.json", entry)
    secrets = [keep(installed, name, f"the words of {name}\n") for name in ("one", "two")]
    pair = ("--first-passphrase-file", secrets[0], "--second-passphrase-file", secrets[1])
    installed.comity("key", "escrow", "--out", f"{HOME}/comity-keys.json", *pair, **settings)
    after = f"{HOME}/membership-next.json"
    change = ("--to", settings["COMITY_MEMBERSHIP"], "--member", member, "--out", after)
    digest = installed.comity("membership", "add", *change).strip()
    first, second = ADMINISTRATORS
    officers.run(first, "membership", "propose", installed.home / "membership-next.json")
    seen = officers.run(second, "membership", "preview", digest)["digest"]
    officers.run(second, "membership", "approve", digest, "--digest", seen)
    return settings | {"COMITY_MEMBERSHIP": after, "COMITY_MEMBERSHIP_DIGEST": digest}


def refuses_old(installed: Installed, settings: dict[str, str]) -> None:
    """Show that the rotated keystore does not start under the membership before.

    Raises:
        FailedError: it does, or is refused for something else.
    """
    command = installed.command("node", "serve")
    refused = subprocess.run(
        command,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    if refused.returncode == 0 or "keys.not-in-membership" not in refused.stderr:
        raise FailedError(f"not refused as it must be: {refused.stderr[-2000:]}")


def certified(proxy: Proxy, own: Authority) -> None:
    """Replace the server's certificate by the runbook's own commands, while the node serves.

    Raises:
        FailedError: the old one is still shown.
    """
    before = shown(proxy)
    own.issue("server", server=True)
    nginx = [foreign.oracle("nginx"), "-c", str(proxy.folder / "nginx.conf")]
    run([*nginx, "-p", str(proxy.folder), "-t"])
    run([*nginx, "-p", str(proxy.folder), "-s", "reload"])
    end = time.monotonic() + _PATIENCE
    while shown(proxy) == before:
        if time.monotonic() > end:
            raise FailedError("nginx still shows the old certificate")
        time.sleep(0.2)
    ready(proxy)


def shown(proxy: Proxy) -> bytes:
    """Return the certificate that the proxy shows."""
    with closing(proxy.connect(None)) as connection:
        connection.connect()
        return connection.sock.getpeercert(binary_form=True) or b""  # type: ignore[union-attr]


def migrate(installed: Installed, settings: dict[str, str]) -> None:
    """Bring the database to the program's revision."""
    installed.comity("node", "init", "--migrate", **settings)


def backed_up(installed: Installed, settings: dict[str, str]) -> str:
    """Copy database and exhibits; pg_dump has to be in reach of the node's own root."""
    installed.comity("node", "backup", "--out", f"{HOME}/backups", **settings)
    return f"{HOME}/backups"


def upgraded(installed: Installed, settings: dict[str, str]) -> None:
    """Take the database one migration back, be refused, migrate, be accepted.

    Raises:
        FailedError: a node starts on a database of another revision.
    """
    from alembic.script import ScriptDirectory

    from api.records import migrating

    scripts = ScriptDirectory.from_config(migrating.configuration("sqlite://"))
    before = scripts.get_revision(migrating.head()).down_revision
    migrating.downgrade(settings["COMITY_DATABASE_URL"], str(before))
    try:
        installed.comity("node", "serve", **settings)
    except FailedError as refused:
        if "database.wrong-revision" not in str(refused):
            raise
    migrate(installed, settings)


def restore(installed: Installed, settings: dict[str, str], backups: str) -> None:
    """Put the backup into an empty database."""
    installed.comity("node", "restore", "--from", backups, **settings)


def main() -> int:
    """Do all of it; returns the exit code."""
    absent = {name: why for name in sorted(NEEDED) if (why := foreign.absence(name))}
    if absent or os.geteuid() != 0:
        sys.stderr.write(f"needs root, and: {', '.join(sorted(NEEDED))}; absent: {absent}\n")
        return 2
    foreign.declare(NEEDED)
    folder = Path(tempfile.mkdtemp(prefix="comity-deployed-"))
    begun = time.monotonic()
    try:
        deployed(folder)
    except FailedError as failed:
        sys.stderr.write(f"FAILED: {failed}\n")
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.stdout.write(f"{time.monotonic() - begun:7.1f} s  in all\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

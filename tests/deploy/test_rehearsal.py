"""The runbooks' lines, typed at four machines: what an administrator who knows nothing else would do.

One ministry has PostgreSQL and a worker, the others SQLite. The machines stand for all tests of this
file; each test leaves them at work.
"""

import json
import shutil
import time
from collections.abc import Callable, Iterator

import pytest

from tests.support import databases, foreign
from tests.support.campaigns import campaign
from tests.support.databases import Postgres
from tests.support.deployment import DEPLOY, ROOT
from tests.support.machines import BLOCK, Machine, lines
from tests.support.node_process import served_issuer

pytestmark = [foreign.needs("bash", "openssl", "postgresql"), pytest.mark.processes]

US, UK, CA, AU = "us-treasury", "uk-fcdo", "ca-gac", "au-dfat"
STAND_UP, ROTATE, ADMIT = "stand-up-a-node", "rotate-a-key", "admit-a-partner"
STOP, AWAY, OFFBOARD, RESTORE = (
    "stop-switch",
    "partner-away",
    "offboard-an-officer",
    "back-up-and-restore",
)
PURPOSES = ("seal", "message", "log", "log-pq", "witness", "witness-pq")
SHORT = "tests/federation/test_rotation.py::test_partners_follow_a_change_of_keys"


def with_own(text: str, own: dict[str, str]) -> str:
    """Settings with some lines that are this node's own."""
    rows = [line.split("=", 1)[0] for line in text.splitlines()]
    kept = [
        f"{name}={own[name]}" if name in own else line
        for name, line in zip(rows, text.splitlines(), strict=True)
    ]
    return "\n".join([*kept, *(f"{n}={v}" for n, v in own.items() if n not in rows)]) + "\n"


def enter(machine: Machine, **own: str) -> None:
    """Change lines of the settings by hand, as some steps say."""
    path = machine.place("/etc/comity/settings.env")
    path.write_text(with_own(path.read_text(), {f"COMITY_{n}": v for n, v in own.items()}))


def made(machine: Machine) -> None:
    """Steps 1 and 2 of standing up: settings, keys, tables, entry, escrow."""
    secret = machine.place("/etc/comity/credentials/keystore-passphrase")
    secret.write_text("six random words or even more\n")
    secret.chmod(0o400)
    example = machine.here((DEPLOY / "settings.env.example").read_text())
    machine.place("/etc/comity/settings.env").write_text(example)
    enter(
        machine,
        MINISTRY=machine.ministry,
        PUBLIC_URL=machine.url,
        DATABASE_URL=machine.database_url,
        ISSUERS=machine.issuer.issuer,
        LISTEN_PORT=str(machine.port),
        ALLOW_HTTP_PEERS="true",
        WATCH_SECONDS="1",
        JOBS=str(machine.database_url.startswith("sqlite")).lower(),
    )
    text = lines(STAND_UP, "node init --home /var/lib/comity").replace(US, machine.ministry)
    country = machine.ministry[:2].upper()
    machine.type(text.replace("jurisdiction US", f"jurisdiction {country}"))
    machine.type(lines(ROTATE, "key escrow --out"))


def started(machine: Machine, raw: bytes, digest: str) -> None:
    """Steps 3.4 and 4: the membership, the first administrators, the processes."""
    machine.place("/etc/comity/membership.json").write_bytes(raw)
    enter(machine, MEMBERSHIP_DIGEST=digest)
    machine.type(lines(STAND_UP, "node admins --first https"))
    machine.type(lines(STAND_UP, "systemctl enable --now"))
    hire(machine, "analyst", "Ana Lyst", "analyst")
    hire(machine, "reviewer", "Re Viewer", "reviewer")
    hire(machine, "auditor", "Au Ditor", "auditor")
    place = lines(STAND_UP, "relying-party propose").replace(f"comity.{US}.example", "localhost")
    machine.type(place.replace("https://", "http://"))
    # An analyst signs packages with a key of their own.
    machine.type(
        "KID=$(comity --profile analyst key new --plain --json | python3 -c 'import json, sys;"
        ' print(json.load(sys.stdin)["kid"])\')\n'
        "comity --profile analyst key request\ncomity key propose $KID\n"
        "comity --profile admin2 key approve $KID"
    )


def hire(machine: Machine, profile: str, name: str, role: str) -> None:
    """Step 4.5: an officer and a role."""
    text = lines(STAND_UP, "officer propose")
    sub = name.lower().replace(" ", ".")
    for old, new in {"Ana Lyst": name, "a.lyst": sub, "analyst": role}.items():
        text = text.replace(old, new)
    machine.type(text)
    machine.people[profile] = sub


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    foreign.declare(frozenset({"postgresql"}))
    running = databases.start_postgres()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def machines(
    tmp_path_factory: pytest.TempPathFactory, server: Postgres
) -> Iterator[dict[str, Machine]]:
    """Three ministries whose nodes serve, and a fourth machine with nothing on it."""
    foreign.declare(frozenset({"bash", "openssl", "postgresql"}))
    root = tmp_path_factory.mktemp("machines")
    with served_issuer() as issuer:
        found = {
            ministry: Machine(
                root / ministry,
                ministry,
                issuer,
                server.fresh()
                if ministry == US
                else f"sqlite:///{root}/{ministry}/var/lib/comity/comity.db",
            )
            for ministry in (US, UK, CA, AU)
        }
        try:
            stand_up(found)
            yield found
        finally:
            for machine in found.values():
                machine.off()


def stand_up(machines: dict[str, Machine]) -> None:
    first = machines[US]
    for machine in machines.values():
        machine.others = {m.ministry: m.url for m in machines.values() if m is not machine}
    for ministry in (US, UK, CA):
        made(machines[ministry])
        entry = machines[ministry].place("/var/lib/comity/member.json").read_bytes()
        (first.desk / f"{ministry}.json").write_bytes(entry)
    digest = first.type(lines(STAND_UP, "membership show membership.json")).splitlines()[0]
    raw = (first.desk / "membership.json").read_bytes()
    for ministry in (US, UK, CA):
        started(machines[ministry], raw, digest)


def readme(what: str) -> str:
    """A block of the README, for this machine's profiles."""
    found = [text for _, text in BLOCK.findall((ROOT / "README.md").read_text("utf-8"))]
    (block,) = [text for text in found if what in text]
    return block.replace("--profile us-", "--profile ")


def released(machine: Machine, to: str) -> None:
    """A package of this ministry goes to a partner, by the README's lines."""
    machine.type("rm -rf evidence package.toml case.comity")
    text = readme("package submit case.comity") + "PACKAGE=$package"
    bytes_of_its_own = f"What was said at {time.monotonic_ns()}"
    machine.type(text.replace("What the witness said", bytes_of_its_own))
    text = readme("package release").replace(UK, to)
    machine.type(text, package=machine.variables["PACKAGE"])


def until(look: Callable[[], bool], patience: float = 90) -> None:
    end = time.monotonic() + patience
    while not look():
        assert time.monotonic() < end
        time.sleep(0.3)


def status(machine: Machine) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = json.loads(machine.type("comity --json node status"))
    return found


def settled(*machines: Machine) -> bool:
    """Whether everything that left was receipted and applied."""
    for machine in machines:
        found = json.loads(machine.type("comity --json peers"))["items"]
        streams = [each["stream"] for each in found]
        assert [s["refused"] for s in streams if s["refused"]] == []
        if any(not s["sent"] == s["receipted"] == s["applied"] for s in streams):
            return False
    return True


def exchanged(one: Machine, other: Machine) -> None:
    """A package each way, applied at the other end."""
    released(one, other.ministry)
    released(other, one.ministry)
    until(lambda: settled(one, other))


def fits(machine: Machine) -> None:
    """The nightly verification finds nothing, by the runbook's lines."""
    machine.type(lines(RESTORE, "systemctl start comity-verify"))


def follow(first: Machine, *partners: Machine) -> None:
    """Partners confirm and install what one ministry composed."""
    raw = (first.desk / "membership-next.json").read_bytes()
    for partner in partners:
        (partner.desk / "membership-next.json").write_bytes(raw)
        digest = first.variables["DIGEST"]
        partner.type(lines(ADMIT, "comity membership propose"), DIGEST=digest)
        partner.type(lines(ADMIT, "install -m 0644 membership-next.json"))


def composed(machine: Machine, text: str) -> None:
    """The next membership, whose file must be new."""
    (machine.desk / "membership-next.json").unlink(missing_ok=True)
    machine.type(text)


def escrowed(machine: Machine, more: str = "") -> None:
    """Two administrators escrow on another medium, and open it for a test."""
    machine.type("rm -f /mnt/escrow/comity-keys.json")
    text = lines(ROTATE, "key escrow --out").splitlines()
    machine.type("\n".join([text[0] + more, *text[1:]]))


@campaign(SHORT)
def test_keys_change_on_schedule_and_partners_follow(machines: dict[str, Machine]) -> None:
    us, uk, ca = (machines[name] for name in (US, UK, CA))
    exchanged(us, uk)
    us.type(lines(ROTATE, "comity node stop-switch on\ncomity peers"))
    first = lines(ROTATE, "cp -p /var/lib/comity/keystore.json").splitlines()
    (again,) = [line for line in first if "key rotate seal" in line]
    us.type("\n".join([*first, *(again.replace("seal", each) for each in PURPOSES[1:])]))
    escrowed(us, " --keystore /var/lib/comity/keystore-next.json")
    # Until the membership is confirmed the node starts as it was.
    us.type("systemctl restart comity-app comity-worker")
    composed(us, lines(ROTATE, "--member our-entry.json"))
    us.type(lines(ROTATE, "mv /var/lib/comity/keystore-next.json"))
    follow(us, uk)
    epoch = lines(ROTATE, "comity epoch propose")
    us.type(epoch)
    until(lambda: status(us)["cosigned"][UK] == status(us)["log_size"])
    # What is for the one that has not followed waits, and is not given up.
    released(us, CA)
    until(lambda: "peer.membership" in us.type("comity node status"))
    follow(us, ca)
    us.type(epoch.replace(UK, CA))
    until(lambda: not status(us)["queues"] and settled(us, uk, ca))
    exchanged(us, uk)
    for machine in (us, uk, ca):
        fits(machine)
    # Old signatures verify with the new membership.
    export = lines(OFFBOARD, "comity --profile auditor audit export").splitlines()
    us.type("\n".join(line for line in export if "officer.zip" in line))


@campaign(SHORT)
def test_a_key_leaked(machines: dict[str, Machine]) -> None:
    us, uk, ca = (machines[name] for name in (US, UK, CA))
    us.type(lines(STOP, "comity node stop-switch on"))
    before = lines(ROTATE, "cp -p /var/lib/comity/keystore.json").splitlines()[:2]
    us.type("\n".join(before))
    us.type(lines(ROTATE, "--revoked-from"), PLACE=us.variables["INDEX"])
    composed(us, lines(ROTATE, "--member our-entry.json"))
    us.type(lines(ROTATE, "mv /var/lib/comity/keystore-next.json"))
    follow(us, uk, ca)
    us.type(lines(STOP, "comity node stop-switch off"))
    exchanged(us, uk)
    fits(us)


@campaign(SHORT)
def test_the_passphrase_changes(machines: dict[str, Machine]) -> None:
    us = machines[US]
    escrowed(us)
    text = lines(ROTATE, "keystore-before.json\ncomity-operator key restore").splitlines()
    us.type(text[0])
    secret = us.place("/etc/comity/credentials/keystore-passphrase")
    secret.chmod(0o600)
    secret.write_text("another six random words\n")
    us.type("\n".join(text[1:]))


@campaign(SHORT)
def test_the_switch_is_pulled_and_released(machines: dict[str, Machine]) -> None:
    us, uk = machines[US], machines[UK]
    released(us, UK)
    until(lambda: settled(us))
    us.type(lines(STOP, "comity node stop-switch on"))
    us.type(lines(STOP, "package recall"))
    us.type(lines(STOP, "comity node stop-switch off"))
    until(lambda: settled(us, uk))


@campaign(SHORT)
def test_a_partner_is_away(machines: dict[str, Machine]) -> None:
    us, uk = machines[US], machines[UK]
    uk.type("systemctl stop comity-app")
    released(us, UK)
    until(lambda: "peer.unreachable" in us.type(lines(AWAY, "comity node status\n")))
    uk.type("systemctl start comity-app")
    until(lambda: settled(us, uk))
    look = lines(AWAY, "curl --verbose").splitlines()
    us.type("\n".join(line for line in look if "openssl" not in line))  # no TLS on loopback
    us.type(lines(AWAY, "comity epoch propose"))
    us.type(lines(AWAY, "audit misbehaviour"))
    us.type(lines(AWAY, "holdings uk-fcdo"))
    exchanged(us, uk)


@campaign(SHORT)
def test_an_officer_leaves(machines: dict[str, Machine]) -> None:
    us = machines[US]
    hire(us, "leaver", "Le Aver", "analyst")
    us.people.pop("leaver")
    us.type(lines(OFFBOARD, "comity officer list"))
    us.type(lines(OFFBOARD, "officer suspend"))
    kid = json.loads(us.type("comity --json key list --all"))["items"][0]["kid"]
    us.type(lines(OFFBOARD, "comity grant revoke").replace('comity key revoke "$KID"', ""))
    assert kid
    us.type(lines(OFFBOARD, "comity --profile reviewer draft list").splitlines()[0])
    us.type("rm -f officer.zip")
    us.type(lines(OFFBOARD, "audit export"))


@campaign(SHORT)
def test_a_release_is_installed(machines: dict[str, Machine]) -> None:
    us, uk = machines[US], machines[UK]
    text = lines(STAND_UP, "systemctl start comity-backup").splitlines()
    us.type("\n".join(line for line in text if "/pip " not in line))
    exchanged(us, uk)


@campaign(SHORT)
def test_a_machine_is_lost_and_comes_back(machines: dict[str, Machine], server: Postgres) -> None:
    us, uk, ca = (machines[name] for name in (US, UK, CA))
    escrowed(us)
    us.type(lines(RESTORE, "systemctl start comity-backup"))
    exchanged(us, uk)  # which no backup has
    ca.type("systemctl stop comity-app")
    us.type("systemctl stop comity-worker comity-app")
    lost(us, server)
    found = us.type(lines(RESTORE, "comity-operator node restore"))
    assert "read-only" in found
    until(lambda: UK in status(us)["restore"]["answers"])
    us.type(lines(RESTORE, "node waive").replace(UK, CA))
    us.type(lines(RESTORE, "comity-operator node recover"))
    ca.type("systemctl start comity-app")
    exchanged(us, uk)
    fits(us)


def lost(machine: Machine, server: Postgres) -> None:
    """Another machine with the same settings and membership, the backups and a new passphrase."""
    state = machine.place("/var/lib/comity")
    gone = state.rename(machine.root / f"lost-{time.monotonic_ns()}")
    state.mkdir(mode=0o700)
    (state / "exhibits").mkdir()
    shutil.copytree(gone / "backups", state / "backups")
    machine.database_url = server.fresh()
    enter(machine, DATABASE_URL=machine.database_url)


@campaign(SHORT)
def test_a_node_moves_to_postgresql(machines: dict[str, Machine], server: Postgres) -> None:
    us, uk = machines[US], machines[UK]
    uk.database_url = server.fresh()
    uk.type(lines(STAND_UP, "comity-operator node move"))
    exchanged(us, uk)
    fits(uk)


@campaign(SHORT)
def test_a_partner_is_admitted_and_leaves(machines: dict[str, Machine]) -> None:
    us, uk, ca, au = (machines[name] for name in (US, UK, CA, AU))
    made(au)
    entry = au.place("/var/lib/comity/member.json").read_bytes()
    (us.desk / "au-dfat.json").write_bytes(entry)
    us.type("rm -f au-dfat-alone.json")
    us.type(lines(ADMIT, "membership fingerprint"))
    composed(us, lines(ADMIT, "--member au-dfat.json --out membership-next.json"))
    us.type(lines(ADMIT, "membership show membership-next.json"))
    us.type(lines(ADMIT, "openssl crl2pkcs7").splitlines()[-1])
    follow(us, us, uk, ca)
    started(au, (us.desk / "membership-next.json").read_bytes(), us.variables["DIGEST"])
    exchanged(us, au)
    us.type(lines(ADMIT, "comity --profile reviewer holdings au-dfat"))
    until(lambda: settled(us))
    composed(us, lines(ADMIT, "--drop au-dfat"))
    follow(us, us, uk, ca)
    exchanged(us, uk)
    for machine in (us, uk, ca):
        fits(machine)

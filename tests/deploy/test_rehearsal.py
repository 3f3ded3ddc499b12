"""The runbooks' lines, typed at three machines: what an administrator who knows nothing else would do."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import foreign
from tests.support.campaigns import campaign
from tests.support.deployment import DEPLOY, ROOT
from tests.support.machines import BLOCK, Machine, lines
from tests.support.node_process import served_issuer

pytestmark = [foreign.needs("bash", "openssl", "postgresql"), pytest.mark.processes]

US, UK, CA = "us-treasury", "uk-fcdo", "ca-gac"
STAND_UP, ROTATE, ADMIT = "stand-up-a-node", "rotate-a-key", "admit-a-partner"


def fill_in(machine: Machine) -> None:
    """Step 2.2 of the runbook: the example, with what is this node's own."""
    text = machine.here((DEPLOY / "settings.env.example").read_text())
    own = {
        "COMITY_MINISTRY": machine.ministry,
        "COMITY_PUBLIC_URL": machine.url,
        "COMITY_DATABASE_URL": machine.database_url,
        "COMITY_ISSUERS": machine.issuer.issuer,
    }
    kept = [own_line(line, own) for line in text.splitlines()]
    more = [
        f"COMITY_LISTEN_PORT={machine.port}",
        "COMITY_ALLOW_HTTP_PEERS=true",
        "COMITY_WATCH_SECONDS=1",
    ]
    if machine.database_url.startswith("postgresql"):
        more.append("COMITY_JOBS=false")
    machine.place("/etc/comity/settings.env").write_text("\n".join([*kept, *more]) + "\n")


def own_line(line: str, own: dict[str, str]) -> str:
    name = line.split("=", 1)[0]
    return f"{name}={own[name]}" if name in own else line


def stand_up(machines: list[Machine]) -> None:
    """Everything of the runbook from the keys to the first officer."""
    for machine in machines:
        machine.others = {m.ministry: m.url for m in machines if m is not machine}
        secret = machine.place("/etc/comity/credentials/keystore-passphrase")
        secret.write_text("six random words or even more\n")
        secret.chmod(0o400)
        fill_in(machine)
        text = lines(STAND_UP, "node init --home /var/lib/comity")
        machine.type(
            text.replace(US, machine.ministry).replace(
                "jurisdiction US", f"jurisdiction {machine.ministry[:2].upper()}"
            )
        )
        machine.type(lines(ROTATE, "key escrow --out"))
    first = machines[0]
    for machine in machines:
        entry = machine.place("/var/lib/comity/member.json").read_bytes()
        (first.desk / f"{machine.ministry}.json").write_bytes(entry)
    digest = first.type(lines(STAND_UP, "membership show membership.json")).splitlines()[0]
    raw = (first.desk / "membership.json").read_bytes()
    for machine in machines:
        machine.place("/etc/comity/membership.json").write_bytes(raw)
        settings = machine.place("/etc/comity/settings.env")
        settings.write_text(
            "\n".join(
                own_line(line, {"COMITY_MEMBERSHIP_DIGEST": digest})
                for line in settings.read_text().splitlines()
            )
            + "\n"
        )
        machine.type(lines(STAND_UP, "node admins --first https"))
        machine.type(lines(STAND_UP, "systemctl enable --now"))
        machine.type(lines(STAND_UP, "officer propose"))


@pytest.fixture
def machines(tmp_path: Path, postgres_url: str) -> Iterator[list[Machine]]:
    with served_issuer() as issuer:
        made = []
        for ministry in (US, UK, CA):
            root = tmp_path / ministry
            file = f"sqlite:///{root}/var/lib/comity/comity.db"
            url = postgres_url if ministry == US else file
            made.append(Machine(root, ministry, issuer, url))
        try:
            yield made
        finally:
            for machine in made:
                machine.off()


def hire(machine: Machine, profile: str, name: str, role: str) -> None:
    """Another officer, by the runbook's lines."""
    text = lines(STAND_UP, "officer propose")
    sub = name.lower().replace(" ", ".")
    for old, new in {"Ana Lyst": name, "a.lyst": sub, "analyst": role}.items():
        text = text.replace(old, new)
    machine.type(text)
    machine.people[profile] = sub


def readme(what: str) -> str:
    """A block of the README, for this machine's profiles and partners."""
    (block,) = [
        text for _, text in BLOCK.findall((ROOT / "README.md").read_text("utf-8")) if what in text
    ]
    return block.replace("--profile us-", "--profile ")


def staffed(machine: Machine) -> None:
    machine.people["analyst"] = "a.lyst"
    hire(machine, "reviewer", "Re Viewer", "reviewer")
    machine.type(
        "KID=$(comity --profile analyst key new --plain --json | python3 -c 'import json, sys;"
        ' print(json.load(sys.stdin)["kid"])\')\n'
        "comity --profile analyst key request\ncomity key propose $KID\n"
        "comity --profile admin2 key approve $KID"
    )


def released(machine: Machine, to: str) -> None:
    """A package of this ministry goes to a partner, by the README's lines."""
    machine.type("rm -rf evidence package.toml case.comity")
    text = readme("package submit case.comity") + "PACKAGE=$package"
    bytes_of_its_own = f"What was said at {time.monotonic_ns()}"
    machine.type(text.replace("What the witness said", bytes_of_its_own))
    text = readme("package release").replace("uk-fcdo", to)
    machine.type(text, package=machine.variables["PACKAGE"])


def until(look: Callable[[], bool], patience: float = 60) -> None:
    end = time.monotonic() + patience
    while not look():
        assert time.monotonic() < end
        time.sleep(0.3)


def settled(machine: Machine) -> bool:
    """Whether everything that left was receipted and disposed of."""
    found = json.loads(machine.type("comity --json peers"))["items"]
    streams = [each["stream"] for each in found]
    return all(s["sent"] == s["receipted"] == s["applied"] + s["refused"] for s in streams)


PURPOSES = ("seal", "message", "log", "log-pq", "witness", "witness-pq")


def rotated(us: Machine, partners: list[Machine]) -> None:
    """All keys of a ministry, on schedule, and its partners follow."""
    us.type(lines(ROTATE, "comity node stop-switch on\ncomity peers"))
    first = lines(ROTATE, "cp -p /var/lib/comity/keystore.json").splitlines()
    (again,) = [line for line in first if "key rotate seal" in line]
    more = [again.replace("rotate seal", f"rotate {each}") for each in PURPOSES[1:]]
    us.type("\n".join([*first, *more]))
    us.type("rm /mnt/escrow/comity-keys.json")
    escrow = lines(ROTATE, "key escrow --out").splitlines()
    escrow[0] += " --keystore /var/lib/comity/keystore-next.json"
    print(us.type("\n".join(escrow)))
    # Until the membership is confirmed the node restarts as it was.
    us.type("systemctl restart comity-app")
    print(us.type(lines(ROTATE, "membership add --to")))
    print(us.type(lines(ROTATE, "mv /var/lib/comity/keystore-next.json")))
    follow(us, partners)
    for partner in partners:
        text = lines(ROTATE, "comity epoch propose")
        print(us.type(text.replace(UK, partner.ministry)))


def follow(first: Machine, partners: list[Machine]) -> None:
    """Partners confirm and install what one ministry composed."""
    raw = (first.desk / "membership-next.json").read_bytes()
    for partner in partners:
        (partner.desk / "membership-next.json").write_bytes(raw)
        digest = first.variables["DIGEST"]
        partner.type(lines(ADMIT, "comity membership propose"), DIGEST=digest)
        partner.type(lines(ADMIT, "install -m 0644 membership-next.json"))


@campaign("tests/federation/test_rotation.py::test_partners_follow_a_change_of_keys")
def test_keys_change_on_schedule_and_partners_follow(machines: list[Machine]) -> None:
    us, uk, ca = machines
    stand_up(machines)
    staffed(us)
    staffed(uk)
    released(us, UK)
    released(uk, US)
    until(lambda: settled(us) and settled(uk))
    rotated(us, [uk, ca])
    released(us, UK)
    released(uk, US)
    until(lambda: settled(us) and settled(uk))
    for m in machines:
        print(m.type("comity node status\ncomity peers"))

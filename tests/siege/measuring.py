"""What others notice while a node is besieged: an officer, an honest partner, the machine."""

import hashlib
import multiprocessing
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from api.adapters.crypto.keystore import FileKeystore
from api.services.log.checkpoints import sign_head
from api.tlog.checkpoint import Checkpoint
from api.wire.canonical import canonical
from api.wire.encoding import b64u_encode
from api.wire.keys import Purpose
from api.wire.membership import parse_membership
from tests.siege.denials import DENIALS, MIB, Target, keep_slow_door, lay
from tests.support.door import release_to
from tests.support.issuer import FakeIssuer
from tests.support.processes import LATER, PASSPHRASE, Fleet, Site, package

US, UK, CA = "us-treasury", "uk-fcdo", "ca-gac"
SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Felt:
    """What was noticed of one denial.

    Attributes:
        name: of the denial.
        p95: milliseconds of another officer's ``GET /me``, 95th percentile; infinite if one failed.
        applied: seconds from approval of an honest partner's release to its package here, the worst.
        peak: MiB of memory at the worst moment (``VmHWM``).
        recovered: seconds until all was as before, without a restart; infinite if never.
    """

    name: str
    p95: float
    applied: float
    peak: float
    recovered: float

    def row(self) -> str:
        return (
            f"{self.name:<42}{self.p95:>9.0f}{self.applied:>10.1f}{self.peak:>9.0f}"
            f"{self.recovered:>11.1f}"
        )


HEADING = (
    f"{'denial':<42}{'me p95':>9}{'applied':>10}{'peak':>9}{'recovered':>11}\n"
    f"{'':<42}{'ms':>9}{'s':>10}{'MiB':>9}{'s':>11}"
)


class Besieged:
    """A node under siege, and the honest partner.

    Args:
        fleet: with both started.
        issuer: of the officers' tokens.
        door: port of the third member's slow door.
    """

    def __init__(self, fleet: Fleet, issuer: FakeIssuer) -> None:
        self.fleet, self.issuer = fleet, issuer
        self.us, self.uk = fleet.sites[US], fleet.sites[UK]
        self.pid = fleet.running[f"{US}-app-1"].pid
        self._released = 0

    def target(self) -> Target:
        """What the attackers are given."""
        digest = self._large_exhibit()
        port = self.us.ports[0]
        token = self._token(self.us, "analyst")
        signatures, submission = self._of_the_third_member()
        return Target("127.0.0.1", port, token, digest, signatures, submission)

    def lay_siege(self, name: str, target: Target, seconds: float) -> Felt:
        """Let one denial go on for so long, and notice."""
        # The kernel's high-water mark starts anew (proc(5), clear_refs).
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")
        attackers = SPAWN.Process(target=lay, args=(name, target, seconds), daemon=True)
        attackers.start()
        end = time.monotonic() + seconds
        partner = _Partner(self, end)
        partner.start()
        times = self._ask_me(end)
        partner.join()
        attackers.join(60)
        peak = self._peak()
        return Felt(name, _p95(times), partner.worst, peak, self._recovery())

    def _ask_me(self, end: float) -> list[float]:
        times: list[float] = []
        with httpx2.Client(base_url=self.us.url, trust_env=False, timeout=20) as web:
            headers = self.signed_in(self.us, "reviewer2")
            while time.monotonic() < end:
                began = time.monotonic()
                times.append(_me(web, headers, began))
                time.sleep(0.05)
        return times

    def _recovery(self) -> float:
        began = time.monotonic()
        with httpx2.Client(base_url=self.us.url, trust_env=False, timeout=20) as web:
            headers = self.signed_in(self.us, "analyst")
            while time.monotonic() - began < 60:
                ready = web.get("/readyz").is_success
                answered = web.get("/api/v1/me", headers=headers)
                if ready and answered.is_success:
                    return time.monotonic() - began
                time.sleep(0.2)
        return float("inf")

    def _peak(self) -> float:
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(each for each in status.splitlines() if each.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024

    def _token(self, site: Site, name: str) -> str:
        return self.issuer.token(f"{site.ministry}:{name}", site.public_url, exp=LATER)

    def signed_in(self, site: Site, name: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self._token(site, name)}"}

    def _large_exhibit(self) -> str:
        data = bytes(8 * MIB)
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        answer = httpx2.put(
            f"{self.us.url}/api/v1/exhibits/{digest}",
            content=data,
            headers=self.signed_in(self.us, "analyst"),
            trust_env=False,
            timeout=60,
        )
        assert answer.is_success, answer.text
        made = package(US, "A large exhibit", digest, len(data))
        answer = httpx2.post(
            f"{self.us.url}/api/v1/packages",
            json=made,
            headers=self.signed_in(self.us, "analyst"),
            trust_env=False,
        )
        assert answer.is_success, answer.text
        return digest

    def _of_the_third_member(self) -> tuple[bytes, bytes]:
        """The end of a request with that member's keys, and a true head of its log."""
        membership = parse_membership((self.fleet.folder / "membership.json").read_bytes())
        member = membership.member(CA)
        entries = []
        for key in membership.keys(CA, Purpose.MESSAGE):
            header = {"alg": key.alg, "kid": key.kid, "typ": "comity-message"}
            length = 96 if key.alg == "ES384" else 4627
            entries.append(
                {
                    "protected": b64u_encode(canonical(header)),
                    "signature": b64u_encode(bytes(length)),
                }
            )
        end = b'","signatures":' + canonical(entries) + b"}}"
        keystore = FileKeystore.open(
            self.fleet.sites[CA].home / "keystore.json", lambda: PASSPHRASE
        )
        head = sign_head(
            keystore, member, Checkpoint(member.origin, 1000, bytes(32)), int(time.time())
        )
        return end, b"old 0\n\n" + head


class _Partner(threading.Thread):
    """The honest partner: releases one package after another to the besieged node."""

    def __init__(self, besieged: Besieged, end: float) -> None:
        super().__init__(daemon=True)
        self._besieged, self._end = besieged, end
        self.worst = 0.0

    def run(self) -> None:
        self.worst = float("inf")
        worst = 0.0
        while True:
            worst = max(worst, self._one())
            if time.monotonic() >= self._end:
                break
        self.worst = worst

    def _one(self) -> float:
        besieged = self._besieged
        besieged._released += 1
        title = f"Honest {besieged._released}"
        site = besieged.uk
        with httpx2.Client(base_url=site.url, trust_env=False, timeout=30) as web:
            analyst, reviewer = (besieged.signed_in(site, name) for name in ("analyst", "reviewer"))
            data = f"exhibit of {title}".encode()
            digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
            web.put(f"/api/v1/exhibits/{digest}", content=data, headers=analyst)
            made = package(UK, title, digest, len(data))
            held = _document(web.post("/api/v1/packages", json=made, headers=analyst))["id"]
            path = f"/api/v1/packages/{held}/release"
            draft = _document(web.post(path, json=release_to(US), headers=analyst))
            place = f"/api/v1/drafts/{draft['id']}"
            web.get(f"{place}/preview", headers=reviewer)
            began = time.monotonic()
            seen = {"digest": draft["digest"]}
            _document(web.post(f"{place}/approve", json=seen, headers=reviewer))
        with httpx2.Client(base_url=besieged.us.url, trust_env=False, timeout=30) as web:
            reader = besieged.signed_in(besieged.us, "analyst2")
            while time.monotonic() - began < 60:
                if web.get(f"/api/v1/packages/{held}", headers=reader).is_success:
                    return time.monotonic() - began
                time.sleep(0.1)
        return float("inf")


def _document(answer: httpx2.Response) -> dict[str, Any]:
    assert answer.is_success, answer.text
    found: dict[str, Any] = answer.json()
    return found


def _me(web: httpx2.Client, headers: dict[str, str], began: float) -> float:
    try:
        answer = web.get("/api/v1/me", headers=headers)
    except httpx2.HTTPError:
        return float("inf")
    return (time.monotonic() - began) * 1000 if answer.is_success else float("inf")


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1] if len(times) > 1 else float("inf")


@contextmanager
def besieged(folder: Path, issuer: FakeIssuer) -> Iterator[Besieged]:
    """Two running nodes, and a third member whose door answers a byte at a time."""
    with Fleet(folder, issuer) as fleet:
        for ministry in (US, UK, CA):
            fleet.add(ministry)
        port = fleet.sites[CA].ports[0]
        fleet.make()
        slow = SPAWN.Process(target=keep_slow_door, args=("127.0.0.1", port), daemon=True)
        slow.start()
        try:
            for ministry in (US, UK):
                fleet.start(f"{ministry}-app-1")
            _wait(fleet.sites[US].url)
            _wait(fleet.sites[UK].url)
            yield Besieged(fleet, issuer)
        finally:
            slow.kill()
            slow.join()


def _wait(url: str) -> None:
    for _ in range(600):
        try:
            if httpx2.get(f"{url}/readyz", trust_env=False).is_success:
                return
        except httpx2.HTTPError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"{url} is not ready")


def denials() -> list[str]:
    return list(DENIALS)

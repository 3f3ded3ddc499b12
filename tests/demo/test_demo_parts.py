"""The demo's parts that need no federation: its folder, its processes, its facts, its arithmetic."""

import fcntl
import http.server
import json
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from api.adapters.identity.tokens import Tokens
from api.adapters.lists import published
from api.demo import agreement, cast, facts, reckoning
from api.demo.__main__ import main
from api.demo.accounts import Account
from api.demo.door import ActFailedError, OfficerAtNode
from api.demo.home import MARKER, DemoHome
from api.demo.launcher import Federation
from api.demo.processes import Processes, environment, free_ports
from api.demo.story import package_bodies, script
from api.demo.story.book import Asked, Sent
from api.demo.story.narrator import Narrator
from api.domain.errors import Conflict, Invalid, Unavailable
from api.wire.bodies import validate_body
from api.wire.statements import EVIDENCE_PACKAGE

EIGHT = [
    "CHEN Quanguo",
    "ZHU Hailun",
    "WANG Mingshan",
    "HUO Liujun",
    "XINJIANG PUBLIC SECURITY BUREAU",
    "XINJIANG PRODUCTION AND CONSTRUCTION CORPS",
    "SUN Jinlong",
    "PENG Jiarui",
]


def test_a_folder_that_no_demo_made_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(Invalid) as caught:
        DemoHome(tmp_path, fresh=True)
    assert caught.value.code == "demo.home-foreign"
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_what_an_earlier_demo_left_is_kept_aside_or_deleted_on_request(tmp_path: Path) -> None:
    first = DemoHome(tmp_path / "home")
    (first.root / "us-treasury-audit.zip").write_bytes(b"an export")
    first.close()
    second = DemoHome(tmp_path / "home")
    assert (second.root / "earlier/1/us-treasury-audit.zip").read_bytes() == b"an export"
    assert not second.export("us-treasury").exists()
    second.close()
    third = DemoHome(tmp_path / "home", fresh=True)
    assert {path.name for path in third.root.iterdir()} == {MARKER, "profiles", "keys", "logs"}
    third.close()


def test_a_folder_in_use_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with (home / MARKER).open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(Conflict):
            DemoHome(home)
        assert main(["--home", str(home)]) == 6
    (tmp_path / "file").write_text("")
    assert main(["--home", str(tmp_path)]) == 2
    assert "no demo made" in capsys.readouterr().err


def test_a_process_that_dies_is_named_with_its_last_words(tmp_path: Path) -> None:
    with Processes(tmp_path) as running:
        command = [sys.executable, "-c", "import sys; sys.exit('the port is taken')"]
        child = running.start("us-treasury", command, "http://127.0.0.1:9/readyz")
        with pytest.raises(Unavailable) as caught:
            running.wait_ready(child, 20)
        assert caught.value.code == "demo.process-died"
        assert "us-treasury" in caught.value.message
        assert "the port is taken" in caught.value.message
        assert [each.name for each in running.dead()] == ["us-treasury"]
        assert not running.alive


def test_a_process_that_lives_and_does_not_answer_is_not_called_dead(tmp_path: Path) -> None:
    with Processes(tmp_path) as running:
        sleeping = [sys.executable, "-c", "import time; time.sleep(600)"]
        child = running.start("us-treasury", sleeping, "http://127.0.0.1:9/readyz")
        with pytest.raises(Unavailable, match="us-treasury runs, but was not ready") as caught:
            running.wait_ready(child, 0.01)
        assert caught.value.code == "demo.process-slow"


@pytest.mark.parametrize("ends", [False, True])
def test_when_the_story_stops_the_nodes_stay_up_and_the_cause_is_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    ends: bool,
) -> None:
    """With ``--exit`` it ends with the cause in its last line; the nodes are no more."""
    sleeping = [sys.executable, "-c", "import time; time.sleep(600)"]
    lived: list[bool] = []

    def launched(home: DemoHome, running: Processes, _narrator: Narrator) -> Federation:
        running.start("us-treasury", sleeping, "http://127.0.0.1:9/")
        return Federation(home.root, "http://127.0.0.1:9", [], {}, [], {})

    def refused(*_: object) -> None:
        raise ActFailedError("approve the release", "refused")

    part = "api.demo.__main__"
    monkeypatch.setattr(f"{part}.launcher.launch", launched)
    monkeypatch.setattr(f"{part}.story.play", refused)
    monkeypatch.setattr(f"{part}.outcome.invitation", lambda *_: "up")
    monkeypatch.setattr(f"{part}._stay", lambda running, _up: lived.append(running.alive))
    monkeypatch.setattr(f"{part}.signal.signal", lambda *_: None)
    monkeypatch.setattr(f"{part}.os", SimpleNamespace(environ={}))
    home = tmp_path / "home"
    assert main(["--home", str(home), "--json", *(["--exit"] if ends else [])]) == 1
    said = capsys.readouterr()
    told = json.loads(said.out.splitlines()[-1])
    cause = "The story stopped: approve the release: refused"
    assert (told["ok"], told["faults"]) == (False, [cause])
    assert cause in said.err
    assert said.err.index("Three ministries are up") < said.err.index(cause)
    assert lived == ([] if ends else [True])
    assert (home / "demo.json").exists()


def test_children_end_when_the_demo_does(tmp_path: Path) -> None:
    with Processes(tmp_path) as running:
        sleeping = [sys.executable, "-c", "import time; time.sleep(600)"]
        children = [running.start(name, sleeping, "http://127.0.0.1:9/") for name in "abc"]
        running.end("a")
        assert children[0].process.returncode is not None
        assert running.alive
    assert all(child.process.returncode is not None for child in children)


def test_settings_of_another_node_do_not_reach_the_children(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COMITY_DATABASE_URL", "postgresql+psycopg:///production")
    assert not [name for name in environment() if name.startswith("COMITY_")]


def test_ports_are_different() -> None:
    assert len(set(free_ports(8))) == 8


def test_one_person_never_holds_roles_that_must_stay_apart() -> None:
    for seat in cast.SEATS:
        held = set(cast.roles(seat))
        assert not ("administrator" in held and held & {"analyst", "reviewer"})
        assert held == {"auditor"} or "auditor" not in held
    people = {seat.account: seat.person for seat in cast.SEATS}
    assert people["analyst-alt"] == people["analyst"]


@pytest.mark.parametrize("name", ["package-2020-07", "package-faulty"])
def test_package_bodies_are_well_formed_and_match_their_exhibits(name: str) -> None:
    body, contents = package_bodies.compose(name)
    validate_body(EVIDENCE_PACKAGE, body)
    assert [exhibit["size"] for exhibit in body["exhibits"]] == [len(each) for each in contents]
    for content in contents:
        assert "Written for the Comity demonstration." in content.decode()


def test_the_package_of_july_2020_has_the_eight_subjects() -> None:
    body, _ = package_bodies.compose("package-2020-07")
    assert [subject["names"][0]["text"] for subject in body["subjects"]] == EIGHT
    assert {claim["subject"] for claim in body["claims"]} == {f"s{n}" for n in range(1, 9)}
    assert all(subject["source"].startswith("OFAC") for subject in body["subjects"])


def test_canada_registered_a_day_before_it_announced() -> None:
    entry = facts.designation("zhu-hailun", "CA")
    assert (entry["registered"], entry["announced"]) == ("2021-03-21", "2021-03-22")
    assert any("SOR/2021-49" in title for title in entry["sources"])
    with pytest.raises(LookupError):
        facts.designation("sun-jinlong", "CA")


def test_every_designation_of_the_story_names_sources_that_exist() -> None:
    folder = Path(facts.__file__).parent
    for entry in json.loads((folder / "designations.json").read_text())["designations"]:
        assert entry["sources"], entry
        found = facts.designation(entry["subject"], entry["jurisdiction"])
        assert all(title for title in found["sources"])


SENT = [
    Sent("us-treasury", "uk-fcdo", "sha256:a"),
    Sent("us-treasury", "ca-gac", "sha256:a"),
]


@pytest.mark.parametrize(
    ("name", "series", "count"),
    [
        ("ofac-sdn-2024-05-07.xml", "us-ofac-sdn", 14),
        ("eu-fsf-2024-05-13.xml", "eu-fsf", 5),
        ("SOR-2021-49-2025-07-31.xml", "ca-sor-2021-49", 13),
    ],
)
def test_the_extracts_of_lists_are_read_and_labelled(
    tmp_path: Path, name: str, series: str, count: int
) -> None:
    path = tmp_path / name
    path.write_bytes(facts.published_list(name))
    found = published(path)
    assert (found.series.id, len(list(found.entries))) == (series, count)
    assert f"`{name}`" in (Path(facts.__file__).parent / "lists" / "README.md").read_text()


def test_what_followed_the_us_listings_is_told_by_reference() -> None:
    followed = facts.followed("US", "CA")
    assert len(followed) == 10
    assert followed["29220"] == "2024-12-09"
    assert followed["29299"] is None


def test_lost_and_duplicated_are_read_from_the_recipients() -> None:
    nothing: dict[str, Counter[tuple[str, str]]] = {
        "us-treasury": Counter(),
        "uk-fcdo": Counter(),
        "ca-gac": Counter(),
    }
    assert reckoning.compare(SENT, nothing) == (2, 0)
    once = Counter({("us-treasury", "sha256:a"): 1})
    assert reckoning.compare(SENT, {**nothing, "uk-fcdo": once, "ca-gac": once}) == (0, 0)
    thrice = Counter({("us-treasury", "sha256:a"): 3})
    assert reckoning.compare(SENT, {**nothing, "uk-fcdo": thrice}) == (1, 2)
    # The same digest from somebody else is another statement.
    foreign = Counter({("ca-gac", "sha256:a"): 1})
    assert reckoning.compare(SENT, {**nothing, "uk-fcdo": foreign, "ca-gac": once}) == (1, 0)


def test_a_stream_whose_ends_disagree_is_a_fault() -> None:
    def stream(sent: int, receipted: int, applied: int, refused: int) -> dict[str, Any]:
        return {
            "from": "us-treasury",
            "to": "uk-fcdo",
            "sent": sent,
            "receipted": receipted,
            "applied": applied,
            "refused": refused,
        }

    assert reckoning.stream_faults([stream(1, 1, 0, 1)], SENT) == []
    # An officer at a console sent another one while the story ran.
    assert reckoning.stream_faults([stream(2, 2, 2, 0)], SENT) == []
    for wrong in (stream(1, 1, 0, 0), stream(1, 0, 1, 0), stream(2, 2, 1, 0), stream(0, 0, 0, 0)):
        assert len(reckoning.stream_faults([wrong], SENT)) == 1


ASKED = Asked("uk-2020", "sha256:t", cast.US, cast.UK, {"xpcc": "s1"}, {"s1": "decline"})


def _thread(**changes: Any) -> dict[str, Any]:
    entry = {
        "id": "sha256:t",
        "requester": "us-treasury",
        "addressee": "uk-fcdo",
        "findings": {"s1": "decline"},
        "state_at": {"us-treasury": "sha256:x", "uk-fcdo": "sha256:x"},
    }
    return {**entry, **changes}


@pytest.mark.parametrize(
    "found",
    [
        [_thread(state_at={"us-treasury": "sha256:x", "uk-fcdo": "sha256:y"})],
        [_thread(state_at={"us-treasury": "sha256:x"})],
        [_thread(findings={"s1": "mirror"})],
        [_thread(), _thread(id="sha256:other", state_at={"us-treasury": "sha256:x"})],
        [],
    ],
)
def test_a_thread_whose_ends_differ_or_that_is_not_as_told_is_a_fault(
    found: list[dict[str, Any]],
) -> None:
    assert agreement.faults([_thread()], {"uk-2020": ASKED}) == []
    # A thread that an officer began at a console is none of the story's.
    assert agreement.faults([_thread(), _thread(id="sha256:o")], {"uk-2020": ASKED}) == []
    assert len(agreement.faults(found, {"uk-2020": ASKED})) == 1


@pytest.mark.parametrize("thread", ["uk-2020", "ca-2020"])
def test_two_of_eight_were_mirrored_in_2021_and_every_subject_is_found_on(thread: str) -> None:
    found = script.findings(thread)
    assert set(found) == set(facts.package("package-2020-07")["subjects"])
    mirrored = {subject for subject, words in found.items() if words["finding"] == "mirror"}
    assert mirrored == {"zhu-hailun", "wang-mingshan"}
    home = "UK" if thread.startswith("uk") else "CA"
    listed = facts.listed_by(home, "2021-03-22", set(found))
    assert set(listed) == {facts.subject(one)["names"][0]["text"] for one in mirrored}


@pytest.mark.parametrize(
    "thread", ["uk-2020", "ca-2020", "us-from-uk", "us-from-ca", "uk-2021", "ca-2024"]
)
def test_words_put_into_officers_mouths_say_so_and_make_well_formed_bodies(thread: str) -> None:
    assert "Written for the demonstration." in script.asks(thread)["reasons"]
    for words in script.findings(thread).values():
        assert "Written for the demonstration." in words["reasons"]
        body = {
            "subject": "s1",
            "finding": words["finding"],
            "reasons": {"releasable": words["reasons"]},
            "relies_on": [],
            **{name: words[name] for name in ("regime", "ground") if name in words},
        }
        validate_body("mirror-finding/1", body)


class _Refusing(http.server.BaseHTTPRequestHandler):
    """A node that refuses everything."""

    def do_GET(self) -> None:
        body = json.dumps({"code": "policy.own-work", "detail": "Ask a colleague."}).encode()
        self.send_response(403)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture
def refusing() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Refusing)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def _officer(url: str, monkeypatch: pytest.MonkeyPatch) -> OfficerAtNode:
    tokens = Tokens("token", datetime.now(UTC) + timedelta(minutes=10), None)
    monkeypatch.setattr(Account, "sign_in", lambda _self: tokens)
    account = Account(cast.US, cast.SEATS[0], url, "http://127.0.0.1:9", "password", None, None)
    return OfficerAtNode(account)


def test_a_refused_act_is_named_with_its_code(
    refusing: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    officer = _officer(refusing, monkeypatch)
    with pytest.raises(ActFailedError, match=r"approve the release: .*policy\.own-work") as caught:
        officer.post("approve the release", "/drafts/1/approve", {})
    assert (caught.value.status, caught.value.code) == (403, "policy.own-work")
    with pytest.raises(ActFailedError, match="export the log"):
        officer.download("export the log", "/audit/export", tmp_path / "export.zip")
    assert list(tmp_path.iterdir()) == []
    officer.close()


def test_a_node_that_is_away_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    officer = _officer(f"http://127.0.0.1:{free_ports(1)[0]}", monkeypatch)
    with pytest.raises(ActFailedError, match="read it: the node of us-treasury did not answer"):
        officer.get("read it", "/me")
    officer.close()

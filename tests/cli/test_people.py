"""`comity officer`, `grant`, `key` (officers'), `audit list`, `peers`, `node status|stop-switch`."""

import io
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
from typing_extensions import override

from api.adapters.crypto import private_keys
from api.adapters.crypto.officer_key import OfficerKey
from api.adapters.crypto.sealed_file import encrypt, write_private
from api.cli import arguments, short_references
from api.cli.profiles import ProfileStore
from api.wire.canonical import canonical
from api.wire.encoding import b64u_encode
from tests.cli.conftest import CA, UK, US
from tests.support.command_line import CommandLine
from tests.support.running_node import RunningNodes

NO_DIGEST = "sha256:" + "0" * 64
UNKNOWN = "0" * 32
PASSPHRASE = "correct horse battery staple"


class Terminal(io.StringIO):
    @override
    def isatty(self) -> bool:
        return True


def hire(comity: CommandLine, sub: str) -> str:
    made = comity(
        "officer",
        "propose",
        "--name",
        f"Person {sub}",
        "--sub",
        sub,
        profile="us-admin",
        as_json=True,
    )
    assert made.code == 0, made.err
    identifier: str = made.document["id"]
    return identifier


def test_two_administrators_add_an_officer_with_a_role(comity: CommandLine) -> None:
    officer = hire(comity, "new-1")
    alone = comity.decide("officer", "approve", officer, "us-admin")
    assert alone.code == 4
    approved = comity.decide("officer", "approve", officer, "us-admin2")
    assert "state    active\n" in approved.out
    grant = comity("grant", "propose", officer, "analyst", profile="us-admin", as_json=True)
    assert grant.code == 0, grant.err
    identifier = grant.document["id"]
    assert comity.decide("grant", "approve", identifier, "us-admin").code == 4
    assert comity.decide("grant", "approve", identifier, "us-admin2").code == 0
    again = comity.decide("grant", "approve", identifier, "us-admin2", as_json=True)
    assert again.code in {4, 6}
    table = comity("officer", "list", profile="us-auditor").out
    (row,) = [line for line in table.splitlines() if line.startswith(officer)]
    assert "active" in row
    assert "analyst" in row
    assert "new-1" in row
    grants = comity("grant", "list", profile="us-auditor").out
    assert [line.split()[1:3] for line in grants.splitlines() if line.startswith(identifier)] == [
        ["active", "analyst"]
    ]
    revoked = comity("grant", "revoke", identifier, profile="us-admin", as_json=True)
    assert revoked.document["state"] == "revoked"


def test_one_administrator_suspends(comity: CommandLine) -> None:
    officer = hire(comity, "suspended-1")
    comity.decide("officer", "approve", officer, "us-admin2")
    suspended = comity("officer", "suspend", officer, profile="us-admin", as_json=True)
    assert suspended.code == 0, suspended.err
    assert suspended.document["state"] == "suspended"


def test_an_officer_has_an_account_and_it_is_theirs_alone(comity: CommandLine) -> None:
    none = comity("officer", "propose", "--name", "No One", profile="us-admin", as_json=True)
    assert (none.code, none.problem["code"]) == (2, "officer.incomplete")
    bad = comity(
        "officer", "propose", "--name", "No One", "--account", "nothing", profile="us-admin"
    )
    assert bad.code == 2
    taken = comity(
        *("officer", "propose", "--name", "Thief"),
        *("--account", "https://id.example us-treasury:analyst"),
        profile="us-admin",
        as_json=True,
    )
    assert (taken.code, taken.problem["code"]) == (6, "officer.account-taken")


def test_an_analyst_changes_no_roles(comity: CommandLine) -> None:
    assert comity("officer", "list", profile="us-analyst").code == 4
    assert comity("grant", "propose", UNKNOWN, "reviewer", profile="us-admin").code == 5
    assert comity("grant", "propose", UNKNOWN, "king", profile="us-admin").code == 2
    for command in (("approve", UNKNOWN, "--digest", NO_DIGEST), ("suspend", UNKNOWN)):
        assert comity("officer", *command, profile="us-admin").code == 5


def test_a_key_file_of_the_earlier_form_is_written_anew(
    nodes: RunningNodes, tmp_path: Path
) -> None:
    own, name = CommandLine(tmp_path), nodes.profile(tmp_path, CA, "reviewer")
    secret, private = tmp_path / "passphrase", private_keys.generate("ES384")
    write_private(secret, f"{PASSPHRASE}\n".encode(), replace=False)
    plain = canonical({"officer_key": b64u_encode(private_keys.to_pkcs8(private))})
    old = tmp_path / "keys" / f"{name}.json"
    old.parent.mkdir(exist_ok=True)
    write_private(old, encrypt(plain, [PASSPHRASE], "officer-key"), replace=True)
    store = ProfileStore(tmp_path)
    store.save(name, replace(store.load(name), key_file=f"keys/{name}.json"))
    before = OfficerKey.open(old, PASSPHRASE)

    done = own("key", "convert", "--passphrase-file", secret, as_json=True)
    assert done.code == 0, done.err
    assert done.document["kid"] == before.kid
    assert store.load(name).key_file == f"keys/{name}.pem"
    assert not old.exists()
    new = old.with_suffix(".pem")
    assert new.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert OfficerKey.open(new, PASSPHRASE).kid == before.kid
    again = own("key", "convert", "--passphrase-file", secret, as_json=True)
    assert (again.code, again.document["kid"]) == (0, before.kid)


def test_a_key_is_made_requested_and_enrolled_by_two(
    nodes: RunningNodes, comity: CommandLine, tmp_path: Path
) -> None:
    own = CommandLine(tmp_path)
    name = nodes.profile(tmp_path, CA, "reviewer")
    secret = tmp_path / "passphrase"
    write_private(secret, f"{PASSPHRASE}\n".encode(), replace=False)
    made = own("key", "new", "--passphrase-file", secret, as_json=True)
    assert made.code == 0, made.err
    kid = made.document["kid"]
    profile = ProfileStore(tmp_path).load(name)
    assert profile.key_file == f"keys/{name}.pem"
    assert OfficerKey.open(tmp_path / profile.key_file, PASSPHRASE).kid == kid

    secret.chmod(0o644)
    for command in ("new", "request"):
        open_to_all = own("key", command, "--passphrase-file", secret, as_json=True)
        assert (open_to_all.code, open_to_all.problem["code"]) == (2, "keystore.permissions")
        assert str(secret) in open_to_all.problem["detail"]
    secret.chmod(0o600)

    needed = own("key", "request", as_json=True)
    assert (needed.code, needed.problem["code"]) == (2, "officer-key.passphrase-needed")
    assert own("key", "request", "--passphrase-file", secret).code == 0
    assert own("key", "enrol", "--passphrase-file", secret).code == 6  # the same, a second time
    assert [key["state"] for key in own("key", "list", as_json=True).document["items"]] == [
        "active",  # enrolled by the fixture
        "requested",
    ]
    assert comity("key", "propose", kid, profile="ca-admin").code == 0
    assert comity.decide("key", "approve", kid, "ca-admin").code == 4
    approved = comity.decide("key", "approve", kid, "ca-admin2")
    assert "state    active\n" in approved.out
    everyone = comity("key", "list", "--all", profile="ca-admin").out
    assert [line for line in everyone.splitlines() if line.startswith(kid) and "reviewer" in line]
    revoked = comity("key", "revoke", kid, profile="ca-admin", as_json=True)
    assert revoked.document["state"] == "revoked"
    assert comity("key", "revoke", "x" * 43, profile="ca-admin").code == 5
    assert comity("key", "revoke", "short", profile="ca-admin").code == 2


def test_a_key_file_is_never_replaced_and_never_unprotected_by_accident(
    nodes: RunningNodes, tmp_path: Path
) -> None:
    own = CommandLine(tmp_path)
    nodes.profile(tmp_path, US, "reviewer")
    unsaid = own("key", "new", as_json=True)
    assert (unsaid.code, unsaid.problem["code"]) == (2, "officer-key.passphrase-needed")
    assert own("key", "request", as_json=True).problem["code"] == "officer-key.none"
    out = tmp_path / "elsewhere.json"
    assert own("key", "new", "--plain", "--out", out).code == 0
    assert out.stat().st_mode & 0o777 == 0o600
    before = out.read_bytes()
    assert own("key", "new", "--plain", "--out", out).code == 6
    assert out.read_bytes() == before


def test_audit_list_shows_events_with_policies(comity: CommandLine) -> None:
    comity("package", "list", profile="us-admin")  # refused, and so an event
    result = comity("audit", "list", "--act", "access.refused", profile="us-auditor")
    heading, first, *_ = result.out.splitlines()
    assert heading.split() == ["LEAF", "TIME", "ACT", "OUTCOME", "ACTOR", "OBJECT", "POLICIES"]
    assert "access.refused" in first
    found = comity("audit", "list", "--limit", "1", profile="us-auditor", as_json=True).document
    assert len(found["items"]) == 1
    assert found["next"]
    about = found["items"][0]["event"]["object"]["id"]
    same = comity("audit", "list", "--about", about, profile="us-auditor", as_json=True).document
    assert {item["event"]["object"]["id"] for item in same["items"]} == {about}
    assert comity("audit", "list", profile="us-analyst").code == 4


def test_peers(comity: CommandLine) -> None:
    table = comity("peers", profile="us-admin").out
    assert {line.split()[0] for line in table.splitlines()[1:]} == {UK, CA}
    found = comity("peers", profile="us-admin", as_json=True).document
    assert {item["jurisdiction"] for item in found["items"]} == {"UK", "CA"}


def test_status_and_stop_switch(nodes: RunningNodes, comity: CommandLine) -> None:
    nodes.settle()
    said = comity("node", "status", profile="uk-admin")
    assert said.code == 0, said.err
    assert "stop switch   off\n" in said.out
    stated = {line.split()[0] for line in said.out.splitlines() if line}
    assert {"witnessed", "unwitnessed"} <= stated
    assert "restore" not in stated
    assert comity("node", "stop-switch", "on", profile="uk-analyst").code == 4
    assert comity("node", "stop-switch", "up", profile="uk-admin").code == 2
    stopped = comity("node", "stop-switch", "on", profile="uk-admin")
    try:
        assert stopped.out == "Stopped: nothing leaves this node.\n"
        assert (
            "stop switch   ON: nothing leaves\n"
            in comity("node", "status", profile="uk-auditor").out
        )
    finally:
        resumed = comity("node", "stop-switch", "off", profile="uk-admin", as_json=True)
    assert resumed.document == {"stop_switch": "off"}
    figures = comity("node", "status", profile="uk-admin", as_json=True).document
    assert figures["stopped"] is False
    assert figures["log_size"] > 0


@pytest.mark.parametrize("answer", ["n\n", "y\n"])
def test_an_approval_is_asked_for_on_a_terminal(
    answer: str,
    comity: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    package = request.getfixturevalue("submit")(f"asked-{answer.strip()}")
    draft = request.getfixturevalue("release")(package)
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    result = comity("draft", "approve", draft, profile="us-reviewer")
    assert result.code == (0 if answer == "y\n" else 130)
    state = comity("draft", "show", draft, profile="us-reviewer", as_json=True).document["state"]
    assert state == ("sealed" if answer == "y\n" else "drafted")


def test_a_suspension_is_confirmed_and_taken_back_by_two(comity: CommandLine) -> None:
    officer = hire(comity, "suspended-2")
    comity.decide("officer", "approve", officer, "us-admin2")
    shown = comity("officer", "suspend", officer, profile="us-admin")
    assert "unless another administrator confirms" in shown.out
    assert comity.decide("officer", "confirm-suspension", officer, "us-admin").code == 4
    confirmed = comity.decide("officer", "confirm-suspension", officer, "us-admin2")
    assert "until two administrators reinstate" in confirmed.out
    assert comity("officer", "reinstate", officer, profile="us-admin2").code == 0
    assert comity.decide("officer", "approve-reinstatement", officer, "us-admin2").code == 4
    done = comity.decide("officer", "approve-reinstatement", officer, "us-admin", as_json=True)
    assert done.document["state"] == "active"


def test_recusals_and_delegations_have_commands(comity: CommandLine) -> None:
    nothing = comity(
        *("recusal", "record", f"sha256:{'0' * 64}", "--reason", "A relative."),
        profile="us-analyst",
        as_json=True,
    )
    assert (nothing.code, nothing.problem["code"]) == (5, "object.unknown")
    assert comity("recusal", "list", profile="us-auditor").code == 0
    people = comity("officer", "list", profile="us-admin", as_json=True).document["items"]
    analyst2 = next(
        person["id"]
        for person in people
        if any(each["sub"] == "us-treasury:analyst2" for each in person["identities"])
    )
    lent = comity(
        *("delegation", "propose", analyst2, "analyst", "--reason", "Leave."),
        *("--from", "2099-01-04T00:00:00.000Z", "--to", "2099-01-11T00:00:00.000Z"),
        profile="us-analyst",
        as_json=True,
    )
    assert lent.code == 0, lent.err
    identifier = lent.document["id"]
    approved = comity.decide("delegation", "approve", identifier, "us-admin")
    assert "approved" in approved.out
    assert "ended" in comity("delegation", "end", identifier, profile="us-analyst").out
    assert identifier in comity("delegation", "list", profile="us-admin").out


def test_a_shell_keeps_the_id_of_what_was_proposed(comity: CommandLine) -> None:
    """``OFFICER=$(comity officer propose …)``; the rest is said beside it."""
    made = comity("officer", "propose", "--name", "New", "--sub", "new", profile="us-admin")
    officer = made.out.strip()
    assert comity.decide("officer", "approve", officer, "us-admin2").code == 0
    assert "proposed" in made.err
    grant = comity("grant", "propose", officer, "analyst", profile="us-admin").out.strip()
    assert comity.decide("grant", "approve", grant, "us-admin2").code == 0


def test_where_passkeys_count_is_set_by_two(comity: CommandLine) -> None:
    made = comity(
        *("relying-party", "propose", "comity.example", "--origin", "https://comity.example"),
        profile="us-admin",
        as_json=True,
    )
    assert made.code == 0, made.err
    identifier = made.document["id"]
    assert comity.decide("relying-party", "approve", identifier, "us-admin").code == 4
    assert "active" in comity.decide("relying-party", "approve", identifier, "us-admin2").out
    assert "comity.example" in comity("relying-party", "list", profile="us-auditor").out


def test_the_law_s_data_is_changed_by_two(comity: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "UK-GHR.json"
    written = comity("regimes", "document", "UK-GHR", "--out", str(path), profile="us-admin")
    assert written.code == 0, written.err
    document = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(document | {"edition": "2999-01-01"}), encoding="utf-8")
    made = comity("regimes", "propose", str(path), profile="us-admin", as_json=True)
    assert made.code == 0, made.err
    identifier = made.document["id"]
    shown = comity("regimes", "preview", identifier, profile="us-admin2")
    assert f"edition: {document['edition']} -> 2999-01-01" in shown.out
    against = comity("regimes", "diff", str(path), profile="us-admin", as_json=True)
    assert [(one["path"], one["old"]) for one in against.document["items"]] == [
        ("edition", document["edition"])
    ]
    assert comity.decide("regimes", "approve", identifier, "us-admin").code == 4
    assert "in-force" in comity.decide("regimes", "approve", identifier, "us-admin2").out
    assert "2999-01-01" in comity("regimes", "held", profile="us-analyst").out
    assert_the_node_is_asked(comity, document["edition"])
    assert "in-force" in comity("regimes", "editions", profile="us-auditor").out
    again = comity("regimes", "propose", str(path), profile="us-admin")
    assert again.code == 2
    assert "name a later one" in again.err


def assert_the_node_is_asked(comity: CommandLine, shipped: str) -> None:
    """With a profile the node's edition is read, without one or on demand the program's."""
    everything = ("regimes", "check", "--subjects", "xinjiang-2020")
    for how, edition in (
        ({"profile": "us-analyst"}, "2999-01-01"),
        ({}, shipped),
    ):
        told = comity("regimes", "show", "UK-GHR", as_json=True, **how)
        assert told.document["edition"] == edition
        assert ("no node was asked" in told.err) == (not how)
        listed = comity("regimes", "list", as_json=True, **how).document["items"]
        assert {one["edition"] for one in listed if one["id"] == "UK-GHR"} == {edition}
        for line in (everything, (*everything[:2], "UK-GHR", *everything[2:])):
            found = comity(*line, as_json=True, **how).document
            assert {one["edition"] for one in found if one["regime"] == "UK-GHR"} == {edition}
            assert {"subject", "regime", "status", "provision", "instead"} <= set(found[0])
    told = comity("regimes", "show", "UK-GHR", "--shipped", profile="us-analyst", as_json=True)
    assert told.document["edition"] == shipped
    unknown = comity("regimes", "show", "XX-NONE", profile="us-analyst", as_json=True)
    assert (unknown.code, unknown.problem["code"]) == (5, "regime.unknown")


def test_an_auditor_asks_the_log(comity: CommandLine) -> None:
    refused = comity("audit", "list", "--outcome", "refused", profile="us-auditor", as_json=True)
    assert {each["event"]["outcome"] for each in refused.document["items"]} == {"refused"}
    bad = comity("audit", "list", "--act", "nonsense", profile="us-auditor", as_json=True)
    assert (bad.code, bad.problem["code"]) == (2, "audit.act")
    today = comity(
        "audit",
        "list",
        "--from",
        "2000-01-01",
        "--to",
        "2000-01-02",
        as_json=True,
        profile="us-auditor",
    )
    assert today.document["items"] == []
    # The newest wait for their places in the log.
    listed = comity("audit", "list", "--limit", "500", profile="us-auditor", as_json=True)
    whole = listed.document["items"]
    leaf = next(each["index"] for each in whole if each["index"] is not None)
    shown = comity("audit", "show", str(leaf), profile="us-auditor")
    event = next(each["event"] for each in whole if each["index"] == leaf)
    assert event["act"] in shown.out
    assert event["time"] in shown.out
    assert comity("audit", "approvals", profile="us-auditor").code in {0, 3}


def test_whoami_says_name_and_roles(comity: CommandLine) -> None:
    me = comity("whoami", profile="us-reviewer", as_json=True)
    assert me.document["roles"] == ["reviewer"]
    assert me.document["name"]


def test_a_command_takes_the_first_digits_of_an_id(
    comity: CommandLine, request: pytest.FixtureRequest
) -> None:
    package = request.getfixturevalue("submit")("short-reference")
    digits = package.removeprefix("sha256:")[:10]
    for typed in (digits, f"sha256:{digits}", f"sha256:{digits}…"):
        shown = comity("package", "show", typed, profile="us-analyst", as_json=True)
        assert (shown.code, shown.document["id"]) == (0, package)
    of_another_kind = comity("designation", "show", digits, profile="us-analyst", as_json=True)
    assert (of_another_kind.code, of_another_kind.problem["code"]) == (5, "reference.unknown")
    hidden = comity("package", "show", digits, profile="us-admin", as_json=True)
    assert (hidden.code, hidden.problem["code"]) == (5, "reference.unknown")
    assert comity("package", "show", digits[:7], profile="us-analyst").code == 2
    people = comity("officer", "list", profile="us-admin", as_json=True).document["items"]
    ids = sorted(person["id"] for person in people)
    many = comity("officer", "preview", ids[0][:8], profile="us-admin", as_json=True)
    if sum(one.startswith(ids[0][:8]) for one in ids) > 1:
        assert (many.code, many.problem["code"]) == (6, "reference.ambiguous")
        assert ids[0] in many.problem["detail"]


@pytest.mark.parametrize(
    ("kinds", "pattern", "typed", "whole"),
    [
        (
            ("a", "b-c"),
            r"(?P<a>[0-9a-f]{8,})/(?P<b_c>[0-9a-f]{8,})",
            "1" * 8 + "/" + "2" * 8,
            "A/B",
        ),
        (("a",), r"(?P<a>[0-9a-f]{8,}…?)#s[0-9]+", "1" * 9 + "…#s12", "A#s12"),
        (("a", "b-c"), r"(?:a:(?P<a>[0-9a-f]{8,})|b:(?P<b_c>[0-9a-f]{8,}))", "b:" + "2" * 8, "b:B"),
        (("a",), r"(?P<a>[0-9a-f]{8,32})", "2020-07-09", "2020-07-09"),
        (("a",), r"(?P<a>[0-9a-f]{8,32})", "3" * 32, "3" * 32),
    ],
)
def test_digits_in_a_longer_text_are_completed_where_they_stand(
    monkeypatch: pytest.MonkeyPatch, kinds: tuple[str, ...], pattern: str, typed: str, whole: str
) -> None:
    def resolved(_context: object, text: str, _form: object, of: tuple[str, ...]) -> str:
        assert text in {"1" * 8, "1" * 9, "2" * 8}
        return {"a": "A", "b-c": "B"}[of[0]]

    monkeypatch.setattr(short_references, "resolved", resolved)
    check = short_references.standing_in(pattern, *kinds)
    context = SimpleNamespace(obj=None, resilient_parsing=False)
    assert check(context, [typed, typed]) == [whole, whole]
    assert check(context, None) is None


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2027-01-31T17:00Z", "2027-01-31T17:00:00.000Z"),
        ("2027-01-31T17:00:00.5+01:00", "2027-01-31T16:00:00.500Z"),
        ("2027-01-31T17:00:00.000Z", "2027-01-31T17:00:00.000Z"),
        ("2027-01-31", None),
        ("2027-01-31T17:00", None),
        ("tomorrow", None),
    ],
)
def test_an_instant_needs_a_zone_and_no_seconds(typed: str, meant: str | None) -> None:
    option = arguments.instant_option("When.")
    if meant is not None:
        assert option.callback(typed) == meant
        return
    with pytest.raises(typer.BadParameter, match="as 2027-01-31T17:00Z"):
        option.callback(typed)


@pytest.mark.parametrize("approve", [(), ("--approve", "--digest", NO_DIGEST)])
@pytest.mark.parametrize("what", [("waive", CA), ("give-up-tail",)])
def test_nothing_is_let_go_of_while_nothing_was_lost(
    comity: CommandLine, what: tuple[str, ...], approve: tuple[str, ...]
) -> None:
    ended = comity("node", *what, *approve, profile="us-admin", as_json=True)
    assert (ended.code, ended.problem["code"]) == (6, "restore.not-pending")
    other = comity("node", *what, *approve, profile="us-analyst", as_json=True)
    assert other.code == 4

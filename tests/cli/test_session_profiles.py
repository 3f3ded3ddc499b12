"""Profiles on disk: private, whole, and nobody else's files."""

import json
import multiprocessing
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.adapters.identity.tokens import Tokens
from api.cli.profiles import Profile, ProfileStore, default_home
from api.domain.errors import ComityError, Invalid, NotFound, NotSignedIn

INSTANT = datetime(2026, 11, 23, 17, 25, 39, 123000, tzinfo=UTC)
PROFILE = Profile(
    node="http://127.0.0.1:8101",
    issuer="http://127.0.0.1:9000",
    client_id="comity-cli",
    audience="http://127.0.0.1:8101",
    username="us-analyst",
    demo_password="pass phrase",
    tokens=Tokens("access", INSTANT, "refresh"),
    key_file="keys/us-analyst.pem",
)


@pytest.fixture
def store(tmp_path: Path) -> ProfileStore:
    return ProfileStore(tmp_path / "home")


@pytest.mark.parametrize(
    "profile",
    [
        PROFILE,
        replace(PROFILE, tokens=None, demo_password=None, username=None, key_file=None),
        replace(PROFILE, tokens=Tokens("access", INSTANT)),
    ],
)
def test_a_profile_is_read_as_it_was_saved(store: ProfileStore, profile: Profile) -> None:
    store.save("us-analyst", profile)
    assert store.load("us-analyst") == profile
    assert store.names() == ["us-analyst"]


def test_the_file_has_the_published_members(store: ProfileStore) -> None:
    store.save("us-analyst", PROFILE)
    document = json.loads((store.home / "profiles/us-analyst.json").read_text())
    assert document == {
        "node": "http://127.0.0.1:8101",
        "issuer": "http://127.0.0.1:9000",
        "client_id": "comity-cli",
        "audience": "http://127.0.0.1:8101",
        "username": "us-analyst",
        "demo_password": "pass phrase",
        "key_file": "keys/us-analyst.pem",
        "tokens": {
            "access_token": "access",
            "expires_at": "2026-11-23T17:25:39.123Z",
            "refresh_token": "refresh",
        },
    }


def test_only_the_owner_can_read_it(store: ProfileStore) -> None:
    store.save("us-analyst", PROFILE)
    store.save("us-analyst", PROFILE)
    with store.lock("us-analyst"):
        pass
    folder = store.home / "profiles"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_a_failed_save_leaves_the_old_profile_and_no_litter(
    store: ProfileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save("us-analyst", PROFILE)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError):
        store.save("us-analyst", replace(PROFILE, username="other"))
    assert store.load("us-analyst") == PROFILE
    assert [path.name for path in (store.home / "profiles").iterdir()] == ["us-analyst.json"]


def test_secrets_are_not_in_the_representation() -> None:
    shown = repr(PROFILE)
    assert "pass phrase" not in shown
    assert "'access'" not in shown
    assert "'refresh'" not in shown


@pytest.mark.parametrize("name", ["", ".", "../us", "a/b", "A", "-a", "a" * 65, "a\n", "ü"])
def test_a_name_cannot_leave_the_folder(store: ProfileStore, name: str) -> None:
    with pytest.raises(Invalid) as refusal:
        store.load(name)
    assert refusal.value.code == "profile.name"


def test_an_unknown_profile_is_not_found(store: ProfileStore) -> None:
    with pytest.raises(NotFound):
        store.load("nobody")


@given(st.binary(max_size=100) | st.recursive(st.none() | st.text(), st.lists).map(json.dumps))
def test_a_broken_file_is_refused_and_never_crashes(body: bytes | str) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        store = ProfileStore(Path(folder))
        store.save("x", PROFILE)
        data = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
        (Path(folder) / "profiles/x.json").write_bytes(data)
        with pytest.raises(ComityError) as refusal:
            store.load("x")
    assert refusal.value.code == "profile.malformed"


@pytest.mark.parametrize(
    "change",
    [
        {"node": 7},
        {"node": None},
        {"tokens": []},
        {"tokens": {"access_token": "a", "expires_at": "yesterday"}},
        {"tokens": {"access_token": "a"}},
        {"surprise": 1},
        {"username": 7},
    ],
)
def test_a_file_with_a_wrong_member_is_refused(store: ProfileStore, change: dict[str, Any]) -> None:
    store.save("us-analyst", PROFILE)
    path = store.home / "profiles/us-analyst.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(Invalid) as refusal:
        store.load("us-analyst")
    assert refusal.value.code == "profile.malformed"


def test_the_only_profile_is_chosen_and_several_must_be_named(store: ProfileStore) -> None:
    with pytest.raises(NotSignedIn):
        store.choose(None)
    store.save("us-analyst", PROFILE)
    assert store.choose(None) == "us-analyst"
    store.save("uk-analyst", PROFILE)
    with pytest.raises(Invalid) as refusal:
        store.choose(None)
    assert "uk-analyst, us-analyst" in refusal.value.message
    assert store.choose("anyone") == "anyone"


def test_key_files_lie_in_the_home(store: ProfileStore) -> None:
    assert PROFILE.key_path(store.home) == store.home / "keys/us-analyst.pem"
    assert replace(PROFILE, key_file="/etc/key.pem").key_path(store.home) == Path("/etc/key.pem")
    assert replace(PROFILE, key_file=None).key_path(store.home) is None


def test_the_home_follows_the_environment() -> None:
    assert default_home({"COMITY_HOME": "/a"}) == Path("/a")
    assert default_home({"XDG_CONFIG_HOME": "/b"}) == Path("/b/comity")
    assert default_home({}) == Path.home() / ".config/comity"


def test_the_lock_holds_between_processes(store: ProfileStore) -> None:
    store.save("us-analyst", replace(PROFILE, username="0"))
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_count_up, args=(str(store.home),)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    assert store.load("us-analyst").username == "60"


def _count_up(home: str) -> None:
    store = ProfileStore(Path(home))
    for _ in range(20):
        with store.lock("us-analyst"):
            profile = store.load("us-analyst")
            store.save("us-analyst", replace(profile, username=str(int(profile.username or 0) + 1)))


def test_a_token_near_its_end_is_not_fresh() -> None:
    tokens = Tokens("access", INSTANT)
    assert tokens.fresh(INSTANT - timedelta(seconds=31))
    assert not tokens.fresh(INSTANT - timedelta(seconds=30))

"""``comity login``, ``logout``, ``whoami``, ``token`` against the demo's provider."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx2
import pytest
import typer
from typer.testing import CliRunner, Result

from api.adapters.identity.loopback import listen
from api.adapters.identity.tokens import Tokens
from api.cli import session
from api.cli.profiles import CliContext, Profile, ProfileStore
from api.domain.errors import ComityError, NotSignedIn, Unavailable
from tests.support.sign_in import (
    NODE,
    PASSWORD,
    SUBJECT,
    USERNAME,
    MachineClock,
    RunningProvider,
    running_provider,
)

PAST = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def provider() -> Iterator[RunningProvider]:
    with running_provider() as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> ProfileStore:
    return ProfileStore(tmp_path)


@pytest.fixture
def comity(tmp_path: Path) -> Callable[..., Result]:
    app = typer.Typer()
    session.register(app)

    def run(*arguments: str, profile: str | None = None, as_json: bool = False) -> Result:
        context = CliContext(profile, tmp_path, as_json)
        return CliRunner().invoke(app, list(arguments), obj=context)

    return run


def demo_profile(provider: RunningProvider, **changes: Any) -> Profile:
    profile = Profile(
        node=NODE,
        issuer=provider.issuer,
        client_id="comity-cli",
        audience=NODE,
        username=USERNAME,
        demo_password=PASSWORD,
    )
    return replace(profile, **changes)


def refusal_of(result: Result) -> ComityError:
    assert isinstance(result.exception, ComityError), result.output
    return result.exception


def test_token_signs_a_demo_profile_in_and_prints_the_token_alone(
    provider: RunningProvider, store: ProfileStore, comity: Callable[..., Result]
) -> None:
    store.save("us-analyst", demo_profile(provider))
    first = comity("token", profile="us-analyst")
    assert first.exit_code == 0
    assert provider.resource_server().verify(first.stdout.strip()).sub == SUBJECT
    assert comity("token", profile="us-analyst").stdout == first.stdout


def test_token_as_json(
    provider: RunningProvider, store: ProfileStore, comity: Callable[..., Result]
) -> None:
    store.save("us-analyst", demo_profile(provider))
    for result in (comity("token", "--json"), comity("token", as_json=True)):
        document = json.loads(result.stdout)
        assert document.keys() == {"access_token", "token_type", "expires_at"}
        assert document["token_type"] == "Bearer"


def test_an_old_token_is_refreshed_without_the_password(
    provider: RunningProvider, store: ProfileStore, comity: Callable[..., Result]
) -> None:
    store.save("us-analyst", demo_profile(provider))
    first = comity("token").stdout.strip()
    held = store.load("us-analyst")
    assert held.tokens
    old = Tokens(held.tokens.access_token, PAST, held.tokens.refresh_token)
    store.save("us-analyst", replace(held, tokens=old, demo_password=None))
    second = comity("token").stdout.strip()
    assert second != first
    assert provider.resource_server().verify(second).sub == SUBJECT
    kept = store.load("us-analyst").tokens
    assert kept
    assert kept.access_token == second
    assert kept.refresh_token != held.tokens.refresh_token


def test_a_dead_refresh_token_falls_back_to_the_demo_password(
    provider: RunningProvider, store: ProfileStore, comity: Callable[..., Result]
) -> None:
    dead = Tokens("old", PAST, "withdrawn")
    store.save("us-analyst", demo_profile(provider, tokens=dead))
    assert provider.resource_server().verify(comity("token").stdout.strip()).sub == SUBJECT


@pytest.mark.parametrize("tokens", [None, Tokens("old", PAST), Tokens("old", PAST, "withdrawn")])
def test_without_a_way_to_renew_the_person_is_asked_to_sign_in(
    provider: RunningProvider,
    store: ProfileStore,
    comity: Callable[..., Result],
    tokens: Tokens | None,
) -> None:
    store.save("us-analyst", demo_profile(provider, tokens=tokens, demo_password=None))
    refusal = refusal_of(comity("token"))
    assert isinstance(refusal, NotSignedIn)
    assert refusal.code == "sign-in.needed"


def test_an_unreachable_provider_is_unavailable_and_the_profile_is_kept(
    provider: RunningProvider, store: ProfileStore, comity: Callable[..., Result]
) -> None:
    old = Tokens("old", PAST, "refresh")
    profile = demo_profile(provider, issuer="http://127.0.0.1:9", tokens=old)
    store.save("us-analyst", profile)
    assert isinstance(refusal_of(comity("token")), Unavailable)
    assert store.load("us-analyst") == profile


def test_a_token_the_node_refused_is_renewed_though_it_lives(
    provider: RunningProvider, store: ProfileStore
) -> None:
    store.save("us-analyst", demo_profile(provider))
    clock = MachineClock()
    first = session.fresh_tokens(store, "us-analyst", clock)
    again = session.fresh_tokens(store, "us-analyst", clock)
    assert again.access_token == first.access_token
    second = session.fresh_tokens(store, "us-analyst", clock, rejected=first.access_token)
    assert second.access_token != first.access_token


def test_many_commands_at_once_refresh_once(provider: RunningProvider, store: ProfileStore) -> None:
    store.save("us-analyst", demo_profile(provider))
    clock = MachineClock()
    first = session.fresh_tokens(store, "us-analyst", clock)
    store.save(
        "us-analyst",
        demo_profile(
            provider,
            tokens=Tokens(first.access_token, PAST, first.refresh_token),
            demo_password=None,
        ),
    )
    with ThreadPoolExecutor(6) as pool:
        renewed = pool.map(lambda _: session.fresh_tokens(store, "us-analyst", clock), range(6))
        assert len({tokens.access_token for tokens in renewed}) == 1


def test_login_by_device(
    provider: RunningProvider,
    store: ProfileStore,
    comity: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    monkeypatch.setattr(session, "SystemClock", MachineClock)
    monkeypatch.setattr(
        "typer.echo", lambda text, err=False: said.append(text) if err else print(text)
    )
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(
            comity, "login", "--node", f"{NODE}/", "--issuer", provider.issuer, profile="us"
        )
        approve_device(said)
        result = running.result(30)
    assert result.exit_code == 0, result.exception
    profile = store.load("us")
    assert (profile.node, profile.audience) == (NODE, NODE)
    assert profile.tokens
    assert provider.resource_server().verify(profile.tokens.access_token).sub == SUBJECT


def approve_device(said: list[str]) -> None:
    """Do what the person would: open the address and fill the form in."""
    end = time.monotonic() + 20
    found = None
    while found is None:
        assert time.monotonic() < end
        found = re.search(r"or open (\S+)", "\n".join(said))
        time.sleep(0.01)
    with httpx2.Client(trust_env=False) as http:
        page = http.get(found[1]).text
        ticket = re.search(r'name="ticket" value="([^"]+)"', page)
        assert ticket
        form = {"ticket": ticket[1], "username": USERNAME, "password": PASSWORD}
        assert http.post(found[1], data=form).status_code == 200


def test_login_by_browser(
    provider: RunningProvider,
    store: ProfileStore,
    comity: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def browser(url: str) -> bool:
        threading.Thread(target=browse, args=(url,)).start()
        return True

    monkeypatch.setattr("webbrowser.open", browser)
    result = comity(
        *("login", "--flow", "browser", "--node", NODE, "--issuer", provider.issuer), "--json"
    )
    assert result.exit_code == 0, result.exception
    document = json.loads(result.stdout.splitlines()[-1])
    assert document["profile"] == "default"
    assert document["sub"] == SUBJECT
    assert document["expired"] is False
    assert store.names() == ["default"]


def browse(url: str) -> None:
    """A person's browser: fills the form in and follows the redirect to the command line."""
    with httpx2.Client(trust_env=False) as http:
        page = http.get(url).text
        ticket = re.search(r'name="ticket" value="([^"]+)"', page)
        assert ticket
        form = {"ticket": ticket[1], "username": USERNAME, "password": PASSWORD}
        reply = http.post(url, data=form)
        http.get(reply.headers["Location"])


def test_a_new_profile_needs_its_addresses(
    provider: RunningProvider, comity: Callable[..., Result]
) -> None:
    assert refusal_of(comity("login")).code == "profile.new"
    assert refusal_of(comity("login", "--node", NODE)).code == "profile.new"
    result = comity("login", "--node", NODE, "--issuer", "http://id.example")
    assert refusal_of(result).code == "issuer.address"


def test_whoami_says_who_where_and_until_when(
    provider: RunningProvider, store: ProfileStore, comity: Callable[..., Result]
) -> None:
    store.save("us-analyst", demo_profile(provider))
    assert refusal_of(comity("whoami")).code == "sign-in.needed"
    comity("token")
    document = json.loads(comity("whoami", "--json").stdout)
    assert document["iss"] == provider.issuer
    assert document["sub"] == SUBJECT
    assert document["aud"] == NODE
    assert document["renewable"] is True
    plain = comity("whoami").stdout
    assert f"sub         {SUBJECT}\n" in plain


@pytest.mark.parametrize("token", ["opaque", "a.b.c", "a.W10.c"])
def test_whoami_reads_past_a_token_that_is_not_ours_to_read(
    provider: RunningProvider, store: ProfileStore, comity: Callable[..., Result], token: str
) -> None:
    later = MachineClock().now() + timedelta(hours=1)
    store.save("us-analyst", demo_profile(provider, tokens=Tokens(token, later)))
    document = json.loads(comity("whoami", as_json=True).stdout)
    assert "sub" not in document
    assert document["node"] == NODE


def test_logout_forgets_and_revokes(
    provider: RunningProvider, store: ProfileStore, comity: Callable[..., Result]
) -> None:
    store.save("us-analyst", demo_profile(provider))
    comity("token")
    tokens = store.load("us-analyst").tokens
    assert tokens
    document = json.loads(comity("logout", "--json").stdout)
    assert document == {"profile": "us-analyst", "signed_in": False, "revoked": True}
    assert store.load("us-analyst").tokens is None
    stolen = demo_profile(
        provider, demo_password=None, tokens=Tokens("old", PAST, tokens.refresh_token)
    )
    store.save("us-analyst", stolen)
    assert refusal_of(comity("token")).code == "sign-in.needed"


def test_logout_works_while_the_provider_is_away(
    provider: RunningProvider, store: ProfileStore, comity: Callable[..., Result]
) -> None:
    tokens = Tokens("access", PAST, "refresh")
    store.save("us-analyst", demo_profile(provider, issuer="http://127.0.0.1:9", tokens=tokens))
    result = comity("logout", "--json")
    assert json.loads(result.stdout)["revoked"] is False
    assert store.load("us-analyst").tokens is None


def test_the_loopback_listener_takes_one_answer_and_nothing_else() -> None:
    with listen() as answer, httpx2.Client(trust_env=False) as http:
        origin = f"http://{urlsplit(answer.redirect_uri).netloc}"
        assert http.get(f"{origin}/favicon.ico").status_code == 404
        assert http.post(answer.redirect_uri).status_code == 501
        query = urlencode({"code": "c", "state": "s"})
        reply = http.get(f"{answer.redirect_uri}?{query}")
        assert reply.headers["Referrer-Policy"] == "no-referrer"
        http.get(f"{answer.redirect_uri}?code=second")
        answer.take("a third")
        assert answer.wait(5) == f"{answer.redirect_uri}?{query}"


def test_a_browser_that_never_comes_back_is_not_waited_for_forever() -> None:
    with listen() as answer, pytest.raises(NotSignedIn) as refusal:
        answer.wait(0.05)
    assert refusal.value.code == "sign-in.expired"


def test_the_command_line_does_not_load_the_oauth_library_to_start() -> None:
    import subprocess
    import sys

    probe = "import sys, api.cli.session; sys.exit('authlib' in sys.modules)"
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", probe], cwd=root, check=False).returncode == 0

"""The provider as the launcher starts it: its file, its arguments, its one process."""

import json
import os
import socket
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from api.adapters.identity.form_sign_in import sign_in_by_forms
from api.demo.sign_in.__main__ import main
from api.demo.sign_in.config import ProviderConfig, load_config
from api.demo.sign_in.keys import SigningKeys
from api.demo.sign_in.passwords import check_password, hash_password
from api.demo.sign_in.state import ProviderState, Shelf
from api.domain.errors import Unavailable
from tests.support.sign_in import NODE, MachineClock

ROOT = Path(__file__).parents[2]


@cache
def hashed(password: str) -> str:
    return hash_password(password)


def config(port: int) -> dict[str, Any]:
    return {
        "issuer": f"http://127.0.0.1:{port}",
        "users": [
            {
                "username": "uk-reviewer",
                "password_hash": hashed("pass phrase"),
                "sub": "person-9",
                "name": "Re Viewer",
            }
        ],
        "clients": [
            {
                "client_id": "comity-cli",
                "name": "Comity command line",
                "redirect_uris": ["http://127.0.0.1/callback"],
                "grant_types": ["authorization_code", "refresh_token"],
            }
        ],
        "audiences": [NODE],
    }


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def test_the_process_serves_what_its_file_says(tmp_path: Path) -> None:
    port = free_port()
    file = tmp_path / "sign-in.json"
    file.write_text(json.dumps(config(port)))
    command = [sys.executable, "-m", "api.demo.sign_in", "--config", str(file), "--port", str(port)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=tmp_path, env=environment) as process:
        try:
            tokens = None
            end = time.monotonic() + 30
            while tokens is None and time.monotonic() < end:
                try:
                    tokens = sign_in_by_forms(
                        f"http://127.0.0.1:{port}",
                        "comity-cli",
                        "uk-reviewer",
                        "pass phrase",
                        NODE,
                        MachineClock(),
                    )
                except Unavailable:
                    assert process.poll() is None
                    time.sleep(0.1)
            assert tokens is not None
        finally:
            process.terminate()
            process.wait(10)


def test_it_listens_on_loopback_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "sign-in.json"
    file.write_text(json.dumps(config(9000)))
    assert main(["--config", str(file), "--port", "9000", "--host", "0.0.0.0"]) == 2  # noqa: S104
    assert "loopback" in capsys.readouterr().err


def test_a_wrong_file_or_port_is_a_usage_error_that_quotes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "sign-in.json"
    assert main(["--config", str(file), "--port", "9000"]) == 2
    file.write_text(json.dumps(config(9000) | {"users": "secret-value"}))
    assert main(["--config", str(file), "--port", "9000"]) == 2
    file.write_text(json.dumps(config(9000)))
    assert main(["--config", str(file), "--port", "9001"]) == 2
    assert "secret-value" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://id.ministry.example"},
        {"issuer": "http://127.0.0.1:9000/path"},
        {"issuer": "http://192.0.2.1:9000"},
        {"audiences": []},
        {"unknown": 1},
        {"access_token_seconds": 86400},
        {"access_token_seconds": 600, "rotate_keys_seconds": 300},
        {"users": config(1)["users"] * 2},
        {"clients": config(1)["clients"] * 2},
        {"clients": [config(1)["clients"][0] | {"grant_types": ["client_credentials"]}]},
        {"clients": [config(1)["clients"][0] | {"token_endpoint_auth_method": "private_key_jwt"}]},
        {"clients": [config(1)["clients"][0] | {"grant_types": ["password"]}]},
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ProviderConfig.model_validate_json(json.dumps(config(9000) | change))


def test_a_good_configuration_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "sign-in.json"
    file.write_text(json.dumps(config(9000)))
    assert load_config(file).users[0].sub == "person-9"


def test_passwords_are_salted_and_checked() -> None:
    first, second = hash_password("one"), hash_password("one")
    assert first != second
    assert check_password("one", first)
    assert not check_password("two", first)
    assert not check_password("one", None)
    with pytest.raises(ValueError):
        check_password("one", first.replace("scrypt", "plain"))


def test_a_shelf_forgets_at_the_end_and_gives_once() -> None:
    at = [0.0]
    shelf: Shelf[str] = Shelf(lambda: at[0])
    assert shelf.put("name", "value", 10)
    assert not shelf.put("name", "other", 10)
    assert shelf.get("name") == "value"
    at[0] = 10.0
    assert shelf.get("name") is None
    assert shelf.take("name") is None
    assert shelf.put("name", "again", 10)
    assert shelf.take("name") == "again"
    assert shelf.take("name") is None


def test_a_full_shelf_drops_what_has_ended_and_then_the_oldest() -> None:
    at = [0.0]
    shelf: Shelf[int] = Shelf(lambda: at[0])
    shelf.put("ended", 0, 1)
    for number in range(9_999):
        shelf.put(str(number), number, 100)
    at[0] = 2.0
    shelf.put("a", 1, 100)
    assert shelf.get("0") == 0
    shelf.put("b", 1, 100)
    assert shelf.get("0") is None
    assert shelf.get("b") == 1


def test_keys_rotate_with_age_and_the_next_is_known_in_advance() -> None:
    at = [0.0]
    keys = SigningKeys(lambda: at[0], rotate_after=60)
    first = keys.signing().keys[0].kid
    announced = {key["kid"] for key in keys.published()["keys"]}
    at[0] = 59.0
    assert keys.signing().keys[0].kid == first
    at[0] = 60.0
    second = keys.signing().keys[0].kid
    assert second != first
    assert second in announced
    assert first in {key["kid"] for key in keys.published()["keys"]}


def test_a_ticket_belongs_to_one_browser() -> None:
    state = ProviderState(time.time)
    ticket = state.new_ticket("one")
    assert not state.redeem_ticket(ticket, "two")
    assert not state.redeem_ticket(ticket, "one")
    assert state.redeem_ticket(state.new_ticket("one"), "one")

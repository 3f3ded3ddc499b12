"""What the demo calls this machine."""

import socket

import pytest

from api.demo import loopback


@pytest.fixture(autouse=True)
def afresh():
    loopback.knows_its_name.cache_clear()
    yield
    loopback.knows_its_name.cache_clear()


@pytest.mark.parametrize(("known", "host"), [(True, "localhost"), (False, "127.0.0.1")])
def test_a_machine_that_does_not_know_its_name_is_called_by_address(monkeypatch, known, host):
    """Where there is no ``/etc/hosts`` the demo runs all the same, without a place for passkeys."""

    def looked_up(name, *_rest):
        assert name == "localhost"
        if not known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    assert loopback.host() == host

"""The demo's sign-in provider on a real loopback port, in a thread of the test process."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

import uvicorn
from joserfc.jwk import ECKey
from starlette.applications import Starlette

from api.adapters.identity.fetching import HttpFetch
from api.adapters.identity.issuer_keys import CacheTimes, IssuerKeys, TrustedIssuer
from api.adapters.identity.provider import Provider, find_provider
from api.adapters.identity.resource_server import ResourceServer
from api.demo.sign_in.app import create_app
from api.demo.sign_in.config import Client, ProviderConfig, User
from api.demo.sign_in.passwords import hash_password
from api.demo.sign_in.server import SignInServer

NODE = "http://127.0.0.1:8101"
OTHER_NODE = "http://127.0.0.1:8102"
USERNAME = "us-analyst"
PASSWORD = "correct horse battery staple"
SUBJECT = "person-1"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class MachineClock:
    """The machine's time; sleeping is real but short."""

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time(), UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, 0.05))


@dataclass
class RunningProvider:
    """A provider that answers on its issuer's port."""

    issuer: str
    server: SignInServer
    machine_key: ECKey
    clock: MachineClock = field(default_factory=MachineClock)

    def provider(self) -> Provider:
        return find_provider(self.issuer)

    def resource_server(self, audience: str = NODE, refetch: float = 0.0) -> ResourceServer:
        times = CacheTimes(refetch=timedelta(seconds=refetch))
        keys = IssuerKeys(TrustedIssuer(self.issuer), HttpFetch(), self.clock, times)
        return ResourceServer(audience, [keys], self.clock)


@cache
def _hashed(password: str) -> str:
    return hash_password(password)


def provider_config(issuer: str, machine_key: ECKey) -> ProviderConfig:
    """One person, the command line's public client, one machine, two nodes."""
    return ProviderConfig(
        issuer=issuer,
        users=[
            User(
                username=USERNAME,
                password_hash=_hashed(PASSWORD),
                sub=SUBJECT,
                name="Ana Lyst",
            )
        ],
        clients=[
            Client(
                client_id="comity-cli",
                name="Comity command line",
                redirect_uris=["http://127.0.0.1/callback"],
                grant_types=["authorization_code", "refresh_token", DEVICE_GRANT],
            ),
            Client(
                client_id="code-only",
                name="Code only",
                redirect_uris=["http://127.0.0.1/callback"],
                grant_types=["authorization_code"],
            ),
            Client(
                client_id="machine",
                name="Machine",
                grant_types=["client_credentials"],
                token_endpoint_auth_method="private_key_jwt",
                jwks={"keys": [machine_key.as_dict(private=False)]},
            ),
        ],
        audiences=[NODE, OTHER_NODE],
        device_interval_seconds=1,
    )


@contextmanager
def running_provider() -> Iterator[RunningProvider]:
    """Serve the demo's provider until the block ends."""
    machine_key = ECKey.generate_key("P-256", {"use": "sig"}, auto_kid=True)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        issuer = f"http://127.0.0.1:{listener.getsockname()[1]}"
        app = create_app(provider_config(issuer, machine_key))
        with serving(app, listener):
            yield RunningProvider(issuer, app.state.server, machine_key)


@contextmanager
def serving(app: Starlette, listener: socket.socket) -> Iterator[None]:
    """Serve ``app`` on an already bound socket, in a thread."""
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="error", lifespan="off", ws="none", access_log=False)
    )
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.005)
        yield
    finally:
        server.should_exit = True
        thread.join(10)

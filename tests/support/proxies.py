"""nginx with the shipped configuration, on loopback, in front of whatever a test puts there."""

import contextlib
import http.client
import os
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.certificates import Authority, Pair
from tests.support.deployment import DEPLOY
from tests.support.foreign import oracle
from tests.support.ports import free_port, wait_until_open

MAIN = """
daemon off;
master_process on;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ worker_connections 256; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/conf.d/*.conf;
}}
"""


@dataclass
class Proxy:
    """One ministry's reverse proxy: nginx with the shipped configuration."""

    port: int
    trust: Path
    folder: Path
    own: Pair
    others: dict[str, Pair] = field(default_factory=dict)

    def context(self, client: Pair | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.trust))
        if client is not None:
            context.load_cert_chain(client.certificate, client.key)
        return context

    def connect(self, client: Pair | None = None) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=20, context=self.context(client)
        )

    def call(
        self,
        path: str,
        *,
        client: Pair | None = None,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> int:
        connection = self.connect(client)
        with contextlib.closing(connection):
            connection.request("POST" if body else "GET", path, body=body, headers=headers or {})
            response = connection.getresponse()
            response.read()
            return response.status


def write_configuration(folder: Path, port: int, upstream: int) -> Path:
    """Put the shipped files in place; only addresses and folders change."""
    (folder / "conf.d").mkdir(parents=True)
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder, user=user))
    for name in ("comity.conf", "upstream.conf"):
        text = (DEPLOY / "nginx" / name).read_text()
        changes = {
            "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
            "    listen [::]:443 ssl;\n": "",
            "/etc/comity/tls": f"{folder}/tls",
            "/var/log/nginx": str(folder),
            "server 127.0.0.1:8080 ": f"server 127.0.0.1:{upstream} ",
        }
        for old, new in changes.items():
            text = text.replace(old, new)
        (folder / "conf.d" / name).write_text(text)
    return folder / "nginx.conf"


@contextmanager
def running_proxy(
    folder: Path, upstream: int, own: Authority, partner: Authority, port: int = 0
) -> Iterator[Proxy]:
    """Run nginx for one ministry whose only partner is whoever ``partner`` says it is.

    The folder's ``tls`` is where ``own`` keeps its files. It listens on ``port``, a free one if 0.
    """
    port = port or free_port()
    own.issue("server", server=True)
    (folder / "tls" / "partners-ca.pem").write_bytes(partner.certificate.read_bytes())
    command = [
        oracle("nginx"),
        "-c",
        str(write_configuration(folder, port, upstream)),
        "-p",
        str(folder),
    ]
    tested = subprocess.run([*command, "-t"], check=False, capture_output=True, text=True)
    assert tested.returncode == 0, tested.stderr
    assert "warn" not in tested.stderr
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until_open(port)
        yield Proxy(port, own.certificate, folder, own.issue("client"))
    finally:
        process.terminate()
        process.wait(20)

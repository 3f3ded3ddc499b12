"""A real nginx with the shipped configuration in front of two nodes, each with its own partners."""

import contextlib
import http.client
import json
import os
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

import pytest
from typing_extensions import override

from tests.support.certificates import Authority, Pair
from tests.support.deployment import DEPLOY, oracle

pytestmark = [pytest.mark.oracle, pytest.mark.processes]

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


class FakeNode(ThreadingHTTPServer):
    """Answers every request and remembers it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        self.first_byte = threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        node = cast("FakeNode", self.server)
        headers = {name.lower(): value for name, value in self.headers.items()}
        node.seen.append((self.command, self.path, headers))
        left = int(headers.get("content-length", 0))
        while left:
            piece = self.rfile.read1(min(left, 65536))
            node.first_byte.set()
            left -= len(piece)
        body = json.dumps({"path": self.path}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_POST = answer  # noqa: N815 - names of the base class

    @override
    def log_message(self, *_: object) -> None:
        return


@dataclass
class Proxy:
    """One ministry's proxy and the node behind it."""

    port: int
    node: FakeNode
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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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


@pytest.fixture(scope="module")
def proxies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Proxy, Proxy]]:
    nginx = oracle("nginx")
    root = tmp_path_factory.mktemp("border")
    ministries = ("us-treasury", "uk-fcdo")
    authorities = {name: Authority(root / name / "tls", name) for name in ministries}
    with contextlib.ExitStack() as stack:
        started = []
        for mine, other in (ministries, ministries[::-1]):
            folder, node, port = root / mine, FakeNode(), free_port()
            stack.callback(node.server_close)
            stack.callback(node.shutdown)
            authorities[mine].issue("server", server=True)
            # A partner is whoever the other ministry's authority says it is.
            (folder / "tls" / "partners-ca.pem").write_bytes(
                authorities[other].certificate.read_bytes()
            )
            main = write_configuration(folder, port, node.server_port)
            command = [nginx, "-c", str(main), "-p", str(folder)]
            tested = subprocess.run([*command, "-t"], check=False, capture_output=True, text=True)
            assert tested.returncode == 0, tested.stderr
            assert "warn" not in tested.stderr
            process = subprocess.Popen(
                command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            stack.callback(process.wait, 20)
            stack.callback(process.terminate)
            client = authorities[mine].issue("client")
            started.append(Proxy(port, node, authorities[mine].certificate, folder, client))
        for proxy, other_name in zip(started, ministries[::-1], strict=True):
            proxy.others["expired"] = authorities[other_name].issue("expired", expired=True)
            wait_until_open(proxy.port)
        started[0].others["partner"], started[1].others["partner"] = (
            started[1].own,
            started[0].own,
        )
        yield started[0], started[1]


def wait_until_open(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    pytest.fail("nginx did not start")


@pytest.fixture(params=[0, 1], ids=["us-treasury", "uk-fcdo"])
def proxy(request: pytest.FixtureRequest, proxies: tuple[Proxy, Proxy]) -> Proxy:
    chosen: Proxy = proxies[request.param]
    chosen.node.seen.clear()
    chosen.node.first_byte.clear()
    return chosen


def test_officers_need_no_certificate(proxy: Proxy) -> None:
    assert proxy.call("/api/v1/packages?subject=a") == 200
    assert proxy.call("/.well-known/comity.json") == 200
    assert proxy.call("/log/checkpoint") == 200
    assert [path for _, path, _ in proxy.node.seen] == [
        "/api/v1/packages?subject=a",
        "/.well-known/comity.json",
        "/log/checkpoint",
    ]


NODES_ONLY = [
    "/peer/messages",
    "/peer/",
    "//peer/messages",
    "/%70eer/messages",
    "/peer%2Fmessages",
    "/api/../peer/messages",
    "/api/%2e%2e/peer/messages",
    "/./peer/messages",
    "/log/add-checkpoint",
    "/log/./add-checkpoint",
    "/log//add-checkpoint",
]


@pytest.mark.parametrize("path", NODES_ONLY)
def test_nodes_need_a_certificate_however_the_path_is_written(proxy: Proxy, path: str) -> None:
    assert proxy.call(path, body=b"{}") == 403
    assert proxy.node.seen == []


@pytest.mark.parametrize("path", ["/peer/messages", "/log/add-checkpoint"])
def test_partner_with_its_certificate_gets_through(proxy: Proxy, path: str) -> None:
    assert proxy.call(path, client=proxy.others["partner"], body=b"{}") == 200
    assert [seen[1] for seen in proxy.node.seen] == [path]


def test_certificates_of_others_do_not(proxy: Proxy) -> None:
    """Expired, and one of this ministry's own authority, which is no partner's."""
    for client in (proxy.others["expired"], proxy.own):
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            assert proxy.call("/peer/messages", client=client, body=b"{}") == 400
    assert proxy.node.seen == []


def test_only_tls_1_3(proxy: Proxy) -> None:
    context = proxy.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection(("127.0.0.1", proxy.port), 5) as plain,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        context.wrap_socket(plain, server_hostname="localhost")
    with (
        socket.create_connection(("127.0.0.1", proxy.port), 5) as plain,
        proxy.context().wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        assert secure.version() == "TLSv1.3"


def test_claims_about_forwarding_stop_here(proxy: Proxy) -> None:
    claims = {
        "X-Forwarded-For": "203.0.113.7",
        "Forwarded": "for=203.0.113.7",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "elsewhere.example",
        "X-Real-IP": "203.0.113.7",
        "X-SSL-Client-Cert": "forged",
    }
    assert proxy.call("/api/v1/me", headers=claims) == 200
    ((_, _, headers),) = proxy.node.seen
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "https"
    for name in ("forwarded", "x-forwarded-host", "x-real-ip", "x-ssl-client-cert"):
        assert not headers.get(name)


def test_sizes(proxy: Proxy) -> None:
    partner = proxy.others["partner"]
    assert proxy.call("/peer/messages", client=partner, body=bytes(17 << 20)) == 200
    proxy.node.seen.clear()
    for path, length in (("/peer/messages", 25 << 20), ("/api/v1/drafts", 17 << 20)):
        connection = proxy.connect(partner)
        with contextlib.closing(connection):
            connection.putrequest("POST", path)
            connection.putheader("Content-Length", str(length))
            connection.endheaders()
            assert connection.getresponse().status == 413
    assert proxy.node.seen == []


def test_exhibits_stream_to_the_node(proxy: Proxy) -> None:
    """The node has the first bytes while the officer still sends: nothing is spooled here."""
    connection = proxy.connect()
    with contextlib.closing(connection):
        connection.putrequest("PUT", "/api/v1/exhibits/sha256:00")
        connection.putheader("Content-Length", str(2 << 20))
        connection.endheaders()
        connection.send(bytes(1 << 20))
        assert proxy.node.first_byte.wait(10)
        connection.send(bytes(1 << 20))
        assert connection.getresponse().status == 200


def test_metrics_are_not_here_and_readiness_is_local(proxy: Proxy) -> None:
    assert proxy.call("/metrics") == 404
    assert proxy.node.seen == []
    assert proxy.call("/readyz") == 200


def test_answers_say_https_only_and_no_version(proxy: Proxy) -> None:
    connection = proxy.connect()
    with contextlib.closing(connection):
        connection.request("GET", "/api/v1/me")
        response = connection.getresponse()
        response.read()
    assert response.getheader("Strict-Transport-Security") == "max-age=63072000"
    assert response.getheader("Server") == "nginx"


def test_log_has_no_query_strings(proxy: Proxy) -> None:
    proxy.call("/api/v1/subjects?name=canary-of-a-name")
    log = proxy.folder / "comity.log"
    for _ in range(100):
        if "/api/v1/subjects" in log.read_text():
            break
        time.sleep(0.05)
    assert "/api/v1/subjects" in log.read_text()
    assert "canary" not in log.read_text()


def test_node_that_is_away_is_a_502_not_a_repeat(
    proxies: tuple[Proxy, Proxy], tmp_path: Path
) -> None:
    nginx = oracle("nginx")
    folder, port = tmp_path / "away", free_port()
    main = write_configuration(folder, port, free_port())
    (folder / "tls").symlink_to(proxies[0].folder / "tls")
    process = subprocess.Popen(
        [nginx, "-c", str(main), "-p", str(folder)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until_open(port)
        alone = Proxy(port, proxies[0].node, proxies[0].trust, folder, proxies[0].own)
        assert alone.call("/api/v1/me") == 502
    finally:
        process.terminate()
        process.wait(20)

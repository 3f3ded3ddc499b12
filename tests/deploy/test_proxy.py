"""A real nginx with the shipped configuration in front of two nodes, each with its own partners."""

import contextlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

import pytest
from typing_extensions import override

from tests.support import foreign
from tests.support.certificates import Authority
from tests.support.ports import free_port
from tests.support.proxies import Proxy, running_proxy

pytestmark = [foreign.needs("nginx"), pytest.mark.processes]


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

    do_GET = do_PUT = do_POST = do_PATCH = answer  # noqa: N815 - names of the base class

    @override
    def log_message(self, *_: object) -> None:
        return


@dataclass
class Site:
    """A proxy and the stand-in node behind it."""

    proxy: Proxy
    node: FakeNode


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Site]]:
    root = tmp_path_factory.mktemp("border")
    ministries = ("us-treasury", "uk-fcdo")
    authorities = {name: Authority(root / name / "tls", name) for name in ministries}
    with contextlib.ExitStack() as stack:
        started = []
        for mine, other in (ministries, ministries[::-1]):
            node = FakeNode()
            stack.callback(node.server_close)
            stack.callback(node.shutdown)
            proxy = stack.enter_context(
                running_proxy(root / mine, node.server_port, authorities[mine], authorities[other])
            )
            proxy.others["expired"] = authorities[other].issue("expired", expired=True)
            started.append(Site(proxy, node))
        first, second = started
        first.proxy.others["partner"] = second.proxy.own
        second.proxy.others["partner"] = first.proxy.own
        yield first, second


@pytest.fixture(params=[0, 1], ids=["us-treasury", "uk-fcdo"])
def site(request: pytest.FixtureRequest, sites: tuple[Site, Site]) -> Site:
    chosen: Site = sites[request.param]
    chosen.node.seen.clear()
    chosen.node.first_byte.clear()
    return chosen


@pytest.fixture
def proxy(site: Site) -> Proxy:
    return site.proxy


@pytest.fixture
def node(site: Site) -> FakeNode:
    return site.node


def test_officers_need_no_certificate(proxy: Proxy, node: FakeNode) -> None:
    assert proxy.call("/api/v1/packages?subject=a") == 200
    assert proxy.call("/.well-known/comity.json") == 200
    assert proxy.call("/log/checkpoint") == 200
    assert [path for _, path, _ in node.seen] == [
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
def test_nodes_need_a_certificate_however_the_path_is_written(
    proxy: Proxy, node: FakeNode, path: str
) -> None:
    assert proxy.call(path, body=b"{}") == 403
    assert node.seen == []


@pytest.mark.parametrize("path", ["/peer/messages", "/log/add-checkpoint"])
def test_partner_with_its_certificate_gets_through(proxy: Proxy, node: FakeNode, path: str) -> None:
    assert proxy.call(path, client=proxy.others["partner"], body=b"{}") == 200
    assert [seen[1] for seen in node.seen] == [path]


def test_certificates_of_others_do_not(proxy: Proxy, node: FakeNode) -> None:
    """Expired, and one of this ministry's own authority, which is no partner's."""
    for client in (proxy.others["expired"], proxy.own):
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            assert proxy.call("/peer/messages", client=client, body=b"{}") == 400
    assert node.seen == []


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


def test_claims_about_forwarding_stop_here(proxy: Proxy, node: FakeNode) -> None:
    claims = {
        "X-Forwarded-For": "203.0.113.7",
        "Forwarded": "for=203.0.113.7",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "elsewhere.example",
        "X-Real-IP": "203.0.113.7",
        "X-SSL-Client-Cert": "forged",
    }
    assert proxy.call("/api/v1/me", headers=claims) == 200
    ((_, _, headers),) = node.seen
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "https"
    for name in ("forwarded", "x-forwarded-host", "x-real-ip", "x-ssl-client-cert"):
        assert not headers.get(name)


def test_sizes(proxy: Proxy, node: FakeNode) -> None:
    partner = proxy.others["partner"]
    assert proxy.call("/peer/messages", client=partner, body=bytes(17 << 20)) == 200
    node.seen.clear()
    for path, length in (("/peer/messages", 25 << 20), ("/api/v1/drafts", 17 << 20)):
        connection = proxy.connect(partner)
        with contextlib.closing(connection):
            connection.putrequest("POST", path)
            connection.putheader("Content-Length", str(length))
            connection.endheaders()
            assert connection.getresponse().status == 413
    assert node.seen == []


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/api/v1/exhibits/sha256:00"), ("PATCH", f"/api/v1/uploads/{'0' * 32}")],
)
def test_exhibits_stream_to_the_node(proxy: Proxy, node: FakeNode, method: str, path: str) -> None:
    """The node has the first bytes while the officer still sends: nothing is spooled here."""
    connection = proxy.connect()
    with contextlib.closing(connection):
        connection.putrequest(method, path)
        connection.putheader("Content-Length", str(2 << 20))
        connection.endheaders()
        connection.send(bytes(1 << 20))
        assert node.first_byte.wait(10)
        connection.send(bytes(1 << 20))
        assert connection.getresponse().status == 200


def test_metrics_are_not_here_and_readiness_is_local(proxy: Proxy, node: FakeNode) -> None:
    assert proxy.call("/metrics") == 404
    assert node.seen == []
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


def test_node_that_is_away_is_a_502_not_a_repeat(tmp_path: Path) -> None:
    own, other = Authority(tmp_path / "away" / "tls", "away"), Authority(tmp_path, "other")
    with running_proxy(tmp_path / "away", free_port(), own, other) as proxy:
        assert proxy.call("/api/v1/me") == 502

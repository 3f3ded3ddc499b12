"""Beside neighbours in the same run: posts a second and page reads of Comity and TAXII servers.

What each does per request, so that nobody compares unlike things unknowingly:

* Comity: bearer token, strict parse, policy decision, officer signature checked, ES384 and
  ML-DSA-87 seal made, statement, event and index rows committed with ``synchronous=FULL``.
* medallion 3 (TAXII 2.1, memory back end): Basic authentication, parse, append to a list in memory;
  nothing is signed, nothing survives the process.
* OpenTAXII (TAXII 2.1, SQLite on disk, one gunicorn worker): bearer token, parse, object and job
  committed; nothing is signed or recorded beside. It is measured where ``--opentaxii`` names an
  interpreter that has it and gunicorn (0.10; release 0.9.3 answers object calls with 500).

    python -m bench peers [--posts N] [--opentaxii PYTHON]
"""

import argparse
import base64
import json
import logging
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from werkzeug.serving import make_server

from api.adapters.identity.issuer_keys import IssuerKeys
from api.adapters.identity.resource_server import ResourceServer
from api.app import create_app
from api.worker import Worker
from bench.publish import AUDIENCE, SUB, requests
from tests.support.federation import ISSUER, Federation
from tests.support.issuer import FakeIssuer
from tests.support.ports import free_port, wait_until_open
from tests.support.signing import US

COLLECTION = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
ROOT = "0f0b2a0e-8a3e-4c8e-9d2f-5b0b6f1d7c11"
PATH = f"/bench/collections/{COLLECTION}/objects/"
TAXII = "application/taxii+json;version=2.1"


def medallion(folder: Path) -> tuple[int, Callable[[], None]]:
    """Start medallion on loopback; returns its port and how to stop it."""
    from medallion import load_app

    data = {
        "/discovery": {"title": "bench", "default": "/bench/", "api_roots": ["/bench/"]},
        "bench": {
            "information": {
                "title": "bench",
                "versions": [TAXII],
                "max_content_length": 9765625,
            },
            "status": [],
            "collections": [
                {
                    "id": COLLECTION,
                    "title": "bench",
                    "can_read": True,
                    "can_write": True,
                    "media_types": ["application/stix+json;version=2.1"],
                    "objects": [],
                    "manifest": [],
                }
            ],
        },
    }
    (folder / "data.json").write_text(json.dumps(data))
    config = {
        "backend": {
            "module": "medallion.backends.memory_backend",
            "module_class": "MemoryBackend",
            "filename": str(folder / "data.json"),
        },
        "users": {"bench": "bench"},
        "taxii": {"max_page_size": 100},
    }
    (folder / "config.json").write_text(json.dumps(config))
    server = make_server("127.0.0.1", 0, load_app(str(folder / "config.json")), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    return server.server_port, server.shutdown


def comity(folder: Path) -> tuple[int, str, Callable[[], None]]:
    """Start a node on loopback; returns its port, an analyst's token and how to stop it."""
    federation = Federation(folder, ministries=(US,))
    node = federation["us-treasury"]
    issuer = FakeIssuer(ISSUER, federation.clock)
    keys = IssuerKeys(issuer.trusted(), issuer.fetch, federation.clock)
    tokens = ResourceServer(AUDIENCE, [keys], federation.clock)
    app = create_app(node, tokens, public_url=AUDIENCE, background=Worker(node))
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)

    def stop() -> None:
        server.should_exit = True
        thread.join(20)
        federation.close()

    port: int = server.servers[0].sockets[0].getsockname()[1]
    return port, issuer.token(SUB, AUDIENCE), stop


OPENTAXII = """
domain: localhost
support_basic_auth: no
auth_api:
  class: opentaxii.auth.sqldb.SQLDatabaseAPI
  parameters: {db_connection: "sqlite:///FOLDER/auth.db", create_tables: yes, secret: bench}
taxii1:
taxii2:
  persistence_api:
    class: opentaxii.persistence.sqldb.Taxii2SQLDatabaseAPI
    parameters: {db_connection: "sqlite:///FOLDER/data.db", create_tables: yes}
  title: bench
  public_discovery: true
  max_content_length: 9765625
logging: {root: error, opentaxii: error}
"""


@contextmanager
def opentaxii(folder: Path, python: Path) -> Iterator[tuple[int, str, str]]:
    """Run OpenTAXII on loopback; gives its port, a token and the path of a collection."""
    port = free_port()
    (folder / "config.yml").write_text(OPENTAXII.replace("FOLDER", str(folder)))
    environment = {"PATH": os.environ["PATH"], "OPENTAXII_CONFIG": str(folder / "config.yml")}

    def run(name: str, *arguments: str) -> None:
        command = [python.parent / f"opentaxii-{name}", *arguments]
        subprocess.run(command, env=environment, check=True, capture_output=True)

    run("create-account", "-u", "bench", "-p", "bench", "--admin")
    run("add-api-root", "-t", "bench", "--default", "--public", "-i", ROOT)
    run("add-collection", "-r", ROOT, "-t", "bench", "-a", "bench")
    listening = ["-b", f"127.0.0.1:{port}", "--log-level", "error", "opentaxii.http:app"]
    server = subprocess.Popen([python, "-m", "gunicorn", *listening], env=environment)
    try:
        wait_until_open(port)
        who = {"username": "bench", "password": "bench"}
        said = httpx2.post(f"http://127.0.0.1:{port}/management/auth", data=who, trust_env=False)
        yield port, said.raise_for_status().json()["token"], f"/taxii2/{ROOT}/collections/bench/"
    finally:
        server.terminate()
        server.wait(20)


def measure_opentaxii(folder: Path, python: Path, posts: int) -> dict[str, tuple[float, float]]:
    """Measure it as the other is measured."""
    with opentaxii(folder, python) as (port, token, path):
        headers = {"authorization": f"Bearer {token}", "accept": TAXII, "content-type": TAXII}
        bodies: list[Any] = [indicator() for _ in range(posts)]
        return {
            "post": timed(port, "POST", f"{path}objects/", headers, bodies),
            "page": timed(port, "GET", f"{path}objects/?limit=100", headers, [None] * 20),
        }


def indicator() -> bytes:
    """A STIX indicator of ordinary size, in an envelope."""
    return json.dumps(
        {
            "objects": [
                {
                    "type": "indicator",
                    "spec_version": "2.1",
                    "id": f"indicator--{uuid.UUID(bytes=secrets.token_bytes(16), version=4)}",
                    "created": "2026-11-23T12:00:00.000Z",
                    "modified": "2026-11-23T12:00:00.000Z",
                    "name": "An indicator",
                    "description": "A description of what was seen. " * 10,
                    "pattern": "[file:name = 'x']",
                    "pattern_type": "stix",
                    "valid_from": "2026-11-23T12:00:00.000Z",
                }
            ]
        }
    ).encode()


def timed(
    port: int, method: str, path: str, headers: dict[str, str], bodies: list[bytes | None]
) -> tuple[float, float]:
    """Requests per second and median milliseconds of one client, one connection."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    taken = []
    started = time.perf_counter()
    for body in bodies:
        begun = time.perf_counter()
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status not in {200, 201, 202}:
            raise RuntimeError(text[:200])
        taken.append(time.perf_counter() - begun)
    connection.close()
    return len(bodies) / (time.perf_counter() - started), statistics.median(taken) * 1000


def main(arguments: list[str]) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="bench peers")
    parser.add_argument("--posts", type=int, default=400)
    parser.add_argument("--opentaxii", type=Path, help="interpreter that has OpenTAXII")
    options = parser.parse_args(arguments)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    ours: dict[str, tuple[float, float]] = {}
    theirs: dict[str, dict[str, tuple[float, float]]] = {"medallion": {}}
    with tempfile.TemporaryDirectory() as folder:
        port, token, stop = comity(Path(folder) / "comity")
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        drafts: list[Any] = list(requests(options.posts))
        ours["post"] = timed(port, "POST", "/api/v1/packages", headers, drafts)
        ours["page"] = timed(port, "GET", "/api/v1/packages?limit=100", headers, [None] * 20)
        stop()
        port, halt = medallion(Path(folder))
        secret = base64.b64encode(b"bench:bench").decode()
        headers = {"authorization": f"Basic {secret}", "accept": TAXII, "content-type": TAXII}
        posts: list[Any] = [indicator() for _ in range(options.posts)]
        theirs["medallion"]["post"] = timed(port, "POST", PATH, headers, posts)
        page = timed(port, "GET", f"{PATH}?limit=100", headers, [None] * 5)
        theirs["medallion"]["page"] = page
        halt()
        if options.opentaxii is not None:
            theirs["OpenTAXII"] = measure_opentaxii(Path(folder), options.opentaxii, options.posts)
    print((__doc__ or "").partition("\n\n")[2].rpartition("\n\n")[0])
    for neighbour, found in theirs.items():
        for name, (other, their_median) in found.items():
            rate, median = ours[name]
            print(
                f"{name}: comity {rate:.0f}/s, p50 {median:.1f} ms; {neighbour} {other:.0f}/s, "
                f"p50 {their_median:.1f} ms; ratio {rate / other:.2f}"
            )


if __name__ == "__main__":
    main(sys.argv[1:])

"""Serves a node for ``bench publish`` in processes of its own, until its input ends.

Serves the code of whichever commit stands on its path; with one app it asks nothing that 175b5e4
had not. Prints one line of JSON: ports, process ids, token, and the file with submissions, signed
as that commit wants them.

    PYTHONPATH=FOLDER python -P bench/_serving.py URL COUNT [APPS]

``sqlite`` as URL stands for a file of its own. With one app the jobs run in it, else beside it.
"""

import dataclasses
import json
import os
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import uvicorn

from api.adapters.identity.issuer_keys import IssuerKeys
from api.adapters.identity.resource_server import ResourceServer
from api.app import create_app
from api.worker import Worker
from bench.publish import AUDIENCE, SUB, requests
from tests.support.federation import ISSUER, Federation
from tests.support.issuer import FakeIssuer
from tests.support.signing import US


def _app(node: Any, federation: Federation, issuer: FakeIssuer, *, alone: bool) -> int:
    """Start serving; returns the port."""
    keys = IssuerKeys(issuer.trusted(), issuer.fetch, federation.clock)
    tokens = ResourceServer(AUDIENCE, [keys], federation.clock)
    jobs = Worker(node) if alone else None
    app = create_app(node, tokens, public_url=AUDIENCE, background=jobs)
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", access_log=False)
    server = uvicorn.Server(config)
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.02)
    port: int = server.servers[0].sockets[0].getsockname()[1]
    return port


def _forked(node: Any, number: int) -> Any:
    """Return the node in a process that was just forked: with a database and chance of its own."""
    from api.records.database import Database
    from tests.support.federation import SeededEntropy

    entropy = SeededEntropy(1000 + number)
    return dataclasses.replace(node, db=Database(node.db.url), entropy=entropy)


def _beside(number: int, node: Any, federation: Federation, issuer: FakeIssuer, out: int) -> None:
    """Be an app (the jobs, if it is number 0) in a forked process until the input ends."""
    mine, port = _forked(node, number), 0
    if number:
        port = _app(mine, federation, issuer, alone=False)
    else:
        Worker(mine).start()
    os.write(out, f"{os.getpid()} {port}\n".encode())
    sys.stdin.read()
    os._exit(0)


def main(url: str, count: int, apps: int = 1) -> None:
    """Serve until the input ends."""
    folder = Path(tempfile.mkdtemp(prefix="comity-bench-"))
    urls = None if url == "sqlite" else {"us-treasury": url}
    federation = Federation(folder / "node", ministries=(US,), urls=urls)
    node = federation["us-treasury"]
    issuer = FakeIssuer(ISSUER, federation.clock)
    token = issuer.token(SUB, AUDIENCE)
    submissions = folder / "submissions.json"
    submissions.write_text(json.dumps([draft.decode() for draft in requests(count)]))
    ports, processes = [], [os.getpid()]
    if apps == 1:
        ports.append(_app(node, federation, issuer, alone=True))
    else:
        said, out = os.pipe()
        for number in range(apps + 1):
            if os.fork() == 0:
                _beside(number, node, federation, issuer, out)
        with os.fdopen(said) as lines:
            for _ in range(apps + 1):
                process, port = map(int, lines.readline().split())
                processes.append(process)
                ports += [port] if port else []
    told = {"ports": ports, "processes": processes, "token": token, "drafts": str(submissions)}
    print(json.dumps(told), flush=True)
    sys.stdin.read()
    os._exit(0)


main(sys.argv[1], int(sys.argv[2]), *map(int, sys.argv[3:]))

"""npm ``oidc-provider``: an OpenID Provider that other people wrote, on a loopback port.

Installed by ``npm ci --ignore-scripts`` in tests/oracles/oidc-provider.

with running(nodes=[NODE], machine_key=key, consoles=["https://…"]) as issuer:
    ...
"""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
from joserfc.jwk import ECKey

from tests.support import foreign

FOLDER = Path(__file__).parents[1] / "oracles" / "oidc-provider"
_MOST_PAGES = 20


@contextmanager
def running(
    nodes: Sequence[str], machine_key: ECKey, consoles: Sequence[str] = ()
) -> Iterator[str]:
    """Run the provider until the block ends; yields its issuer."""
    settings: dict[str, Any] = {"nodes": [*nodes], "consoles": [*consoles]}
    settings["machine_jwk"] = machine_key.as_dict(private=False)
    with subprocess.Popen(
        [foreign.oracle("node"), "server.mjs", json.dumps(settings)],
        cwd=FOLDER,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "NODE_OPTIONS": ""},
    ) as process:
        assert process.stdout is not None
        try:
            yield str(json.loads(process.stdout.readline())["issuer"])
        finally:
            process.kill()
            process.wait(10)


def walked(http: httpx2.Client, url: str, back: str, login: str = "anna") -> str:
    """Walk the provider's pages with one browser until it leads to ``back``; returns that address."""
    reply = http.get(url)
    for _ in range(_MOST_PAGES):
        if reply.is_redirect:
            target = str(httpx2.URL(str(reply.url)).join(reply.headers["Location"]))
            if target.startswith(back):
                return target
            reply = http.get(target)
            continue
        action = re.search(r'action="([^"]+)"', reply.text)
        assert action, reply.text
        hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', reply.text))
        prompt = "login" if 'name="login"' in reply.text else "consent"
        typed = {"prompt": prompt, "login": login, "password": "any"}
        if 'name="logout"' in reply.text:
            typed = {"logout": "yes"}
        reply = http.post(str(reply.url.join(action[1])), data={**typed, **hidden})
    raise AssertionError("the provider never came back")

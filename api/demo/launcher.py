"""Puts the demo's federation up: sign-in, three nodes, their officers.

Owns the order of these steps and what runs beside what: on two cores a node's start, password
hashing and sign-in take most of the time, so they overlap. Must not play the story.
"""

import json
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.demo import accounts as accounts_module
from api.demo import cast, loopback, node_homes, processes, staffing
from api.demo.accounts import Account
from api.demo.door import ActFailedError, OfficerAtNode
from api.demo.home import DemoHome
from api.demo.node_homes import NodeHome
from api.demo.processes import Child, Processes
from api.demo.staffing import Staff
from api.demo.story.narrator import Narrator

_THREADS = 6


@dataclass(frozen=True, slots=True)
class Federation:
    """What is up.

    Attributes:
        root: the demo's folder, where the command line finds its profiles.
        issuer: address of the sign-in provider.
        nodes: the three nodes.
        children: their processes by ministry id.
        accounts: everybody who can sign in.
        staffs: by ministry id, its accounts by name, signed in.
    """

    root: Path
    issuer: str
    nodes: Sequence[NodeHome]
    children: dict[str, Child]
    accounts: Sequence[Account]
    staffs: dict[str, Staff]


class Reach:
    """The story's power over processes (``story.stage.Powers``).

    Args:
        up: the federation; its children are kept right.
        running: all processes.
    """

    def __init__(self, up: Federation, running: Processes) -> None:
        self._up = up
        self._running = running

    def switch_off(self, ministry: str) -> None:
        """End a node's process."""
        self._running.end(ministry)

    def switch_on(self, ministry: str) -> None:
        """Start it again and wait until it is ready."""
        node = next(one for one in self._up.nodes if one.ministry.id == ministry)
        child = start_node(self._running, node)
        self._up.children[ministry] = child
        self._running.wait_ready(child)

    def comity(self, profile: str, *arguments: str) -> Any:
        """Run the command line with an officer's profile; returns the document that it prints.

        Raises:
            ActFailedError: it ended with an error.
        """
        done = subprocess.run(
            processes.comity_command("--profile", profile, "--json", *arguments),
            env={**processes.environment(), "COMITY_HOME": str(self._up.root)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=processes.PATIENCE,
            check=False,
        )
        if done.returncode:
            act = f"comity {' '.join(arguments)} as {profile}"
            raise ActFailedError(act, done.stderr.strip())
        return json.loads(done.stdout)


def launch(home: DemoHome, running: Processes, narrator: Narrator) -> Federation:
    """Put everything up and give every ministry its officers.

    Raises:
        Unavailable: ``demo.process-died``, ``demo.process-slow``.
        ActFailedError: an act of the administrators was refused.
    """
    provider_port, *ports = processes.free_ports(1 + len(cast.MINISTRIES))
    issuer = f"http://127.0.0.1:{provider_port}"
    nodes = node_homes.plan_nodes(home, ports)
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="demo") as pool:
        accounts = accounts_module.open_accounts(home, nodes, issuer, pool)
        provider = _start_provider(home, running, provider_port, issuer)
        narrator.say(f"the sign-in provider starts at {issuer} with {len(accounts)} accounts")
        node_homes.make_federation(home, nodes, issuer)
        children = {}
        for node in nodes:
            node_homes.initialise(node, issuer)
            children[node.ministry.id] = start_node(running, node)
            narrator.say(
                f"the node of {node.ministry.name} starts at {node.url}, two administrators named"
            )
        running.wait_ready(provider)
        staffs = _sign_in_all(home, accounts, pool)
        narrator.say(f"{len(accounts)} accounts sign in through the provider's forms")
        for child in children.values():
            running.wait_ready(child)
        list(pool.map(staffing.staff_ministry, staffs.values()))
        narrator.say(
            "in each ministry one administrator proposes officers, roles, keys and the place of "
            "passkeys; the other approves each"
            if loopback.knows_its_name()
            else "in each ministry one administrator proposes officers, roles and keys, the other "
            "approves each; passkeys have no place, since this machine does not know its name "
            "localhost"
        )
    return Federation(home.root.absolute(), issuer, nodes, children, accounts, staffs)


def start_node(running: Processes, node: NodeHome) -> Child:
    """Start one node's process."""
    command = processes.comity_command("node", "serve", "--settings", str(node.settings))
    return running.start(node.ministry.id, command, f"{node.url}/readyz")


def _start_provider(home: DemoHome, running: Processes, port: int, issuer: str) -> Child:
    config = str(accounts_module.provider_file(home))
    return running.start(
        "sign-in",
        processes.module_command("api.demo.sign_in", "--config", config, "--port", str(port)),
        f"{issuer}/.well-known/openid-configuration",
    )


def _sign_in_all(
    home: DemoHome, accounts: Sequence[Account], pool: ThreadPoolExecutor
) -> dict[str, Staff]:
    """Sign everybody in and write their profiles."""

    def enter(account: Account) -> OfficerAtNode:
        officer = OfficerAtNode(account)
        accounts_module.write_profile(home, account, officer.sign_in())
        return officer

    staffs: dict[str, dict[str, OfficerAtNode]] = {}
    for officer in pool.map(enter, accounts):
        seat = officer.account.seat
        staffs.setdefault(officer.ministry, {})[seat.account] = officer
    return dict(staffs)

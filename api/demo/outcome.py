"""What the demo leaves behind: ``demo.json`` and the result, for programs and for people.

Owns their form (DESIGN §10: others read both). ``demo.json`` is written last and atomically, so
whoever waits for it finds everything done.
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from api.demo import cast
from api.demo.accounts import write_private
from api.demo.home import DemoHome
from api.demo.launcher import Federation
from api.demo.reckoning import Reckoning


def write_demo_json(home: DemoHome, up: Federation) -> None:
    """Write who runs where and who can sign in."""
    document = {
        "issuer": up.issuer,
        "nodes": {
            node.ministry.id: {
                "url": node.url,
                "jurisdiction": node.ministry.jurisdiction,
                "name": node.ministry.name,
                "database_url": node.database_url,
                "store": str(node.store),
                "pid": up.children[node.ministry.id].process.pid,
                "membership": str(home.membership),
                "settings": str(node.settings),
            }
            for node in up.nodes
        },
        "users": [
            {
                "username": account.username,
                "password": account.password,
                "ministry": account.ministry.id,
                "roles": cast.roles(account.seat),
                "profile": account.username,
            }
            for account in up.accounts
        ],
        "profiles_dir": str(home.profiles),
    }
    write_private(home.demo_json, document)


def result(reckoning: Reckoning, seconds: float) -> dict[str, Any]:
    """Return the last line of ``--exit --json``."""
    document: dict[str, Any] = {
        "ok": reckoning.ok,
        "seconds": round(seconds, 1),
        "nodes": reckoning.nodes,
        "threads": reckoning.threads,
        "recall_answers": reckoning.recall_answers,
        "streams": reckoning.streams,
        "lost": reckoning.lost,
        "duplicated": reckoning.duplicated,
    }
    if reckoning.faults:
        document["faults"] = reckoning.faults
    return document


def stopped(cause: str, seconds: float) -> dict[str, Any]:
    """Return the last line of a demo whose story or reckoning did not come to its end."""
    return {"ok": False, "seconds": round(seconds, 1), "faults": [cause]}


def one_line(document: dict[str, Any]) -> str:
    """Return JSON without a line end inside."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def table(document: dict[str, Any]) -> str:
    """Return the result for people."""
    lines = ["", f"{'from':<12} {'to':<12} {'sent':>5} {'receipted':>10} {'applied':>8} refused"]
    lines += [
        f"{one['from']:<12} {one['to']:<12} {one['sent']:>5} {one['receipted']:>10} "
        f"{one['applied']:>8} {one['refused']:>7}"
        for one in document["streams"]
    ]
    if document["threads"]:
        lines += ["", "mirror requests, findings, the same state at both ends:"]
    lines += [
        f"{one['requester']} to {one['addressee']}, {one['phase']}: "
        + ", ".join(f"{key} {kind}" for key, kind in one["findings"].items())
        + ("" if len({*one["state_at"].values()}) == 1 else "  ENDS DIFFER")
        for one in document["threads"]
    ]
    lines += [
        f"{one['ministry']} answered the recall: {one['answer']}"
        for one in document["recall_answers"]
    ]
    lines += [
        "",
        *(
            f"{name}: {node['log_size']} leaves, root {node['root'][:16]}…, {node['export']}"
            for name, node in document["nodes"].items()
        ),
        "",
        f"lost {document['lost']}, duplicated {document['duplicated']}",
        f"{'all well' if document['ok'] else 'NOT WELL'} after {document['seconds']} s",
    ]
    return "\n".join([*lines, *(f"  {fault}" for fault in document.get("faults", []))])


def invitation(home: DemoHome, up: Federation) -> str:
    """Return addresses, people and three commands to try."""
    first = up.nodes[0]
    comity = _comity()
    login = f"{comity} --profile us-analyst token"
    lines = ["", "Three ministries are up. Open a console in a browser:"]
    lines += [f"  {node.ministry.name}: {node.url}/en/  {node.url}/fr/" for node in up.nodes]
    lines += [f"  {text}" for text in _ROLES]
    lines += [f"  sign-in for all of them: {up.issuer}", "", "User, password, roles:"]
    lines += [
        f"  {account.username:<16} {account.password:<18} {', '.join(cast.roles(account.seat))}"
        for account in up.accounts
    ]
    lines += [
        "",
        "Try:",
        f"  export COMITY_HOME={home.root}",
        f"  {comity} --profile uk-analyst package list",
        f'  curl -H "Authorization: Bearer $({login})" {first.url}/api/v1/me',
        f"  {comity} verify {home.export(first.ministry.id)} --membership {home.membership}",
        "",
        "Interrupt (Ctrl-C) to end.",
    ]
    return "\n".join(lines)


_ROLES = (
    "Analysts build packages, ask and answer; sign in as us-analyst or uk-analyst.",
    "Reviewers approve what leaves and decide requests; us-reviewer, uk-reviewer.",
    "Auditors watch the log and export it; us-auditor.",
    "Administrators run the node and see no evidence; us-admin and us-admin2 decide together.",
)


def _comity() -> str:
    """Return how the reader calls the command: by its path where it is not on the search path."""
    return "comity" if shutil.which("comity") else str(Path(sys.executable).with_name("comity"))

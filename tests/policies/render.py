"""Writes the tables of docs/policy.md from the decider: `python -m tests.policies.render`.

The tables show what the engine answers, not what the examples expect; the matrix test holds the two
together.
"""

import sys
from pathlib import Path

from api.adapters.policy.cedar import CedarDecider
from api.ports.policy import Action
from tests.policies.cases import (
    POLICIES,
    ROLE_COLUMNS,
    Questions,
    context,
    principal_of,
    read,
)

PAGE = POLICIES.parent / "docs" / "policy.md"


def _mark(name: str, edge: str) -> str:
    return f"<!-- {edge} {name} -->"


def matrix_table(decider: CedarDecider) -> str:
    questions = Questions(decider.four_eyes)
    favourable = read("matrix.toml")["favourable"]
    lines = [
        "| action | " + " | ".join(ROLE_COLUMNS) + " |",
        "|---|" + ":-:|" * len(ROLE_COLUMNS),
    ]
    for action in Action:
        cells = []
        for column in ROLE_COLUMNS:
            who = principal_of(column)
            resource = questions.resource(who, favourable[action])
            decision = decider.decide(who, action, resource, context({"form": "jws"}))
            cells.append("✓" if decision.allowed else "")
        lines.append(f"| `{action}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def four_eyes_table(decider: CedarDecider) -> str:
    lines = [
        "| statement | prepared by | approved by | confirmed by | own key |",
        "|---|---|---|---|---|",
    ]
    for name, row in decider.four_eyes.rows.items():
        confirmed = ", ".join(sorted(row.confirmed_by))
        if row.confirm_within_hours is not None:
            confirmed += f" within {row.confirm_within_hours} h"
        cells = [
            "the node" if row.sealed_by_node else ", ".join(sorted(row.prepared_by)),
            ", ".join(sorted(row.approved_by)),
            confirmed,
            ", ".join(sorted(row.own_key)),
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def guardrail_table(decider: CedarDecider) -> str:
    lines = ["| guardrail | code | says |", "|---|---|---|"]
    lines += [
        f"| `{policy.id}` | `{policy.code}` | {policy.reason} |"
        for policy in decider.policies.values()
        if policy.effect == "forbid"
    ]
    return "\n".join(lines)


def rendered(page: str) -> str:
    decider = CedarDecider.from_directory(POLICIES)
    tables = {
        "matrix": matrix_table(decider),
        "four-eyes": four_eyes_table(decider),
        "guardrails": guardrail_table(decider),
    }
    for name, table in tables.items():
        before, rest = page.split(_mark(name, "begin"))
        _, after = rest.split(_mark(name, "end"))
        page = f"{before}{_mark(name, 'begin')}\n{table}\n{_mark(name, 'end')}{after}"
    return page


def main(page: Path = PAGE) -> int:
    page.write_text(rendered(page.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""``comity recusal`` and ``comity delegation``: conflicts of interest, and absences.

Owns two groups over REST.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer

from api.cli import output
from api.cli.arguments import Delegate, DelegationId, Reason, Seen, given, id_option
from api.cli.client import connected
from api.cli.commands import command, group
from api.cli.deciding import Change, Yes, approved, shown
from api.cli.profiles import CliContext
from api.cli.short_references import ANY, RECORD, named

recusal = group("recusal", "Stand aside from an object for a conflict of interest.")
delegation = group("delegation", "Lend a role during an absence.")

_OBJECTS = ("draft", "package", "proposal", "designation", "thread")
ObjectId = Annotated[
    str,
    typer.Argument(
        help="Id of the draft, package, proposal, designation or thread.",
        callback=named(ANY, "an id is as its list shows it", *_OBJECTS),
    ),
]
Officer = Annotated[
    str | None, id_option("Record id of a colleague; default: you yourself.", RECORD, "officer")
]


@command(recusal, "record")
def record(
    context: CliContext, object_id: ObjectId, *, reason: Reason, officer: Officer = None
) -> None:
    """Stand aside: you, or a colleague, neither see the object nor act on it from now on.

    Example: comity --profile us-analyst recusal record sha256:… --reason "A relative is named."
    """
    body = given(officer=officer, object=object_id, reason=reason)
    with connected(context) as api:
        made = api.post("/recusals", body)
    output.result(context, made, _recusal(made))


@command(recusal, "lift")
def lift(
    context: CliContext,
    object_id: ObjectId,
    *,
    officer: Annotated[
        str, id_option("Record id of the colleague who stands aside.", RECORD, "officer")
    ],
) -> None:
    """Lift a colleague's recusal that has passed; nobody lifts their own.

    Example: comity --profile us-reviewer recusal lift sha256:… --officer 01a2…
    """
    with connected(context) as api:
        done = api.post("/recusals/lift", {"officer": officer, "object": object_id})
    output.result(context, done, _recusal(done))


@command(recusal, "list")
def recusals(
    context: CliContext,
    *,
    about: Annotated[
        str | None, id_option("Only from the object with this id.", ANY, *_OBJECTS)
    ] = None,
) -> None:
    """List the recusals that stand.

    Example: comity --profile us-auditor recusal list
    """
    with connected(context) as api:
        found = api.get("/recusals", **given(object=about))
    columns: list[output.Column] = [
        ("OFFICER", "officer"),
        ("OBJECT", "object"),
        ("SINCE", output.at("at")),
        ("REASON", "reason"),
    ]
    output.result(context, found, output.table(found["items"], columns))


@command(delegation, "propose")
def propose_delegation(
    context: CliContext,
    delegate: Delegate,
    role: Annotated[str, typer.Argument(help="analyst or reviewer.")],
    *,
    since: Annotated[str, typer.Option("--from", help="First instant, in UTC.")],
    until: Annotated[str, typer.Option("--to", help="First instant no longer, in UTC.")],
    reason: Reason,
    delegator: Annotated[
        str | None,
        id_option("Record id of who is absent; default: you yourself.", RECORD, "officer"),
    ] = None,
    act: Annotated[
        list[str] | None, typer.Option(help="Only for this act; may be repeated.")
    ] = None,
) -> None:
    """Propose to lend a role for an absence; somebody who is no part of it approves.

    Example: comity --profile us-reviewer delegation propose 01a2… reviewer
    --from 2027-01-04T00:00:00.000Z --to 2027-01-11T00:00:00.000Z --reason "Leave."
    """
    body = given(
        delegator=delegator,
        delegate=delegate,
        role=role,
        acts=act or None,
        starts=since,
        ends=until,
        reason=reason,
    )
    with connected(context) as api:
        made = api.post("/delegations", body)
    output.result(context, made, _delegation(made))


@command(delegation, "preview")
def preview_delegation(context: CliContext, delegation_id: DelegationId) -> None:
    """Show who would act for whom, in what and when.

    Example: comity --profile us-admin delegation preview 01a2…
    """
    shown(context, f"/delegations/{delegation_id}/preview")


@command(delegation, "approve")
def approve_delegation(
    context: CliContext, delegation_id: DelegationId, *, digest: Seen = None, yes: Yes = False
) -> None:
    """Approve a delegation that you have no part in: shows it and asks.

    Example: comity --profile us-admin delegation approve 01a2…
    """
    path = f"/delegations/{delegation_id}"
    change = Change(f"{path}/preview", f"{path}/approve", _delegation)
    approved(context, change, digest=digest, yes=yes)


@command(delegation, "end")
def end_delegation(context: CliContext, delegation_id: DelegationId) -> None:
    """End a delegation at once.

    Example: comity --profile us-reviewer delegation end 01a2…
    """
    _decide_delegation(context, delegation_id, "end")


@command(delegation, "list")
def delegations(context: CliContext) -> None:
    """List delegations: all for administrators and auditors, your own for others.

    Example: comity --profile us-admin delegation list
    """
    with connected(context) as api:
        found = api.get("/delegations")
    columns: list[output.Column] = [
        ("ID", "id"),
        ("STATE", _state),
        ("ROLE", "role"),
        ("FROM", "delegator"),
        ("TO", "delegate"),
        ("STARTS", output.at("starts")),
        ("ENDS", output.at("ends")),
    ]
    output.result(context, found, output.table(found["items"], columns))


def _decide_delegation(context: CliContext, delegation_id: str, act: str) -> None:
    with connected(context) as api:
        done = api.post(f"/delegations/{delegation_id}/{act}")
    output.result(context, done, _delegation(done))


def _recusal(item: Mapping[str, Any]) -> Iterable[str]:
    return output.details(
        {"officer": item["officer"], "object": item["object"], "state": item["state"]}
    )


def _delegation(item: Mapping[str, Any]) -> Iterable[str]:
    return output.details(
        {
            "delegation": item["id"],
            "state": _state(item),
            "role": item["role"],
            "lent by": item["delegator"],
            "lent to": item["delegate"],
            "starts": item["starts"],
            "ends": item["ends"],
            "acts": ", ".join(item["acts"]),
        }
    )


def _state(item: Mapping[str, Any]) -> str:
    if item.get("ended_at"):
        return "ended"
    return "approved" if item.get("approved_by") else "proposed"

"""``comity officer`` and ``comity grant``: who works here, and in which roles.

Owns two groups over REST. Every addition takes two administrators; taking away takes one.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer

from api.cli import output
from api.cli.arguments import GrantId, OfficerId, Seen, given, instant_option
from api.cli.client import connected, profile_of
from api.cli.commands import command, group
from api.cli.deciding import Change, Yes, approved, shown
from api.cli.profiles import CliContext
from api.domain.errors import Invalid

officers = group("officer", "The people of this ministry.")
grants = group("grant", "The roles that they hold.")


class RoleName(StrEnum):
    """Roles of officers."""

    ANALYST = "analyst"
    REVIEWER = "reviewer"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


@command(officers, "list")
def list_officers(context: CliContext) -> None:
    """List the officers with their accounts, roles and keys.

    Example: comity --profile us-admin officer list
    """
    with connected(context) as api:
        found = api.get("/officers")
    columns: list[output.Column] = [
        ("ID", "id"),
        ("STATE", "state"),
        ("NAME", "name"),
        ("ROLES", lambda item: _active(item["grants"], "role")),
        ("ACCOUNTS", lambda item: [each["sub"] for each in item["identities"]]),
        ("KEYS", lambda item: len(_active(item["keys"], "kid"))),
        ("UNTIL", output.at("expires_at")),
    ]
    output.result(context, found, output.table(found["items"], columns))


@command(officers, "propose")
def propose_officer(
    context: CliContext,
    *,
    name: Annotated[str, typer.Option(help="The person's name.")],
    sub: Annotated[
        list[str] | None, typer.Option(help="An account's id at the profile's sign-in service.")
    ] = None,
    account: Annotated[
        list[str] | None, typer.Option(help='An account elsewhere, as "ISSUER ID".')
    ] = None,
    until: Annotated[
        str | None, instant_option("End of the account, as 2027-01-31T00:00Z.")
    ] = None,
    outside: Annotated[
        bool, typer.Option("--outside", help="Not of this ministry, such as an auditor.")
    ] = False,
) -> None:
    """Propose a person with every account of theirs; another administrator approves.

    Example: comity --profile us-admin officer propose --name "Ana Lyst" --sub ana
    """
    _, profile = profile_of(context)
    identities = [{"iss": profile.issuer, "sub": each} for each in sub or []]
    identities += [_account(each) for each in account or []]
    if not identities:
        raise Invalid("officer.incomplete", "Give at least one account: --sub or --account.")
    body = given(name=name, identities=identities, expires_at=until, outside=outside or None)
    with connected(context) as api:
        made = api.post("/officers", body)
    output.proposed(context, made, _officer(made))


@command(officers, "preview")
def preview_officer(context: CliContext, officer: OfficerId) -> None:
    """Show who is proposed, under which accounts.

    Example: comity --profile us-admin2 officer preview 01a2…
    """
    shown(context, f"/officers/{officer}/preview")


@command(officers, "approve")
def approve_change(
    context: CliContext, officer: OfficerId, *, digest: Seen = None, yes: Yes = False
) -> None:
    """Approve a person whom another administrator proposed: shows who it is, and asks.

    Example: comity --profile us-admin2 officer approve 01a2…
    """
    path = f"/officers/{officer}"
    change = Change(f"{path}/preview", f"{path}/approve", _officer)
    approved(context, change, digest=digest, yes=yes)


@command(officers, "suspend")
def suspend(context: CliContext, officer: OfficerId) -> None:
    """Suspend an officer at once, for 24 hours unless another administrator confirms it.

    Example: comity --profile us-admin officer suspend 01a2…
    """
    _post(context, f"/officers/{officer}/suspend", _officer)


@command(officers, "preview-suspension")
def preview_suspension(context: CliContext, officer: OfficerId) -> None:
    """Show the suspension that waits for confirmation.

    Example: comity --profile us-admin2 officer preview-suspension 01a2…
    """
    shown(context, f"/officers/{officer}/suspension/preview")


@command(officers, "confirm-suspension")
def confirm_suspension(
    context: CliContext, officer: OfficerId, *, digest: Seen = None, yes: Yes = False
) -> None:
    """Confirm a suspension, as the second administrator: it stands until two take it back.

    Example: comity --profile us-admin2 officer confirm-suspension 01a2…
    """
    path = f"/officers/{officer}/suspension"
    change = Change(f"{path}/preview", f"{path}/confirm", _officer)
    approved(context, change, digest=digest, yes=yes)


@command(officers, "reinstate")
def reinstate(context: CliContext, officer: OfficerId) -> None:
    """Propose to take a suspension back; another administrator approves.

    Example: comity --profile us-admin officer reinstate 01a2…
    """
    _post(context, f"/officers/{officer}/reinstatement", _officer)


@command(officers, "preview-reinstatement")
def preview_reinstatement(context: CliContext, officer: OfficerId) -> None:
    """Show whose suspension would end.

    Example: comity --profile us-admin2 officer preview-reinstatement 01a2…
    """
    shown(context, f"/officers/{officer}/reinstatement/preview")


@command(officers, "approve-reinstatement")
def approve_reinstatement(
    context: CliContext, officer: OfficerId, *, digest: Seen = None, yes: Yes = False
) -> None:
    """Take a suspension back, as the second administrator: shows whose, and asks.

    Example: comity --profile us-admin2 officer approve-reinstatement 01a2…
    """
    path = f"/officers/{officer}/reinstatement"
    change = Change(f"{path}/preview", f"{path}/approve", _officer)
    approved(context, change, digest=digest, yes=yes)


@command(grants, "list")
def grant_list(context: CliContext) -> None:
    """List all role grants.

    Example: comity --profile us-auditor grant list
    """
    with connected(context) as api:
        found = api.get("/role-grants")
    columns: list[output.Column] = [
        ("ID", "id"),
        ("STATE", "state"),
        ("ROLE", "role"),
        ("OFFICER", "officer"),
        ("ACCOUNT", "sub"),
        ("PROPOSED", output.at("proposed_at")),
        ("DECIDED", output.at("decided_at")),
    ]
    output.result(context, found, output.table(found["items"], columns))


@command(grants, "propose")
def grant_propose(
    context: CliContext,
    officer: OfficerId,
    role: Annotated[RoleName, typer.Argument(help="The role.")],
    *,
    sub: Annotated[
        str | None, typer.Option(help="Only when they sign in with this account.")
    ] = None,
) -> None:
    """Propose a role for an officer; another administrator approves.

    Example: comity --profile us-admin grant propose 01a2… analyst
    """
    body = given(officer=officer, role=str(role), sub=sub)
    with connected(context) as api:
        made = api.post("/role-grants", body)
    output.proposed(context, made, _grant(made))


@command(grants, "preview")
def preview_grant(context: CliContext, grant: GrantId) -> None:
    """Show which role is proposed for whom.

    Example: comity --profile us-admin2 grant preview 01a2…
    """
    shown(context, f"/role-grants/{grant}/preview")


@command(grants, "approve")
def grant_approve(
    context: CliContext, grant: GrantId, *, digest: Seen = None, yes: Yes = False
) -> None:
    """Approve a role that another administrator proposed: shows it and asks.

    Example: comity --profile us-admin2 grant approve 01a2…
    """
    path = f"/role-grants/{grant}"
    change = Change(f"{path}/preview", f"{path}/approve", _grant)
    approved(context, change, digest=digest, yes=yes)


@command(grants, "revoke")
def grant_revoke(context: CliContext, grant: GrantId) -> None:
    """Take a role away at once.

    Example: comity --profile us-admin grant revoke 01a2…
    """
    _post(context, f"/role-grants/{grant}/revoke", _grant)


def _post(context: CliContext, path: str, lines: Any) -> None:
    with connected(context) as api:
        done = api.post(path)
    output.result(context, done, lines(done))


def _account(text: str) -> dict[str, str]:
    issuer, _, sub = text.strip().partition(" ")
    if not sub.strip():
        raise typer.BadParameter('an account is "ISSUER ID"', param_hint="--account")
    return {"iss": issuer, "sub": sub.strip()}


def _active(rows: list[dict[str, Any]], member: str) -> list[str]:
    return [item[member] for item in rows if item["state"] == "active"]


def _officer(item: Mapping[str, Any]) -> Iterable[str]:
    return output.details(
        {
            "officer": item["id"],
            "state": item["state"],
            "name": item["name"],
            "until": item.get("expires_at"),
            "suspended": _suspended(item.get("suspension")),
        }
    )


def _suspended(found: Mapping[str, Any] | None) -> str | None:
    """Say how long a suspension lasts and what it waits for."""
    if found is None:
        return None
    if found.get("lift_proposed_by"):
        return "reinstatement waits for another administrator"
    if found.get("confirmed_at"):
        return "until two administrators reinstate"
    return f"until {output.moment(found['ends_at'])}, unless another administrator confirms"


def _grant(item: Mapping[str, Any]) -> Iterable[str]:
    return output.details(
        {
            "grant": item["id"],
            "state": item["state"],
            "role": item["role"],
            "officer": item["officer"],
            "account": item.get("sub"),
        }
    )

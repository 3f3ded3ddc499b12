"""``comity draft``: statements in the making, and the second officer's decision.

Owns showing drafts and deciding on them. Nobody signs what they have not seen: an approval binds
the digest that was read, and a candidate is compared with it before it is signed.
"""

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import output
from api.cli.arguments import DraftId, Limit, Reason, Seen, read_body
from api.cli.body_lines import body_lines
from api.cli.client import Api, connected
from api.cli.commands import command, group
from api.cli.deciding import Look, Yes
from api.cli.files import write_new
from api.cli.profiles import CliContext
from api.cli.signing import PassphraseFile, Recorded, endorsed, own_key
from api.domain.errors import Stale
from api.wire.errors import WireError

if TYPE_CHECKING:
    from api.adapters.crypto.officer_key import OfficerKey

_MOST_HELD = 1000
"""As many ids as a preview tells of what a recipient holds."""

app = group("draft", "See, approve and return statements in the making.")


@command(app, "list")
def list_drafts(
    context: CliContext,
    *,
    state: Annotated[
        str | None, typer.Option(help="drafted, returned, sealed or discarded.")
    ] = None,
    limit: Limit = 50,
) -> None:
    """List drafts, newest first.

    Example: comity --profile us-reviewer draft list --state drafted
    """
    with connected(context) as api:
        found = api.items("/drafts", limit, state=state)
    columns: list[output.Column] = [
        ("ID", "id"),
        ("STATE", "state"),
        ("TYPE", "type"),
        ("TO", "to"),
        ("CHANGED", output.at("updated_at")),
        ("PREPARED BY", lambda item: item["prepared"]["sub"]),
    ]
    output.result(context, found, output.table(found["items"], columns))
    if "next" in found:
        output.talk("There are more: raise --limit.")


@command(app, "show")
def show_draft(context: CliContext, draft: DraftId) -> None:
    """Show a draft and the digest that an approval binds.

    Example: comity --profile us-reviewer draft show 01a2…
    """
    with connected(context) as api:
        found = api.get(f"/drafts/{draft}")
    output.result(context, found, [*summary(found), "", *body_lines(found["body"])])


class TemplateForm(StrEnum):
    """Statements that have a form to fill in; each by its type and by one word."""

    PACKAGE = "evidence-package"
    PROPOSAL = "designation-proposal"
    DESIGNATION = "designation"
    AMENDMENT = "designation-amendment"
    REQUEST = "mirror-request"
    SHORT_PACKAGE = "package"
    SHORT_PROPOSAL = "proposal"
    SHORT_AMENDMENT = "amendment"
    SHORT_REQUEST = "request"


@command(app, "template")
def template(
    context: CliContext,
    form: Annotated[TemplateForm, typer.Argument(help="Which statement.")],
    *,
    out: Annotated[Path, typer.Option(help="Form to write.")],
) -> None:
    """Write a form to fill in, with every member and the words allowed explained.

    Example: comity draft template mirror-request --out request.toml
    """
    from api.cli import templates

    texts = {
        TemplateForm.PACKAGE: templates.PACKAGE,
        TemplateForm.SHORT_PACKAGE: templates.PACKAGE,
        TemplateForm.PROPOSAL: templates.PROPOSAL,
        TemplateForm.SHORT_PROPOSAL: templates.PROPOSAL,
        TemplateForm.DESIGNATION: templates.DESIGNATION,
        TemplateForm.AMENDMENT: templates.AMENDMENT,
        TemplateForm.SHORT_AMENDMENT: templates.AMENDMENT,
        TemplateForm.REQUEST: templates.REQUEST,
        TemplateForm.SHORT_REQUEST: templates.REQUEST,
    }
    write_new(out, texts[form].encode())
    output.result(context, {"out": str(out), "form": form.value}, [f"{out}: fill it in."])


@command(app, "preview")
def preview(context: CliContext, draft: DraftId) -> None:
    """Show what each partner would see, and what stays here.

    Example: comity --profile us-reviewer draft preview 01a2…
    """
    with connected(context) as api:
        found = api.get(f"/drafts/{draft}/preview")
    output.result(context, found, _preview_lines(found))


@command(app, "approve")
def approve_draft(
    context: CliContext,
    draft: DraftId,
    *,
    digest: Seen = None,
    yes: Yes = False,
    recorded: Recorded = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Approve a draft that another officer prepared; the ministry seals and sends it.

    With --digest, only what you read before with comity draft preview. A profile with a signing key
    signs the exact statement; else the ministry records the approval.

    Example: comity --profile us-reviewer draft approve 01a2… --digest sha256:…
    """
    key = own_key(context, passphrase_file, recorded=recorded)
    with connected(context) as api:
        seen = _digest_read(api, draft, Look(digest, yes=yes))
        if key is None:
            done = api.post(f"/drafts/{draft}/approve", {"digest": seen})
        else:
            done = _sign(api, draft, seen, key)
    output.result(context, done, summary(done))


@command(app, "return")
def return_draft(context: CliContext, draft: DraftId, *, reason: Reason) -> None:
    """Return a draft to its authors.

    Example: comity --profile us-reviewer draft return 01a2… --reason "Name the legal basis."
    """
    _decide(context, draft, "return", {"reason": reason})


@command(app, "replace")
def replace_draft(
    context: CliContext,
    draft: DraftId,
    *,
    body: Annotated[Path, typer.Option(help="The new body, JSON; - reads stdin.")],
    recorded: Recorded = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Write the next version of a draft; whoever writes one never approves it.

    Example: comity --profile us-analyst draft replace 01a2… --body release.json
    """
    from api.wire.statements import Content

    key = own_key(context, passphrase_file, recorded=recorded)
    content = read_body(body)
    with connected(context) as api:
        seen, tag = api.get_tagged(f"/drafts/{draft}")
        again = Content(seen["type"], tuple(seen["to"]), content, seen.get("thread"))
        signed = endorsed(api, key, again, seen["nonce"])
        done = api.put(f"/drafts/{draft}", {"body": content} | signed, tag)
    output.result(context, done, summary(done))


@command(app, "discard")
def discard_draft(context: CliContext, draft: DraftId) -> None:
    """Set aside a draft that has not left.

    Example: comity --profile us-analyst draft discard 01a2…
    """
    _decide(context, draft, "discard", None)


@command(app, "confirm")
def confirm_draft(
    context: CliContext, draft: DraftId, *, digest: Seen = None, yes: Yes = False
) -> None:
    """Confirm, as a second reviewer, a recall that left at once; shows it and asks.

    Example: comity --profile us-reviewer2 draft confirm 01a2… --digest sha256:…
    """
    with connected(context) as api:
        seen = _digest_read(api, draft, Look(digest, yes=yes))
        done = api.post(f"/drafts/{draft}/confirm", tag=f'"{seen}"')
    output.result(context, done, summary(done))


def summary(draft: dict[str, Any]) -> Iterable[str]:
    """Yield a draft's members but its body."""
    prepared_by = draft["prepared"]
    return output.details(
        {
            "draft": draft["id"],
            "state": draft["state"],
            "type": draft["type"],
            "to": draft["to"],
            "version": draft["version"],
            "digest": draft["digest"],
            "prepared by": f"{prepared_by['sub']} ({prepared_by['form']})",
            "changed": output.moment(draft["updated_at"]),
            "returned because": draft.get("return_reason"),
            "confirm by": output.moment(draft["confirm_by"]) if "confirm_by" in draft else None,
            "statement": draft.get("statement"),
        }
    )


def _digest_read(api: Api, draft: str, look: Look) -> str:
    return look.read(lambda: api.get(f"/drafts/{draft}/preview"), _preview_lines, "draft")


def _decide(context: CliContext, draft: str, act: str, body: dict[str, Any] | None) -> None:
    with connected(context) as api:
        done = api.post(f"/drafts/{draft}/{act}", body)
    output.result(context, done, summary(done))


def _sign(api: Api, draft: str, seen: str, key: "OfficerKey") -> dict[str, Any]:
    """Sign the candidate that the node composes, if it says what was read."""
    from api.wire.digests import digest as digest_of
    from api.wire.encoding import b64u_decode
    from api.wire.statements import parse_statement

    answer = api.post(f"/drafts/{draft}/candidate", {"form": "jws", "kid": key.kid})
    payload = b64u_decode(answer["candidate"])
    statement = parse_statement(payload)
    if digest_of(statement.prepared) != seen:
        raise Stale("draft.stale", "The draft changed since you read it; read it again.")
    approved = statement.by.approved if statement.by is not None else None
    if approved is None or approved.kid != key.kid:
        raise WireError("candidate.foreign", "The node's candidate names another approver.")
    done: dict[str, Any] = api.post(
        f"/drafts/{draft}/approve",
        {"candidate": answer["candidate"], "signature": key.sign_approval(payload).to_json()},
    )
    return done


def _preview_lines(found: dict[str, Any]) -> Iterable[str]:
    """Yield what leaves, in words first, then exactly what each recipient gets."""
    yield from _words(found["words"])
    for recipient in found["recipients"]:
        yield output.safe(f"To {recipient['ministry']} ({recipient['jurisdiction']}):")
        for statement in recipient["receives"]:
            yield f"  {statement['type']}"
            yield from (f"    {line}" for line in body_lines(statement["body"]))
        for exhibit in recipient["exhibits"]:
            yield output.safe(f"  exhibit {exhibit['label']} ({exhibit['size']} bytes)")
        held = len(recipient["holds_already"])
        most = "or more " if held == _MOST_HELD else ""
        yield f"  holds {held} {most}of our packages already"
    yield "Stays here:"
    for line in found["stays_here"]:
        yield output.safe(f"  {line}")
    yield f"Digest: {found['digest']}"


def _words(words: dict[str, Any]) -> Iterable[str]:
    for one in words["about"]:
        yield output.safe(f"About the {one['kind']}: {one['title']}")
    for subject in words["subjects"]:
        key = f"{subject['key']} = " if subject["key"] else ""
        yield output.safe(f"Subject: {key}{', '.join(subject['names'])}")
    if (marking := words.get("marking")) is not None:
        control = "originator control" if marking["originator_control"] else "no originator control"
        circle = ", ".join(marking["releasable_to"]) or "nobody by name"
        yield output.safe(f"Marking: TLP:{marking['tlp']}, releasable to {circle}, {control}")
        yield output.safe(f"Use: {'; '.join(marking['permitted_use']) or 'not said'}")
    if (law := words.get("law")) is not None:
        named = f"{law['regime']}, edition {law['edition']}" if law["edition"] else law["regime"]
        yield output.safe(f"Law: {named}: {'; '.join(law['grounds'])}")
    for name, text in words["texts"].items():
        yield output.safe(f"{name}: {text}")
    for sentence in words["unusual"]:
        yield output.safe(f"! {sentence}")

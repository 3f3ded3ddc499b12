"""The form of successful answers, by operation id: packages, drafts, people, the node.

Handlers answer with plain JSON, so their code does not say what is in it; these tables do, for
``python -m tools.openapi``. ``tests/docs/test_answers.py`` compares them with what running nodes
answer. An operation without an entry is documented with its statuses and refusals alone.
"""

from typing import Final

from api.domain.changes import ChangeKind
from tools.openapi_forms import (
    ANY_OBJECT,
    COUNT,
    DIGEST,
    FLAG,
    INSTANT,
    KID,
    RECORD,
    TEXT,
    Answer,
    Schema,
    list_of,
    map_of,
    named,
    object_of,
    one_of,
    or_null,
    page_of,
)

_EXHIBIT: Final = {"label": TEXT, "digest": DIGEST, "size": COUNT, "media_type": TEXT}
_PACKAGE: Final = {
    "id": DIGEST,
    "originator": TEXT,
    "title": TEXT,
    "state": TEXT,
    "submitted_at": INSTANT,
    "supersedes?": or_null(DIGEST),
    "superseded_by?": or_null(DIGEST),
    "return_reason?": TEXT,
}
_GRANT: Final = {"id": RECORD, "officer": RECORD, "role": TEXT, "state": TEXT, "sub?": TEXT}
_KEY: Final = {"kid": KID, "officer": RECORD, "form": one_of("jws", "webauthn"), "state": TEXT}
_OFFICER: Final = {
    "id": RECORD,
    "name": TEXT,
    "state": one_of("proposed", "active", "suspended"),
    "expires_at?": INSTANT,
    "outside": FLAG,
    "suspension?": named("Suspension"),
}
_PARTY: Final = {
    "id": RECORD,
    "rp_id": TEXT,
    "origins": list_of(TEXT),
    "state": one_of("proposed", "active", "replaced"),
    "proposed_by": TEXT,
    "proposed_at": INSTANT,
    "decided_by?": TEXT,
    "decided_at?": INSTANT,
}

SCHEMAS: Final[dict[str, Schema]] = {
    "Draft": object_of(
        {
            "id": RECORD,
            "type": TEXT,
            "state": TEXT,
            "version": COUNT,
            "digest": DIGEST,
            "to": list_of(TEXT),
            "thread?": DIGEST,
            "about?": TEXT,
            "body": ANY_OBJECT,
            "prepared": ANY_OBJECT,
            "created_at": INSTANT,
            "updated_at": INSTANT,
            "confirm_by?": INSTANT,
            "confirmed_by?": TEXT,
            "return_reason?": TEXT,
            "statement?": DIGEST,
        },
        "A statement in the making; `digest` is what an approver has seen.",
    ),
    "Event": object_of(
        {
            "seq": COUNT,
            "index": or_null(COUNT),
            "erased": FLAG,
            "gap": or_null(one_of("erased", "lost")),
            "statement": or_null(DIGEST),
            "event": or_null(ANY_OBJECT),
        },
        "`index` is the leaf once the event is sequenced; `gap` says why `event` is absent.",
    ),
    "Exhibit": object_of({**_EXHIBIT, "state?": TEXT}),
    "Grant": object_of(_GRANT),
    "Holder": object_of(
        {
            "package": DIGEST,
            "ministry": TEXT,
            "release": DIGEST,
            "state": TEXT,
            "message?": TEXT,
            "receipted_at?": INSTANT,
            "disposition?": DIGEST,
            "code?": TEXT,
            "recall?": DIGEST,
            "recall_outcome?": TEXT,
            "answer?": TEXT,
            "answer_reason?": TEXT,
            "answered_at?": INSTANT,
        },
        "One ministry that holds a package, and what it did with it.",
    ),
    "OfficerKey": object_of(_KEY),
    "Officer": object_of(_OFFICER),
    "OfficerRecord": object_of(
        {
            **_OFFICER,
            "identities": list_of(object_of({"iss": TEXT, "sub": TEXT})),
            "grants": list_of(named("Grant")),
            "keys": list_of(named("OfficerKey")),
        }
    ),
    "Approval": object_of(
        {
            "act": TEXT,
            "object": TEXT,
            "version": COUNT,
            "digest": TEXT,
            "approver": TEXT,
            "authors": list_of(TEXT),
            "approved_at": INSTANT,
            "previewed_at": or_null(INSTANT),
            "index": or_null(COUNT),
            "seconds": or_null({"type": "number"}),
        },
        "`approver` and `authors` are accounts, issuer and subject.",
    ),
    "Change": object_of(
        {
            "kind": one_of(*ChangeKind),
            "id": TEXT,
            "digest": DIGEST,
            "effect": TEXT,
            "facts": list_of(object_of({"name": TEXT, "value": TEXT})),
        },
        "What the second officer is shown; an approval rests on a look at this `digest`.",
    ),
    "MembershipChange": object_of(
        {
            "digest": DIGEST,
            "serial": COUNT,
            "state": one_of("proposed", "approved"),
            "proposed_by": TEXT,
            "proposed_at": INSTANT,
            "decided_by?": TEXT,
            "decided_at?": INSTANT,
            "difference": object_of(
                {"added": list_of(TEXT), "removed": list_of(TEXT), "changed": map_of(list_of(TEXT))}
            ),
        },
        "`difference` is against the membership in use.",
    ),
    "RelyingParty": object_of(_PARTY, "Where officers use passkeys; one is active at a time."),
    "Suspension": object_of(
        {
            "id": RECORD,
            "officer": RECORD,
            "imposed_by": TEXT,
            "imposed_at": INSTANT,
            "ends_at": INSTANT,
            "confirmed_by?": TEXT,
            "confirmed_at?": INSTANT,
            "lift_proposed_by?": TEXT,
            "lift_proposed_at?": INSTANT,
        },
        "Ends at `ends_at` unless a second administrator confirmed it.",
    ),
    "Package": object_of(
        {
            **_PACKAGE,
            "body": or_null(ANY_OBJECT),
            "issued_at": INSTANT,
            "envelope_digest": DIGEST,
            "exhibits": list_of(named("Exhibit")),
            "releases": list_of(named("Release")),
        }
    ),
    "PackageSummary": object_of(_PACKAGE),
    "EpochChange": object_of(
        {
            "ministry": TEXT,
            "ended": COUNT,
            "seq": COUNT,
            "digest": or_null(DIGEST),
            "proposed_by?": TEXT,
        }
    ),
    "Peer": object_of(
        {
            "ministry": TEXT,
            "jurisdiction": TEXT,
            "name": TEXT,
            "url": TEXT,
            "origin": TEXT,
            "cosigned_our_log": COUNT,
            "our_view_of_their_log": or_null(object_of({"size": COUNT, "root": TEXT})),
            "sending": or_null(object_of({"epoch": COUNT, "next_seq": COUNT, "state": TEXT})),
            "epoch_change": or_null(named("EpochChange")),
            "queue": map_of(COUNT),
            "attempts?": or_null(ANY_OBJECT),
            "stream": object_of(dict.fromkeys(("sent", "receipted", "applied", "refused"), COUNT)),
        }
    ),
    "Release": object_of(
        {
            "id": DIGEST,
            "issuer": TEXT,
            "recipient": TEXT,
            "tlp": TEXT,
            "state": TEXT,
            "released_at": INSTANT,
        }
    ),
}

_TAGGED: Final = {"ETag": "Goes into `If-Match` of a change."}
_PLACED: Final = {"Location": "Where it can be read."}
DRAFT_ANSWER: Final = Answer("The draft.", named("Draft"), _TAGGED)
NEW_DRAFT: Final = Answer("The draft that was made.", named("Draft"), {**_TAGGED, **_PLACED})

ANSWERS: Final[dict[str, Answer]] = {
    "approve_draft": Answer(
        "The draft, now sealed; `statement` names what it became.", named("Draft"), _TAGGED
    ),
    "approve_grant": Answer("The grant, now active.", named("Grant")),
    "approve_key": Answer("The key, now active.", named("OfficerKey")),
    "approve_officer": Answer("The person, now active.", named("Officer")),
    **{
        f"preview_{name}": Answer("What would be approved, in words.", named("Change"))
        for name in (
            "delegation",
            "epoch",
            "erasure",
            "grant",
            "key",
            "membership",
            "officer",
            "reinstatement",
            "relying_party",
            "suspension",
            "waiver",
        )
    },
    "confirm_draft": DRAFT_ANSWER,
    "create_draft": NEW_DRAFT,
    "discard_draft": DRAFT_ANSWER,
    "draft_release": NEW_DRAFT,
    "healthz": Answer("The process answers.", object_of({"status": one_of("ok")})),
    "list_drafts": Answer("One page of drafts.", page_of(named("Draft"))),
    "list_events": Answer("One page of events.", page_of(named("Event"))),
    "list_grants": Answer("All grants.", page_of(named("Grant"))),
    "list_holders": Answer("Who holds it.", page_of(named("Holder"))),
    "list_officers": Answer("The register.", page_of(named("OfficerRecord"))),
    "list_packages": Answer("One page of packages.", page_of(named("PackageSummary"))),
    "propose_epoch": Answer("What the second administrator approves.", named("EpochChange")),
    "approve_epoch": Answer("The end of the old epoch.", named("EpochChange")),
    "withdraw_epoch": Answer("It is given up.", object_of({"ministry": TEXT, "withdrawn": FLAG})),
    "list_peers": Answer("The other members.", page_of(named("Peer"))),
    "make_candidate": Answer(
        "The payload to sign, base64url without padding.", object_of({"candidate": TEXT})
    ),
    "preview_draft": Answer(
        "What each partner would receive.",
        object_of(
            {
                "draft": RECORD,
                "type": TEXT,
                "recipients": list_of(
                    object_of(
                        {
                            "ministry": TEXT,
                            "jurisdiction": TEXT,
                            "receives": list_of(ANY_OBJECT),
                            "exhibits": list_of(named("Exhibit")),
                        }
                    )
                ),
                "signed_by": ANY_OBJECT,
                "stays_here": list_of(TEXT),
            }
        ),
    ),
    "propose_grant": Answer("The grant, awaiting another administrator.", named("Grant")),
    "propose_key": Answer("The key, vouched for by one administrator.", named("OfficerKey")),
    "propose_officer": Answer("The person, awaiting another administrator.", named("Officer")),
    "read_draft": DRAFT_ANSWER,
    "read_me": Answer(
        "Who the caller is here.",
        object_of(
            {
                "ministry": TEXT,
                "officer": RECORD,
                "name": TEXT,
                "iss": TEXT,
                "sub": TEXT,
                "roles": list_of(TEXT),
                "active": FLAG,
                "keys": list_of(named("OfficerKey")),
            }
        ),
    ),
    "read_node": Answer(
        "The node's public identity.",
        object_of(
            {
                "ministry": TEXT,
                "jurisdiction": TEXT,
                "name": TEXT,
                "software": TEXT,
                "protocol": one_of("1"),
                "membership": object_of({"serial": COUNT, "digest": DIGEST}),
                "keys": list_of(object_of({"kid": KID, "alg": TEXT, "purpose": TEXT})),
                "log": object_of(
                    {"origin": TEXT, "vkeys": list_of(TEXT), "witness_vkeys": list_of(TEXT)}
                ),
                "endpoints": map_of(TEXT),
            }
        ),
    ),
    "read_openapi": Answer("This document.", ANY_OBJECT),
    "read_package": Answer("The package.", named("Package"), {"ETag": "Of this state."}),
    "read_status": Answer(
        "Figures of one moment.",
        object_of(
            {
                "log_size": COUNT,
                "root": TEXT,
                "unsequenced": COUNT,
                "cosigned": map_of(COUNT),
                "queues": map_of(map_of(COUNT)),
                "oldest": map_of(INSTANT),
                "attempts": map_of(ANY_OBJECT),
                "stopped": FLAG,
                "misbehaviour": COUNT,
            }
        ),
    ),
    "readyz": Answer(
        "Ready; with 503, which check is not.",
        object_of({"status": one_of("ready", "not-ready"), "checks": map_of(FLAG)}),
        statuses=("200", "503"),
    ),
    "recall_package": NEW_DRAFT,
    "replace_draft": DRAFT_ANSWER,
    "request_key": Answer("The key, awaiting two administrators.", named("OfficerKey")),
    "return_draft": DRAFT_ANSWER,
    "revoke_grant": Answer("The grant, now revoked.", named("Grant")),
    "revoke_key": Answer("The key, now revoked.", named("OfficerKey")),
    "store_exhibit": Answer("It is stored.", object_of({"digest": DIGEST, "size": COUNT})),
    "submit_package": Answer("Its id is born here.", object_of({"id": DIGEST}), _PLACED),
    "suspend_officer": Answer("The person, now suspended.", named("Officer")),
    "confirm_suspension": Answer("The person, suspended until two reinstate.", named("Officer")),
    "propose_reinstatement": Answer("The person; another administrator decides.", named("Officer")),
    "approve_reinstatement": Answer("The person, now active.", named("Officer")),
    "read_event": Answer("The event.", named("Event")),
    "list_approvals": Answer(
        "Newest first, at most 1000; `previewed_at` is null where nobody looked.",
        object_of({"items": list_of(named("Approval"))}),
    ),
    "read_officer": Answer("The person.", named("Officer")),
    "list_memberships": Answer("All, newest first.", page_of(named("MembershipChange"))),
    "propose_membership": Answer("It awaits another administrator.", named("MembershipChange")),
    "approve_membership": Answer("It counts from the next start.", named("MembershipChange")),
    "list_keys": Answer("The keys of all officers.", page_of(named("OfficerKey"))),
    "challenge_key": Answer(
        "What the new key must sign; `options` for a browser, in form webauthn.",
        object_of({"challenge": TEXT, "expires_at": INSTANT, "options?": ANY_OBJECT}),
    ),
    "list_relying_parties": Answer("All, newest first.", page_of(named("RelyingParty"))),
    "propose_relying_party": Answer("It awaits another administrator.", named("RelyingParty")),
    "approve_relying_party": Answer("It is in force.", named("RelyingParty")),
}

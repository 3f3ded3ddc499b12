"""The form of successful answers, by operation id.

Handlers answer with plain JSON, so their code does not say what is in it; this page does, for
``python -m docs.openapi``. ``tests/docs/test_answers.py`` compares it with what running nodes
answer. A form names what a client may rely on: answers may hold more. In the notation used here a
member whose name ends in ``?`` is optional.

An operation without an entry is documented with its statuses and refusals alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Schema = dict[str, Any]

_DIGEST_PATTERN: Final = "^sha256:[0-9a-f]{64}$"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is no refusal.

    Attributes:
        description: what it is.
        schema: JSON Schema of its body; empty if it is no JSON.
        headers: name and meaning of the headers a client uses.
        statuses: the statuses that carry it.
    """

    description: str
    schema: Schema = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    statuses: tuple[str, ...] = ("200", "201")


def _object(members: Mapping[str, Schema], description: str = "") -> Schema:
    schema: Schema = {
        "type": "object",
        "required": sorted(name for name in members if not name.endswith("?")),
        "properties": {name.removesuffix("?"): form for name, form in members.items()},
    }
    return {**schema, "description": description} if description else schema


def _list(form: Schema) -> Schema:
    return {"type": "array", "items": form}


def _map(form: Schema) -> Schema:
    return {"type": "object", "additionalProperties": form}


def _or_null(form: Schema) -> Schema:
    return {"anyOf": [form, {"type": "null"}]}


def _one_of(*words: str) -> Schema:
    return {"type": "string", "enum": list(words)}


def _is(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _page(form: Schema) -> Schema:
    return _object({"items": _list(form), "next?": _CURSOR})


TEXT: Final[Schema] = {"type": "string"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
FLAG: Final[Schema] = {"type": "boolean"}
ANY_OBJECT: Final[Schema] = {"type": "object"}
DIGEST: Final[Schema] = {"type": "string", "pattern": _DIGEST_PATTERN}
RECORD: Final[Schema] = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
KID: Final[Schema] = {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"}
INSTANT: Final[Schema] = {
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
    "description": "RFC 3339, UTC, milliseconds.",
}
_CURSOR: Final[Schema] = {"type": "string", "description": "Send as `cursor` for the next page."}

_EXHIBIT: Final = {"label": TEXT, "digest": DIGEST, "size": COUNT, "media_type": TEXT}
_PACKAGE: Final = {
    "id": DIGEST,
    "originator": TEXT,
    "title": TEXT,
    "state": TEXT,
    "submitted_at": INSTANT,
    "supersedes?": _or_null(DIGEST),
    "superseded_by?": _or_null(DIGEST),
}
_GRANT: Final = {"id": RECORD, "officer": RECORD, "role": TEXT, "state": TEXT, "sub?": TEXT}
_KEY: Final = {"kid": KID, "officer": RECORD, "form": _one_of("jws", "webauthn"), "state": TEXT}
_OFFICER: Final = {"id": RECORD, "name": TEXT, "state": TEXT, "expires_at?": INSTANT}

SCHEMAS: Final[dict[str, Schema]] = {
    "Draft": _object(
        {
            "id": RECORD,
            "type": TEXT,
            "state": TEXT,
            "version": COUNT,
            "digest": DIGEST,
            "to": _list(TEXT),
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
    "Event": _object(
        {
            "seq": COUNT,
            "index": _or_null(COUNT),
            "erased": FLAG,
            "statement": _or_null(DIGEST),
            "event": _or_null(ANY_OBJECT),
        },
        "`index` is the leaf once the event is sequenced; `event` is absent once it was erased.",
    ),
    "Exhibit": _object({**_EXHIBIT, "state?": TEXT}),
    "Grant": _object(_GRANT),
    "Holder": _object(
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
        },
        "One ministry that holds a package, and what it did with it.",
    ),
    "OfficerKey": _object(_KEY),
    "Officer": _object(_OFFICER),
    "OfficerRecord": _object(
        {
            **_OFFICER,
            "identities": _list(_object({"iss": TEXT, "sub": TEXT})),
            "grants": _list(_is("Grant")),
            "keys": _list(_is("OfficerKey")),
        }
    ),
    "Package": _object(
        {
            **_PACKAGE,
            "body": _or_null(ANY_OBJECT),
            "issued_at": INSTANT,
            "envelope_digest": DIGEST,
            "exhibits": _list(_is("Exhibit")),
            "releases": _list(_is("Release")),
        }
    ),
    "PackageSummary": _object(_PACKAGE),
    "Peer": _object(
        {
            "ministry": TEXT,
            "jurisdiction": TEXT,
            "name": TEXT,
            "url": TEXT,
            "origin": TEXT,
            "cosigned_our_log": COUNT,
            "our_view_of_their_log": _or_null(_object({"size": COUNT, "root": TEXT})),
            "queue": _map(COUNT),
            "attempts?": _or_null(ANY_OBJECT),
            "stream": _object(dict.fromkeys(("sent", "receipted", "applied", "refused"), COUNT)),
        }
    ),
    "Release": _object(
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
_DRAFT: Final = Answer("The draft.", _is("Draft"), _TAGGED)
_NEW_DRAFT: Final = Answer("The draft that was made.", _is("Draft"), {**_TAGGED, **_PLACED})

ANSWERS: Final[dict[str, Answer]] = {
    "approve_draft": Answer(
        "The draft, now sealed; `statement` names what it became.", _is("Draft"), _TAGGED
    ),
    "approve_grant": Answer("The grant, now active.", _is("Grant")),
    "approve_key": Answer("The key, now active.", _is("OfficerKey")),
    "approve_officer": Answer("The person, now active.", _is("Officer")),
    "confirm_draft": _DRAFT,
    "create_draft": _NEW_DRAFT,
    "discard_draft": _DRAFT,
    "draft_release": _NEW_DRAFT,
    "healthz": Answer("The process answers.", _object({"status": _one_of("ok")})),
    "list_drafts": Answer("One page of drafts.", _page(_is("Draft"))),
    "list_events": Answer("One page of events.", _page(_is("Event"))),
    "list_grants": Answer("All grants.", _page(_is("Grant"))),
    "list_holders": Answer("Who holds it.", _page(_is("Holder"))),
    "list_officers": Answer("The register.", _page(_is("OfficerRecord"))),
    "list_packages": Answer("One page of packages.", _page(_is("PackageSummary"))),
    "list_peers": Answer("The other members.", _page(_is("Peer"))),
    "make_candidate": Answer(
        "The payload to sign, base64url without padding.", _object({"candidate": TEXT})
    ),
    "preview_draft": Answer(
        "What each partner would receive.",
        _object(
            {
                "draft": RECORD,
                "type": TEXT,
                "recipients": _list(
                    _object(
                        {
                            "ministry": TEXT,
                            "jurisdiction": TEXT,
                            "receives": _list(ANY_OBJECT),
                            "exhibits": _list(_is("Exhibit")),
                        }
                    )
                ),
                "signed_by": ANY_OBJECT,
                "stays_here": _list(TEXT),
            }
        ),
    ),
    "propose_grant": Answer("The grant, awaiting another administrator.", _is("Grant")),
    "propose_key": Answer("The key, vouched for by one administrator.", _is("OfficerKey")),
    "propose_officer": Answer("The person, awaiting another administrator.", _is("Officer")),
    "read_draft": _DRAFT,
    "read_me": Answer(
        "Who the caller is here.",
        _object(
            {
                "ministry": TEXT,
                "officer": RECORD,
                "name": TEXT,
                "iss": TEXT,
                "sub": TEXT,
                "roles": _list(TEXT),
                "active": FLAG,
                "keys": _list(_is("OfficerKey")),
            }
        ),
    ),
    "read_node": Answer(
        "The node's public identity.",
        _object(
            {
                "ministry": TEXT,
                "jurisdiction": TEXT,
                "name": TEXT,
                "software": TEXT,
                "protocol": _one_of("1"),
                "membership": _object({"serial": COUNT, "digest": DIGEST}),
                "keys": _list(_object({"kid": KID, "alg": TEXT, "purpose": TEXT})),
                "log": _object(
                    {"origin": TEXT, "vkeys": _list(TEXT), "witness_vkeys": _list(TEXT)}
                ),
                "endpoints": _map(TEXT),
            }
        ),
    ),
    "read_openapi": Answer("This document.", ANY_OBJECT),
    "read_package": Answer("The package.", _is("Package"), {"ETag": "Of this state."}),
    "read_status": Answer(
        "Figures of one moment.",
        _object(
            {
                "log_size": COUNT,
                "root": TEXT,
                "unsequenced": COUNT,
                "cosigned": _map(COUNT),
                "queues": _map(_map(COUNT)),
                "oldest": _map(INSTANT),
                "attempts": _map(ANY_OBJECT),
                "stopped": FLAG,
                "misbehaviour": COUNT,
            }
        ),
    ),
    "readyz": Answer(
        "Ready; with 503, which check is not.",
        _object({"status": _one_of("ready", "not-ready"), "checks": _map(FLAG)}),
        statuses=("200", "503"),
    ),
    "recall_package": _NEW_DRAFT,
    "replace_draft": _DRAFT,
    "request_key": Answer("The key, awaiting two administrators.", _is("OfficerKey")),
    "return_draft": _DRAFT,
    "revoke_grant": Answer("The grant, now revoked.", _is("Grant")),
    "revoke_key": Answer("The key, now revoked.", _is("OfficerKey")),
    "store_exhibit": Answer("It is stored.", _object({"digest": DIGEST, "size": COUNT})),
    "submit_package": Answer("Its id is born here.", _object({"id": DIGEST}), _PLACED),
    "suspend_officer": Answer("The person, now suspended.", _is("Officer")),
}

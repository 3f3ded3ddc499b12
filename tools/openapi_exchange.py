"""The form of successful answers, by operation id: proposals, designations, threads, tasks.

See ``tools/openapi_answers.py``, which holds the others.
"""

from typing import Final

from tools.openapi_answers import DRAFT_ANSWER, NEW_DRAFT
from tools.openapi_forms import (
    ANY_OBJECT,
    COUNT,
    DAY,
    DIGEST,
    FLAG,
    INSTANT,
    NUMBER,
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

_DESIGNATION: Final = {
    "id": DIGEST,
    "issuer": TEXT,
    "jurisdiction": TEXT,
    "regime": TEXT,
    "name": TEXT,
    "list_reference?": TEXT,
    "since?": TEXT,
    "ended_on?": TEXT,
    "amendments?": COUNT,
    "proposal?": DIGEST,
    "stored_at": INSTANT,
}
_THREAD: Final = {
    "id": DIGEST,
    "requester": TEXT,
    "addressee": TEXT,
    "title": TEXT,
    "phase": one_of("open", "closed", "withdrawn", "void"),
    "respond_by?": INSTANT,
    "release_at?": INSTANT,
    "continues?": DIGEST,
    "undecided?": COUNT,
    "state_digest": DIGEST,
    "opened_at": INSTANT,
    "updated_at": INSTANT,
}
_PROPOSAL: Final = {
    "id": DIGEST,
    "ministry": TEXT,
    "regime": TEXT,
    "title": TEXT,
    "state": TEXT,
    "version?": COUNT,
    "digest": DIGEST,
    "endorsed_by?": TEXT,
    "reason?": TEXT,
    "statement?": DIGEST,
    "created_at": INSTANT,
    "updated_at": INSTANT,
}
_REFERENCE: Final = object_of({"kind": TEXT, "id": TEXT})

EXCHANGE_SCHEMAS: Final[dict[str, Schema]] = {
    "Delegation": object_of(
        {
            "id": RECORD,
            "delegator": RECORD,
            "delegate": RECORD,
            "role": TEXT,
            "acts": list_of(TEXT),
            "starts": INSTANT,
            "ends": INSTANT,
            "reason": TEXT,
            "approved_by?": TEXT,
            "ended_by?": TEXT,
        },
        "A role lent for an absence; it makes no second pair of eyes out of one.",
    ),
    "Designation": object_of(
        {
            **_DESIGNATION,
            "standing": ANY_OBJECT,
            "statements": list_of(
                object_of(
                    {
                        "id": DIGEST,
                        "type": TEXT,
                        "issuer": TEXT,
                        "issued_at": INSTANT,
                        "body": ANY_OBJECT,
                    }
                )
            ),
            "known_to": list_of(TEXT),
            "clocks": list_of(object_of({"id": TEXT, "name": TEXT, "started": TEXT, "due?": TEXT})),
            "rests_on_it": list_of(ANY_OBJECT),
        },
        "`standing` is the body as amendments left it.",
    ),
    "DesignationSummary": object_of(_DESIGNATION),
    "MirrorRequest": object_of(
        {
            **_THREAD,
            "heads": object_of({"requester": COUNT, "addressee": COUNT}),
            "state": ANY_OBJECT,
            "subjects": list_of(ANY_OBJECT),
            "statements": list_of(named("ThreadStatement")),
            "continued_by": list_of(DIGEST),
            "parked": list_of(ANY_OBJECT),
            "comparison": object_of({"outcome": TEXT}),
        },
        "`state` is what both ends compute; `state_digest` is its digest.",
    ),
    "MirrorRequestSummary": object_of(
        {
            **_THREAD,
            "subjects": list_of(
                object_of(
                    {
                        "key": TEXT,
                        "name": TEXT,
                        "phase": TEXT,
                        "designation?": DIGEST,
                        "finding?": TEXT,
                        "regime?": TEXT,
                        "effect?": TEXT,
                    }
                )
            ),
        }
    ),
    "Proposal": object_of(
        {
            **_PROPOSAL,
            "body": ANY_OBJECT,
            "versions?": list_of(
                object_of({"version": COUNT, "author": TEXT, "digest": DIGEST, "at": INSTANT})
            ),
        }
    ),
    "ProposalSummary": object_of(_PROPOSAL),
    "Recusal": object_of({"officer": RECORD, "object": TEXT, "state": TEXT, "reason": TEXT}),
    "Reference": object_of({"kind": TEXT, "id": TEXT, "title": TEXT}),
    "Task": object_of(
        {
            "id": TEXT,
            "kind": TEXT,
            "owed_by": TEXT,
            "roles": list_of(TEXT),
            "about": _REFERENCE,
            "title": TEXT,
            "names": list_of(TEXT),
            "asked_by": TEXT,
            "why": TEXT,
            "reason?": TEXT,
            "closable": FLAG,
            "overdue": FLAG,
            "within?": _REFERENCE,
            "key?": TEXT,
            "due?": TEXT,
            "cause?": TEXT,
            "path?": list_of(TEXT),
            "opened_at?": INSTANT,
        }
    ),
    "ThreadStatement": object_of(
        {
            "id": DIGEST,
            "type": TEXT,
            "issuer": TEXT,
            "seq": COUNT,
            "seen": COUNT,
            "issued_at": INSTANT,
            "stored_at": INSTANT,
            "by": or_null(ANY_OBJECT),
            "body": ANY_OBJECT,
            "void?": TEXT,
            "without_effect?": TEXT,
        },
        "`void` is the code with which it was refused; it keeps its number.",
    ),
    "Verdict": object_of(
        {
            "id": TEXT,
            "one": TEXT,
            "other": TEXT,
            "outcome": one_of("same", "not-same"),
            "reason": TEXT,
            "by": TEXT,
            "at": INSTANT,
            "replaced_by?": TEXT,
        }
    ),
}

_PROPOSAL_ANSWER: Final = Answer("The proposal.", named("Proposal"), dict(DRAFT_ANSWER.headers))
_DELEGATION: Final = Answer("The delegation.", named("Delegation"))
_RECUSAL: Final = Answer("The recusal.", named("Recusal"))

EXCHANGE_ANSWERS: Final[dict[str, Answer]] = {
    "approve_delegation": _DELEGATION,
    "close_task": Answer("The review, closed.", ANY_OBJECT),
    "count_tasks": Answer("How much is owed.", object_of({"owed": COUNT, "overdue": COUNT})),
    "create_proposal": Answer(
        "The proposal that was made.", named("Proposal"), dict(NEW_DRAFT.headers)
    ),
    "draft_amendment": NEW_DRAFT,
    "draft_delisting": NEW_DRAFT,
    "draft_designation": NEW_DRAFT,
    "draft_mirror_request": NEW_DRAFT,
    "draft_thread_statement": NEW_DRAFT,
    "end_delegation": _DELEGATION,
    "endorse_proposal": _PROPOSAL_ANSWER,
    "lapse_proposal": _PROPOSAL_ANSWER,
    "lift_recusal": _RECUSAL,
    "list_delegations": Answer("Delegations.", page_of(named("Delegation"))),
    "list_designations": Answer("One page of designations.", page_of(named("DesignationSummary"))),
    "list_holdings": Answer(
        "What the partner holds from us, and what proves it.",
        object_of(
            {
                "ministry": TEXT,
                "at": INSTANT,
                "items": list_of(
                    object_of(
                        {
                            "package": DIGEST,
                            "title": TEXT,
                            "state": TEXT,
                            "proven": FLAG,
                            "receipted_at": or_null(INSTANT),
                            "proofs": map_of(TEXT),
                        }
                    )
                ),
            }
        ),
    ),
    "list_mirror_requests": Answer("One page of requests.", page_of(named("MirrorRequestSummary"))),
    "list_proposals": Answer("One page of proposals.", page_of(named("ProposalSummary"))),
    "list_recusals": Answer("Recusals that stand.", page_of(named("Recusal"))),
    "find_reference": Answer(
        "What the caller may know of; several where the prefix is not unique.",
        page_of(named("Reference")),
    ),
    "list_tasks": Answer("What waits.", page_of(named("Task"))),
    "list_thread_statements": Answer(
        "Both sequences, the requester's first.", page_of(named("ThreadStatement"))
    ),
    "list_verdicts": Answer("One page of verdicts.", page_of(named("Verdict"))),
    "propose_delegation": Answer("The delegation, awaiting approval.", named("Delegation")),
    "read_board": Answer(
        "Every listed subject against every jurisdiction.",
        object_of({"as_of": DAY, "jurisdictions": list_of(TEXT), "subjects": list_of(ANY_OBJECT)}),
    ),
    "read_coverage": Answer(
        "How far one jurisdiction had followed another.",
        object_of(
            {
                "base": TEXT,
                "jurisdiction": TEXT,
                "as_of": DAY,
                "listed": COUNT,
                "of": COUNT,
                "subjects": list_of(
                    object_of(
                        {
                            "name": TEXT,
                            "since": DAY,
                            "lag_days": {"type": "integer"},
                            "regime": TEXT,
                        }
                    )
                ),
                "gaps": list_of(ANY_OBJECT),
            }
        ),
    ),
    "read_designation": Answer("The designation.", named("Designation")),
    "read_mirror_request": Answer(
        "The thread.", named("MirrorRequest"), {"ETag": "Of this state."}
    ),
    "read_proposal": _PROPOSAL_ANSWER,
    "read_shared_threads": Answer(
        "Heads and state digests of shared threads.",
        object_of(
            {
                "threads": list_of(
                    object_of(
                        {
                            "thread": DIGEST,
                            "requester": COUNT,
                            "addressee": COUNT,
                            "voided": list_of(DIGEST),
                            "state": DIGEST,
                        }
                    )
                ),
                "next?": DIGEST,
            }
        ),
    ),
    "record_recusal": _RECUSAL,
    "record_verdict": Answer("The verdict.", named("Verdict")),
    "replace_proposal": _PROPOSAL_ANSWER,
    "return_proposal": _PROPOSAL_ANSWER,
    "search_subjects": Answer(
        "Descriptions with names like this one; nothing follows until a verdict is recorded.",
        object_of(
            {
                "items": list_of(
                    object_of(
                        {"ref": TEXT, "kind": TEXT, "object": DIGEST, "name": TEXT, "score": NUMBER}
                    )
                ),
                "verdicts": list_of(named("Verdict")),
                "note": TEXT,
            }
        ),
    ),
    "share_proposal": NEW_DRAFT,
    "submit_proposal": _PROPOSAL_ANSWER,
    "suggest_for_mirror_request": Answer(
        "What to weigh, by subject and regime; an officer decides.",
        object_of(
            {
                "items": list_of(
                    object_of(
                        {
                            "key": TEXT,
                            "regime": TEXT,
                            "case": ANY_OBJECT,
                            "suggestions": list_of(
                                object_of({"code": TEXT, "sentence": TEXT, "basis": TEXT})
                            ),
                            "assessment": ANY_OBJECT,
                        }
                    )
                )
            }
        ),
    ),
}

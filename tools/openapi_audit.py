"""The form of successful answers, by operation id: the auditor's work, and erasure.

Like ``tools/openapi_answers.py``.
"""

from typing import Final

from tools.openapi_forms import (
    ANY_OBJECT,
    COUNT,
    DIGEST,
    INSTANT,
    RECORD,
    TEXT,
    Answer,
    Schema,
    list_of,
    named,
    object_of,
    one_of,
    or_null,
)

_SAMPLE: Final = {
    "id": RECORD,
    "officer": RECORD,
    "name": TEXT,
    "rule": ANY_OBJECT,
    "size": COUNT,
    "root": TEXT,
    "entries": list_of(COUNT),
    "saved_at": INSTANT,
}
AUDIT_SCHEMAS: Final[dict[str, Schema]] = {
    "Erasure": object_of(
        {
            "id": RECORD,
            "kind": one_of("event", "exhibit"),
            "target": TEXT,
            "authority": TEXT,
            "reference": TEXT,
            "state": one_of("proposed", "carried-out", "rejected"),
            "change_set?": DIGEST,
            "proposed_by": RECORD,
            "proposed_at": INSTANT,
            "decided_by?": RECORD,
            "decided_at?": INSTANT,
        },
        "An order to erase; `target` is a leaf index or the digest of an exhibit.",
    ),
    "Note": object_of(
        {
            "id": DIGEST,
            "officer": RECORD,
            "document": ANY_OBJECT,
            "endorsement": or_null(ANY_OBJECT),
        },
        "A review note; its id is the digest of its document in canonical form.",
    ),
    "Sample": object_of(
        _SAMPLE, "Entries of the log at a witnessed head; the rule draws the same ones again."
    ),
}
_ORDER: Final = Answer("The order.", named("Erasure"))
AUDIT_ANSWERS: Final[dict[str, Answer]] = {
    "approve_erasure": _ORDER,
    "list_erasures": Answer("All orders.", object_of({"items": list_of(named("Erasure"))})),
    "list_gaps": Answer(
        "What is missing, and on whose word.",
        object_of(
            {
                "erased": list_of(named("Erasure")),
                "lost": list_of(object_of({"from": COUNT, "to": COUNT})),
            }
        ),
    ),
    "list_notes": Answer("Review notes.", object_of({"items": list_of(named("Note"))})),
    "list_samples": Answer("Saved samples.", object_of({"items": list_of(named("Sample"))})),
    "propose_erasure": _ORDER,
    "read_sample": Answer(
        "The sample with its events.", object_of({**_SAMPLE, "events": list_of(named("Event"))})
    ),
    "reject_erasure": _ORDER,
    "save_sample": Answer("The sample.", named("Sample"), {"Location": "Where it is."}),
    "write_note": Answer("The note.", named("Note")),
}

"""One well-formed body per statement type, for tests that need any valid one."""

import copy
from typing import Any

Body = dict[str, Any]


def digest(mark: str) -> str:
    """A digest that differs per mark (a single hexadecimal digit or more)."""
    return "sha256:" + mark.rjust(64, "0")


PERSON: Body = {
    "key": "s1",
    "schema": "Person",
    "names": [{"text": "ZHU Hailun", "script": "Latn"}, {"text": "朱海仑", "script": "Hans"}],
    "birth_dates": [
        {"value": "1958-01", "precision": "month", "source": "US list, 2021-03-10"},
        {"value": "1958", "precision": "year", "source": "EU list, 2024-05-13"},
    ],
    "birth_place": "Lianshui, Jiangsu, China",
    "identifiers": [{"scheme": "ofac-uid", "value": "29219"}],
    "positions": [{"title": "Secretary, Political and Legal Affairs Committee", "from": "2016"}],
    "countries": ["cn"],
}
MARKING: Body = {
    "tlp": "AMBER",
    "releasable_to": ["uk-fcdo", "CA"],
    "originator_control": True,
    "permitted_use": ["consideration of designation under the recipient's law"],
}
INSTANTS: Body = {
    "registered": {"at": "2021-03-21", "zone": "America/Toronto"},
    "in_force": {"at": "2021-03-21", "zone": "America/Toronto"},
    "announced": {"at": "2021-03-22", "zone": "America/Toronto"},
}
UNTIL = "2027-01-31T17:00:00.000Z"

_BODIES: dict[str, Body] = {
    "evidence-package/1": {
        "title": "Xinjiang: officials and bodies",
        "summary": "Public material.\nSecond line.",
        "language": "en",
        "subjects": [PERSON],
        "claims": [
            {
                "subject": "s1",
                "act": "Held the post during the campaign.",
                "ground": "leader or official",
                "exhibits": ["order.txt", "order-en.txt"],
            }
        ],
        "exhibits": [
            {
                "label": "order.txt",
                "media_type": "text/plain; charset=utf-8",
                "size": 12,
                "digest": digest("a1"),
                "kind": "official-record",
                "source": "public gazette",
                "collected": {"by": "A. Analyst", "at": "2020-07", "how": "downloaded"},
                "custody": [{"at": "2020-07-09", "by": "registry", "act": "filed"}],
            },
            {
                "label": "order-en.txt",
                "media_type": "text/plain",
                "size": 14,
                "digest": digest("a2"),
                "kind": "official-record",
                "source": "own translation",
                "translation_of": "order.txt",
            },
        ],
        "exculpatory": "None known to the author.",
        "legal_basis": "Public sources.",
        "compelled": False,
    },
    "release/1": {
        "package": digest("b1"),
        "recipient": "uk-fcdo",
        "marking": MARKING,
        "legal_basis": "Public sources.",
    },
    "recall/1": {"package": digest("b1"), "reason": "A wrong file.", "instruction": "destroy"},
    "recall-answer/1": {"recall": digest("c2"), "answer": "kept", "reason": "A court asks for it."},
    "identity-verdict/1": {
        "one": {"kind": "package", "statement": digest("b1"), "key": "s1"},
        "other": {
            "kind": "list",
            "publisher": "Testland",
            "list": "xx-test",
            "edition": "2024-05-07",
            "id": "29220",
        },
        "outcome": "not-same",
        "reason": "The bureau is a body of its own.",
        "signals": ["One name adds bureau."],
    },
    "exhibits-held/1": {"release": digest("e1"), "exhibits": [digest("a1"), digest("a2")]},
    "onward-request/1": {
        "package": digest("b1"),
        "recipient": "ca-gac",
        "purpose": "Joint consideration.",
    },
    "onward-consent/1": {
        "request": digest("c1"),
        "package": digest("b1"),
        "recipient": "ca-gac",
        "marking": MARKING,
        "until": UNTIL,
    },
    "designation-proposal/1": {
        "subjects": [PERSON],
        "regime": "UK-GHR",
        "grounds": [
            {
                "ground": "uk-ghr.torture",
                "evidence": [{"package": digest("b1"), "exhibits": ["order.txt"]}],
                "threshold": {
                    "wording": "reasonable grounds to suspect",
                    "met": True,
                    "by": "R. Reviewer",
                },
            }
        ],
        "reasons": {"releasable": "Involved in ill-treatment.", "internal": "See the minute."},
        "measures": ["asset_freeze", "entry_ban"],
    },
    "designation/1": {
        "subject": {k: v for k, v in PERSON.items() if k != "key"},
        "jurisdiction": "CA",
        "regime": "CA-SEMA",
        "instrument": "SOR/2021-49",
        "grounds": ["ca-sema.participated"],
        "list_reference": "Schedule 1, item 1",
        "instants": INSTANTS,
        "measures": ["asset_freeze"],
        "mirrors": [{"jurisdiction": "US", "designation": digest("d1")}],
    },
    "designation-amendment/1": {
        "designation": digest("d1"),
        "changes": {"list_reference": "Schedule 1, item 2"},
        "instants": INSTANTS,
    },
    "delisting/1": {
        "designation": digest("d1"),
        "reason": "The subject has died.",
        "instants": INSTANTS,
    },
    "mirror-request/1": {
        "title": "Xinjiang: eight subjects",
        "subjects": [PERSON],
        "designations": {"s1": digest("d1")},
        "evidence": [{"release": digest("e1"), "package": digest("b1")}],
        "authority": "Public sources; disclosure approved.",
        "permitted_use": ["consideration of designation"],
        "respond_by": UNTIL,
        "reasons": {"releasable": "Listed on 9 July 2020."},
        "regimes": {"s1": "UK-GHR"},
    },
    "mirror-amendment/1": {"note": "More time.", "respond_by": UNTIL},
    "mirror-acknowledgement/1": {"expected_by": UNTIL},
    "mirror-question/1": {"question": "q1", "text": "Which post?", "subjects": ["s1"]},
    "mirror-answer/1": {"question": "q1", "text": "Secretary of the committee."},
    "mirror-finding/1": {
        "subject": "s1",
        "finding": "mirror",
        "regime": "UK-GHR",
        "ground": "uk-ghr.torture",
        "reasons": {"releasable": "Reasonable grounds to suspect involvement."},
        "relies_on": [digest("b1")],
    },
    "mirror-effect/1": {"subject": "s1", "designation": digest("d2")},
    "mirror-withdrawal/1": {"reason": "No longer needed.", "subjects": ["s1"]},
    "mirror-closure/1": {"reason": "All subjects decided."},
    "disposition/2": {
        "message": "0f8fad5b-d9cb-469f-a165-70867728950e",
        "outcomes": [
            {"statement": digest("e1"), "outcome": "refused", "code": "thread.gap"},
            {"statement": digest("e2"), "outcome": "applied"},
        ],
    },
}


GROUND_OF = {
    "CA-JVCFOA": "ca-jvcfoa.a",
    "CA-SEMA": "ca-sema.participated",
    "UK-GHR": "uk-ghr.torture",
    "US-GLOMAG": "us-glomag.abuse",
}
"""A ground of each regime that the bodies here name."""


def body(type_: str, **changes: object) -> Body:
    """A fresh well-formed body of the type, with members replaced by `changes`.

    Where another regime is given and no ground, the ground is one of that regime.
    """
    made = {**copy.deepcopy(_BODIES[type_]), **changes}
    ground = GROUND_OF.get(str(made.get("regime")))
    if ground is None:
        return made
    if type_ == "designation/1" and "grounds" not in changes:
        made["grounds"] = [ground]
    if type_ == "mirror-finding/1" and "ground" not in changes:
        made["ground"] = ground
    if type_ == "designation-proposal/1" and isinstance(made["grounds"], list):
        # A test takes the ground from the body with its own regime and changes its evidence.
        own = {"uk-ghr.torture"} - {ground}
        made["grounds"] = [
            {**one, "ground": ground} if isinstance(one, dict) and one.get("ground") in own else one
            for one in made["grounds"]
        ]
    return made

"""A mirror request is shown in words: names, questions, answers, findings with their reasons."""

from api.cli.thread_lines import thread_lines

PERSON = {"key": "s1", "names": [{"text": "ZHU Hailun"}, {"text": "\u6731\u6d77\u4ed1"}]}
OPENER = {
    "title": "Xinjiang",
    "subjects": [PERSON],
    "authority": "Public facts.",
    "reasons": {"releasable": "Listed in July."},
    "respond_by": "2026-12-29T01:23:00.000Z",
}


def said(number: int, type_: str, body: dict[str, object], issuer: str = "uk-fcdo") -> dict:
    at = f"2026-11-28T10:0{number}:00.000Z"
    id_ = "sha256:" + str(number) * 64
    return {"type": type_, "body": body, "issuer": issuer, "issued_at": at, "id": id_, "void": ""}


def test_all_that_was_said_is_shown_in_words() -> None:
    finding = {
        "subject": "s1",
        "finding": "decline",
        "reasons": {"releasable": "No right."},
        "against_bar": {"reason": "On advice."},
    }
    found = {
        "id": "sha256:" + "1" * 64,
        "title": "Xinjiang",
        "requester": "us-treasury",
        "addressee": "uk-fcdo",
        "phase": "open",
        "respond_by": OPENER["respond_by"],
        "continued_by": [],
        "comparison": {"outcome": "equal"},
        "subjects": [PERSON],
        "state": {
            "subjects": [
                {"key": "s1", "phase": "awaiting", "findings": [], "effects": []},
                {"key": "s2", "phase": "found", "findings": [], "effects": [], "withdrawn": {}},
            ]
        },
        "statements": [
            said(1, "mirror-request/1", OPENER, "us-treasury"),
            said(
                2,
                "mirror-question/1",
                {"question": "q1", "text": "Which post?", "subjects": ["s1"]},
            ),
            said(3, "mirror-answer/1", {"question": "q1", "text": "Secretary."}, "us-treasury"),
            said(4, "mirror-finding/1", finding),
        ],
    }
    text = "\n".join(thread_lines(found))
    assert "ZHU Hailun (\u6731\u6d77\u4ed1)" in text
    for words in (
        "Which post?",
        "Secretary.",
        "No right.",
        "decline",
        "On advice.",
        "Listed in July.",
        "withdrawn, found",
    ):
        assert words in text
    assert text.index("Which post?") < text.index("Secretary.") < text.index("No right.")

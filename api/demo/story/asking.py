"""Mirror requests: asking, asking back, finding, stating effects, closing.

Owns the bodies of thread statements as the script has them; which thread does what when is the
scenes' own.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from api import shipped
from api.adapters.policy.regimes import load_cases
from api.adapters.system import SystemClock
from api.demo import facts
from api.demo.cast import Ministry
from api.demo.story import script, speaking
from api.demo.story.book import Asked
from api.demo.story.speaking import Speech
from api.demo.story.stage import Stage
from api.wire.encoding import format_instant

_PUBLIC_CASE = "xinjiang-2020"
_TIME_TO_RESPOND = timedelta(days=30)


def ask_question(
    stage: Stage,
    name: str,
    parties: tuple[Ministry, Ministry],
    evidence: Sequence[str] = (),
    continues: Asked | None = None,
) -> Asked:
    """Open a thread.

    Args:
        stage: where it is played.
        name: the request's name in the script.
        parties: requester and addressee.
        evidence: names of packages released to the addressee.
        continues: the closed thread that this one continues.
    """
    requester, addressee = parties
    words = script.asks(name)
    keys = {subject: f"s{n}" for n, subject in enumerate(words["regimes"], 1)}
    body = {
        "title": words["title"],
        "subjects": [{"key": key, **facts.subject(one)} for one, key in keys.items()],
        "designations": {
            key: stage.book.designations[one, requester.id] for one, key in keys.items()
        },
        "regimes": {key: words["regimes"][one] for one, key in keys.items()},
        "evidence": [
            {
                "package": stage.book.packages[package],
                "release": stage.book.releases[stage.book.packages[package], addressee.id],
            }
            for package in evidence
        ],
        "authority": script.authority(),
        "permitted_use": script.permitted_use(),
        "respond_by": respond_by(),
        "reasons": {"releasable": words["reasons"]},
        "case_facts": list(_case_facts(keys)),
    }
    what = f"asks {addressee.id} to mirror {len(keys)} designations"
    if continues is not None:
        body["continues"] = continues.id
        what += f", continuing {continues.name}"
    made = speaking.say(stage, requester, Speech("mirror-request/1", [addressee], body, what))
    asked = Asked(name, made, requester, addressee, keys)
    stage.book.threads[name] = asked
    return asked


def _case_facts(keys: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Yield what public sources say of the subjects, as facts that the law is asked about."""
    for known in load_cases(shipped.policies(), _PUBLIC_CASE):
        if known.id in keys:
            for fact in known.case.facts:
                recorded = {"conduct": fact.conduct, "part": fact.part, "state": fact.state}
                yield {**recorded, "subjects": [keys[known.id]]}


def respond_by() -> str:
    """Return a time to respond by: a real one, for the node's tasks run on the real clock."""
    return format_instant(SystemClock().now() + _TIME_TO_RESPOND)


def acknowledge(stage: Stage, thread: Asked) -> None:
    """Take a request up."""
    what = f"acknowledges {thread.requester.id}'s request"
    _by_addressee(stage, thread, "mirror-acknowledgement/1", {}, what)


def question(stage: Stage, thread: Asked) -> None:
    """Ask back."""
    words = script.question(thread.name)
    body = {
        "question": "q1",
        "text": words["question"],
        "subjects": [thread.keys[subject] for subject in words["about"]],
    }
    _by_addressee(stage, thread, "mirror-question/1", body, f"asks back: {words['question']}")


def answer_question(stage: Stage, thread: Asked) -> None:
    """Answer the question."""
    words = script.question(thread.name)
    body = {"question": "q1", "text": words["answer"]}
    _by_requester(stage, thread, "mirror-answer/1", body, f"answers: {words['answer']}")


def find(
    stage: Stage, thread: Asked, subject: str, words: dict[str, Any], packages: Iterable[str]
) -> None:
    """Find on one subject.

    Args:
        stage: where it is played.
        thread: in which thread.
        subject: on whom.
        words: the finding as the script has it.
        packages: names of the packages it rests on.
    """
    key = thread.keys[subject]
    body: dict[str, Any] = {
        "subject": key,
        "finding": words["finding"],
        "reasons": {"releasable": words["reasons"]},
        "relies_on": [stage.book.packages[name] for name in packages],
    }
    body |= {name: words[name] for name in ("regime", "ground") if name in words}
    name = facts.subject(subject)["names"][0]["text"]
    what = f"finds on {key} {name}: {words['finding']}"
    _by_addressee(stage, thread, "mirror-finding/1", body, what)
    thread.findings[key] = words["finding"]


def effect(stage: Stage, thread: Asked, subject: str) -> None:
    """State that the addressee's designation followed its finding."""
    key = thread.keys[subject]
    designation = stage.book.designations[subject, thread.addressee.id]
    body = {"subject": key, "designation": designation}
    what = f"states the effect on {key}: listed in {thread.addressee.jurisdiction}"
    _by_addressee(stage, thread, "mirror-effect/1", body, what)


def withdraw(stage: Stage, thread: Asked, subject: str, reason: str) -> None:
    """Take one subject back."""
    key = thread.keys[subject]
    body = {"reason": reason, "subjects": [key]}
    what = f"withdraws {key} from the request to {thread.addressee.id}"
    _by_requester(stage, thread, "mirror-withdrawal/1", body, what)


def close(stage: Stage, thread: Asked, reason: str) -> None:
    """Close a thread; reopening would be a new one."""
    body = {"reason": reason}
    _by_addressee(
        stage, thread, "mirror-closure/1", body, f"closes {thread.requester.id}'s request"
    )


def amend(stage: Stage, thread: Asked, note: str, changes: dict[str, Any]) -> None:
    """Amend a request."""
    what = f"amends the request to {thread.addressee.id}: {note}"
    _by_requester(stage, thread, "mirror-amendment/1", {"note": note, **changes}, what)


def _by_addressee(stage: Stage, thread: Asked, type_: str, body: dict[str, Any], what: str) -> None:
    speech = Speech(type_, [thread.requester], body, what, thread.id)
    speaking.say(stage, thread.addressee, speech)


def _by_requester(stage: Stage, thread: Asked, type_: str, body: dict[str, Any], what: str) -> None:
    speech = Speech(type_, [thread.addressee], body, what, thread.id)
    speaking.say(stage, thread.requester, speech)

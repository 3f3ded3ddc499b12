"""December 2024: Ottawa was away, catches up, and mirrors the three it had deferred."""

from api.demo import cast, facts
from api.demo.story import asking, july_2020, listing, requests_2020, script, speaking
from api.demo.story.stage import Stage

TITLE = "December 2024: Ottawa comes back and mirrors three more"
THREE = ("chen-quanguo", "huo-liujun", "peng-jiarui")
THREAD = "ca-2024"


def play(stage: Stage) -> None:
    """Washington asks again while Ottawa's node is down; it catches up in order and decides."""
    stage.powers.switch_off(cast.CA.id)
    stage.narrator.say("Ottawa's node is away; what is for Ottawa waits at its senders")
    earlier = stage.book.threads[requests_2020.TO_OTTAWA]
    try:
        thread = asking.ask_question(
            stage, THREAD, (cast.US, cast.CA), (july_2020.PACKAGE,), earlier
        )
        asking.amend(stage, thread, "more time to respond", {"respond_by": asking.respond_by()})
    finally:
        stage.powers.switch_on(cast.CA.id)
    stage.narrator.say("Ottawa's node is back")
    speaking.settled(stage, cast.US, cast.CA)
    stage.narrator.say("Ottawa has caught up: the request and its amendment arrived in order")
    proposal = _propose(stage)
    listing.designate(stage, cast.CA, THREE, (cast.US,), proposal)
    for subject, words in script.findings(THREAD).items():
        asking.find(stage, thread, subject, words, (july_2020.PACKAGE,))
        asking.effect(stage, thread, subject)
    asking.close(stage, thread, "All three are listed by SOR/2024-253.")
    speaking.everyone_settled(stage)


def _propose(stage: Stage) -> str:
    """Ottawa's own paper: an analyst proposes the three, a reviewer endorses what was read."""
    analyst, reviewer = stage.officer(cast.CA, "analyst"), stage.officer(cast.CA, "reviewer")
    words = script.proposal(THREAD)
    evidence = [{"package": stage.book.packages[july_2020.PACKAGE]}]
    body = {
        "title": words["title"],
        "regime": words["regime"],
        "subjects": [{"key": f"s{n}", **facts.subject(one)} for n, one in enumerate(THREE, 1)],
        "grounds": [{**ground, "evidence": evidence} for ground in words["grounds"]],
        "reasons": words["reasons"],
        "measures": facts.designation(THREE[0], cast.CA.jurisdiction)["measures"],
    }
    made = analyst.post("propose the three", "/proposals", {"body": body})
    place = f"/proposals/{made['id']}"
    submitted = analyst.move_on("submit the proposal", place, "submit")
    stage.tell(analyst, f"proposes three under {words['regime']}: {words['title']}")
    reviewer.get("read the proposal", place)
    reviewer.post("endorse the proposal", f"{place}/endorse", {"digest": submitted["digest"]})
    stage.tell(reviewer, "endorses the proposal; each designation refers to it")
    return str(made["id"])

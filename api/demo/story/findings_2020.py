"""London and Ottawa find, subject by subject, each under its own law; one withdrawal crosses."""

from api.demo import cast
from api.demo.story import asking, july_2020, requests_2020, script, speaking
from api.demo.story.book import Asked
from api.demo.story.stage import Stage

TITLE = "London and Ottawa find, subject by subject"
_CROSSED = "sun-jinlong"
_REASON = "Withdrawn to be asked again with other evidence. (Written for the demonstration.)"


def play(stage: Stage) -> None:
    """Washington's withdrawal waits behind its stop switch while London finds on that subject."""
    london = stage.book.threads[requests_2020.TO_LONDON]
    ottawa = stage.book.threads[requests_2020.TO_OTTAWA]
    administrator = stage.officer(cast.US, "admin")
    _switch(stage, "on")
    asking.withdraw(stage, london, _CROSSED, _REASON)
    stage.together(lambda: _find_all(stage, london), lambda: _find_all(stage, ottawa))
    stage.until("London's findings in Washington", lambda: _has_arrived(stage))
    _switch(stage, "off")
    stage.tell(administrator, "the withdrawal and London's finding have crossed; both stand")
    speaking.everyone_settled(stage)


def _find_all(stage: Stage, thread: Asked) -> None:
    for subject, words in script.findings(thread.name).items():
        packages = [july_2020.PACKAGE, *([words["relies_on"]] if "relies_on" in words else [])]
        asking.find(stage, thread, subject, words, packages)


def _has_arrived(stage: Stage) -> bool:
    """Say whether London has receipts for all its findings: Washington still takes messages in."""
    auditor = stage.officer(cast.UK, "auditor")
    told = stage.book.told(cast.UK.id, cast.US.id)
    peers = auditor.get("ask for the streams", "/peers")["items"]
    return any(
        peer["ministry"] == cast.US.id and peer["stream"]["receipted"] >= told for peer in peers
    )


def _switch(stage: Stage, position: str) -> None:
    administrator = stage.officer(cast.US, "admin")
    administrator.post(
        f"turn the stop switch {position}", "/node/stop-switch", {"position": position}
    )
    stage.tell(administrator, f"turns the stop switch {position}")

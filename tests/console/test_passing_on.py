"""Passing a package on at the console: asked by its holder, consented by its originator, released."""

import re

import pytest

from api.services.desk import evidence, passing_on
from api.services.statements import drafting
from tests.support import exchange
from tests.support.console import CA, UK, US, console_on
from tests.support.federation import Federation


@pytest.fixture
def federation(tmp_path):
    made = Federation(tmp_path)
    yield made
    made.close()


@pytest.fixture
def package(federation) -> str:
    """A package of the US that the UK holds."""
    made = exchange.package(federation, US, title="Detention")
    exchange.release(federation, US, made, UK)
    federation.settle()
    return made


def approved(federation: Federation, answer, ministry: str) -> str:
    assert answer.status_code == 303, answer.text[-2500:]
    id_ = answer.headers["location"].rpartition("/")[2]
    draft = drafting.read(federation[ministry], federation.officer(ministry, "reviewer"), id_)
    made = exchange.approve(federation, ministry, draft)
    federation.settle()
    return made


def test_a_package_reaches_a_third_ministry_by_consent(federation, package):
    holder = console_on(federation, UK).browser("analyst")
    originator = console_on(federation, US).browser("analyst")
    home = f"/en/packages/{package[7:]}"
    assert f"{home}/onward/new" in holder.get(home).text
    assert f"{home}/onward/new" not in originator.get(home).text
    empty = holder.submit(f"{home}/onward/new")
    assert empty.status_code == 422
    assert empty.text.count('href="#') >= 2
    asked = holder.submit(f"{home}/onward/new", recipient=CA, purpose="Its own listing.")
    request = approved(federation, asked, UK)
    consent = f"{home}/onward/{request[7:]}/consent"
    shown = originator.get(home).text
    assert consent in shown
    assert "Its own listing." in shown
    assert consent not in holder.get(home).text
    wrong = originator.submit(consent, tlp="AMBER", until="soon")
    assert wrong.status_code == 422
    assert 'href="#use"' in wrong.text
    assert 'href="#until"' in wrong.text
    fields = {"tlp": "AMBER", "control": "yes", "use": "consideration of designation"}
    given = originator.submit(consent, until="2027-06-30", **fields)
    approved(federation, given, US)
    assert "This ministry has consented." in originator.get(consent).text
    onward = f"{home}/onward/{request[7:]}/release"
    assert onward in holder.get(home).text
    form = holder.get(onward).text
    assert "consideration of designation" in form, "the consent's own marking is offered"
    released = holder.submit(onward, legal_basis="The act.", **fields)
    approved(federation, released, UK)
    third = federation.officer(CA, "analyst")
    assert evidence.read(federation[CA], third, package).title == "Detention"
    french = console_on(federation, CA).browser("analyst").get(f"/fr/packages/{package[7:]}")
    assert "Detention" in french.text


def test_who_may_not_consent_or_pass_on_is_told(federation, package):
    holder = console_on(federation, UK).browser("analyst")
    originator = console_on(federation, US).browser("analyst")
    home = f"/en/packages/{package[7:]}/onward"
    assert "This package is ours" in originator.get(f"{home}/new").text
    asked = holder.submit(f"{home}/new", recipient=CA, purpose="Its own listing.")
    request = approved(federation, asked, UK)
    node, officer = federation[UK], federation.officer(UK, "analyst")
    (onward,) = passing_on.asked_of(node, officer, package)
    assert (onward.asker, onward.recipient, onward.consent) == (UK, CA, None)
    assert "Only the originator" in holder.get(f"{home}/{request[7:]}/consent").text
    assert "There is no consent" in holder.get(f"{home}/{request[7:]}/release").text
    assert holder.get(f"{home}/{'0' * 64}/consent").status_code == 404
    assert console_on(federation, CA).browser("analyst").get(f"{home}/new").status_code == 404


def test_an_analyst_replaces_a_release_by_another(federation, package):
    originator = console_on(federation, US).browser("analyst")
    home = f"/fr/packages/{package[7:]}"
    link = re.search(
        rf'href="({home}/release\?replaces=[0-9a-f]{{64}})"', originator.get(home).text
    )
    assert link is not None
    form = originator.get(link[1]).text
    assert "Remplacer une communication" in form
    assert f'value="{UK}"' not in form, "whom it is for is not chosen again"
    fields = {"tlp": "RED", "use": "consideration of designation"}
    wrong = originator.submit(link[1], f"{home}/release", **fields)
    assert wrong.status_code == 422
    assert 'name="replaces"' in wrong.text
    made = originator.submit(link[1], f"{home}/release", legal_basis="The act.", **fields)
    approved(federation, made, US)
    held = federation[UK], federation.officer(UK, "analyst")
    assert evidence.read(*held, package).releases[-1].tlp == "RED"
    ours = evidence.read(federation[US], federation.officer(US, "analyst"), package).releases
    assert [(one.state, one.tlp) for one in ours] == [("superseded", "AMBER"), ("active", "RED")]
    assert originator.get(link[1]).status_code == 409

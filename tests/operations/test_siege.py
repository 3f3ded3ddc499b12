"""Each denial of the siege for a few seconds: nobody else is stopped, memory stays bounded, all is well afterwards.

``make siege`` measures against the bounds of a quiet machine; here a busy one only has to hold what does not depend on
its speed.
"""

from collections.abc import Iterator

import pytest

from tests.siege.denials import DENIALS, Target
from tests.siege.measuring import Besieged, besieged
from tests.support.campaigns import long, short
from tests.support.node_process import served_issuer

pytestmark = [pytest.mark.processes]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Besieged]:
    with served_issuer() as issuer, besieged(tmp_path_factory.mktemp("siege"), issuer) as made:
        yield made


@pytest.fixture(scope="module")
def target(place: Besieged) -> Target:
    return place.target()


MOST = ("300 half messages",)
"""What a short run lays; `.ci/run` lays all."""


@pytest.mark.parametrize("name", [*MOST, *long(*(name for name in DENIALS if name not in MOST))])
def test_a_denial_is_its_senders_problem(place: Besieged, target: Target, name: str) -> None:
    felt = place.lay_siege(name, target, 2.0 if short(__file__) else 5.0)
    assert felt.p95 < float("inf"), "another officer was not answered"
    assert felt.applied < float("inf"), "an honest partner's release did not arrive"
    assert felt.peak <= 512
    assert felt.recovered < float("inf")

"""The federation under seeded faults: whatever strikes, and whenever, everything fits in the end.

Each run prints its seed when it fails; the same seed gives the same run. `COMITY_SEEDS=50` runs more,
a short run one seed of what strikes most.
"""

import os
from pathlib import Path

import pytest

from tests.support.acting import MINISTRIES
from tests.support.campaigns import campaign, long
from tests.support.faults import Faults, Simulation

US, UK, CA = MINISTRIES
SEEDS = [0, *long(*range(1, int(os.environ.get("COMITY_SEEDS", "2"))))]
STRUCK = {
    "quiet": Faults(),
    "requests-lost": Faults(lost=0.4),
    "answers-lost": Faults(answer_lost=0.4),
    "duplicated": Faults(duplicated=0.6),
    "reordered": Faults(held=0.5, duplicated=0.1),
    "all-of-the-network": Faults(lost=0.15, answer_lost=0.15, duplicated=0.15, held=0.2),
    "one-way-and-late": Faults(answer_lost=0.3, held=0.4),
    "dies-before-commits": Faults(before_commit=0.15),
    "dies-after-commits": Faults(after_commit=0.15),
    "dies-around-commits": Faults(before_commit=0.08, after_commit=0.08, lost=0.1, held=0.1),
    "dies-around-exhibits": Faults(store=0.5, held=0.1),
    "disk-full": Faults(full=0.2),
    "everything": Faults(
        lost=0.1,
        answer_lost=0.1,
        duplicated=0.1,
        held=0.1,
        before_commit=0.05,
        after_commit=0.05,
        full=0.05,
        store=0.2,
    ),
}

CUTS = {
    "one-way": {(US, UK)},
    "one-pair": {(UK, US), (US, UK)},
    "round-in-circles": {(US, UK), (UK, CA), (CA, US)},
}
MOST = ("all-of-the-network", "dies-around-commits", "everything")


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", [*MOST, *long(*(name for name in STRUCK if name not in MOST))])
def test_whatever_strikes_everything_fits_in_the_end(tmp_path: Path, name: str, seed: int) -> None:
    with Simulation(tmp_path, seed=seed, faults=STRUCK[name]) as simulation:
        simulation.run(acts=10)
        simulation.finish()
        if name.startswith("dies-") and name.endswith("commits"):
            assert simulation.crashes > len(MINISTRIES)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("away", [US, *long(UK, CA)])
def test_a_node_is_off_for_weeks_and_catches_up(tmp_path: Path, away: str, seed: int) -> None:
    with Simulation(tmp_path, seed=seed, faults=Faults(lost=0.1)) as simulation:
        simulation.run(acts=4)
        simulation.faults.down = {away}
        for _ in range(3):
            simulation.run(acts=3)
            simulation.federation.clock.sleep(7 * 24 * 3600)
        simulation.faults.down = set()
        simulation.run(acts=3)
        simulation.finish()


@pytest.mark.parametrize("seed", SEEDS)
def test_links_and_nodes_flap(tmp_path: Path, seed: int) -> None:
    with Simulation(tmp_path, seed=seed, faults=Faults(answer_lost=0.1)) as simulation:
        for turn in range(12):
            node = simulation.random.choice(MINISTRIES)
            simulation.faults.down = {node} if turn % 2 else set()
            simulation.run(acts=1, steps=8)
        simulation.finish()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", ["round-in-circles", *long("one-way", "one-pair")])
def test_a_partition_heals(tmp_path: Path, kind: str, seed: int) -> None:
    """Requests do not pass one way; on that way, neither do the answers to the other side's."""
    with Simulation(tmp_path, seed=seed) as simulation:
        simulation.faults.cut = set(CUTS[kind])
        simulation.run(acts=12)
        for sender, peer in CUTS[kind]:
            rows = simulation.federation[peer].db.read(
                lambda connection: list(
                    connection.exec_driver_sql("SELECT id, peer FROM messages_in")
                )
            )
            assert all(row[1] != sender for row in rows)
        simulation.finish()


@campaign("test_whatever_strikes_everything_fits_in_the_end")
def test_the_same_seed_gives_the_same_run(tmp_path: Path) -> None:
    runs = []
    for turn in ("first", "second"):
        faults = Faults(lost=0.2, held=0.2, before_commit=0.05, after_commit=0.05)
        with Simulation(tmp_path / turn, seed=9, faults=faults) as simulation:
            simulation.run(acts=10)
            copies = simulation.finish()
            runs.append(
                {
                    name: [(row["act"], row["object_id"]) for row in copy.rows["events"]]
                    for name, copy in copies.items()
                }
            )
    assert runs[0] == runs[1]

"""Who is whom: speed of a search, and what is found and lost on published lists of a folder.

The index is the node's own, in an SQLite file; a subject is looked for by the use case's own
matcher. Beside it, in the same run, brute force: RapidFuzz compares the subject's name with every
name held. nomenklatura, which needs ICU's headers and a compiler to install, stands in an
environment of its own, whose interpreter is given as ``--peer``: its logic-v2 compares a few
subjects with some of the same descriptions, and its time over all of them is in proportion.

What is right comes from the lists themselves (``_gold.py``); numbers are taken away first. Every
case that is lost is printed. Rules are made on the half ``tune``; the half ``report`` is told.

    python -m bench identity FOLDER [--half report|tune] [--subjects N] [--names N] [--all]
                                    [--peer PYTHON]
"""

import argparse
import json
import random
import subprocess
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rapidfuzz import fuzz, process
from sqlalchemy import Connection

from api.domain.identity import scoring
from api.domain.identity.profiles import Profile, of_description, spellings
from api.domain.identity.scoring import LIKELY
from api.domain.lists.entries import EntryKind
from api.records import identity
from api.records.identity import Indexed
from api.services.desk.identity import Likeness, Matcher
from bench import _gold
from bench._gold import Held
from tests.support import signing
from tests.support.exchange import US
from tests.support.federation import Federation

ONE, OTHER = "us-ofac-sdn", "eu-fsf"
_BRUTE = 20
_PEER = Path(__file__).with_name("_logic_v2.py")
_PEER_SUBJECTS, _PEER_CANDIDATES = 5, 3_000
_SCHEMAS = {EntryKind.PERSON: "Person", EntryKind.ENTITY: "Organization"}
_NAMES = "ada bob carol dave erin frank grace heidi ivan judy niaj olivia amir bashir chol elena"


def fill(federation: Federation, held: Sequence[Held], invented: int) -> list[Profile]:
    """Put every profile, and so many invented ones, into the index; returns some of the latter."""
    node = federation[US]
    kept: list[Profile] = []
    for one in held:
        rows = [Indexed(profile, one.series) for profile in one.bare.values()]
        node.db.write(lambda unit, rows=rows: identity.put(unit, rows))  # type: ignore[misc]
    draw = random.Random(7)
    for start in range(0, invented, 20_000):
        rows = [
            Indexed(of_description(f"list:invented:{n}", "Person", [_invented(draw, n)]))
            for n in range(start, min(start + 20_000, invented))
        ]
        kept += [one.profile for one in rows[::4_000]]
        node.db.write(lambda unit, rows=rows: identity.put(unit, rows))  # type: ignore[misc]
    return kept


def _invented(draw: random.Random, number: int) -> str:
    """A person of two common names and a rare one."""
    given = _NAMES.split()
    rare = "".join(draw.choice("bdfgklmnprstvz") + draw.choice("aeiou") for _ in range(3))
    return f"{draw.choice(given)} {draw.choice(given)} {rare}{number % 97}"


def times(todo: Iterable[Profile], work: Callable[[Profile], object]) -> list[float]:
    """Return the milliseconds of processor that each call takes, sorted.

    Not of the clock: other programs on the machine would be measured with it. Nothing waits here.
    """
    found = []
    for one in todo:
        started = time.thread_time()
        work(one)
        found.append((time.thread_time() - started) * 1000)
    return sorted(found)


def print_speed(
    connection: Connection,
    held: Sequence[Held],
    invented: Sequence[Profile],
    options: argparse.Namespace,
) -> None:
    """Print how long one subject takes, against brute force over the same names."""
    everybody = [one for each in held for one in each.bare.values() if one.spellings]
    chosen = random.Random(5).sample(everybody, min(options.subjects, len(everybody)))
    matcher = Matcher(connection)
    matcher.look(chosen[0])
    ours = times(chosen, matcher.look)
    plain = [spelling.plain for one in everybody for spelling in one.spellings]
    brute = times(
        chosen[:_BRUTE],
        lambda one: process.extract(
            one.spellings[0].plain, plain, scorer=fuzz.token_set_ratio, limit=10
        ),
    )
    middle, late = ours[len(ours) // 2], ours[int(len(ours) * 0.95)]
    print(f"one subject among {identity.count(connection)} descriptions, {len(plain)} names:")
    print(f"  p50 {middle:.1f} ms (aim 2), p95 {late:.1f} ms (aim 10)")
    print(
        f"  brute force p50 {brute[len(brute) // 2]:.0f} ms: x{brute[len(brute) // 2] / middle:.0f}"
    )
    if options.peer is not None:
        theirs = peer_times(options.peer, chosen[:_PEER_SUBJECTS], everybody)
        slow = theirs[len(theirs) // 2]
        print(f"  logic-v2 over the same: p50 {slow:.0f} ms: x{slow / middle:.0f} (aim 3,000)")
    alone = times(chosen, lambda one: Matcher(connection).look(one))
    print(f"  with nothing remembered of the last one: p50 {alone[len(alone) // 2]:.1f} ms")
    first = [one for one in chosen if matcher.look(one, least=0).found]
    wrong = [one for one in first if not _equal_first(matcher, one)]
    wrong += [one for one in invented if not _finds_itself(matcher, one)]
    print(f"  an equal name is not first: {len(wrong)} of {len(first) + len(invented)} (aim 0)")


def peer_times(
    python: Path, wanted: Sequence[Profile], everybody: Sequence[Profile]
) -> list[float]:
    """Return the milliseconds that logic-v2 would take over everybody, judged by some, sorted."""
    some = random.Random(6).sample(everybody, min(_PEER_CANDIDATES, len(everybody)))
    asked = {
        "subjects": [_for_peer(one) for one in wanted],
        "candidates": [_for_peer(one) for one in some],
    }
    done = subprocess.run(
        [python, _PEER], input=json.dumps(asked), capture_output=True, text=True, check=True
    )
    return sorted(one * len(everybody) / len(some) for one in json.loads(done.stdout))


def _for_peer(one: Profile) -> list[object]:
    names = list(dict.fromkeys(spelling.text for spelling in one.spellings))
    births = [birth.earliest for birth in one.births if birth.earliest == birth.latest]
    return [_SCHEMAS.get(one.kind, "LegalEntity"), names, births, []]


def _equal_first(matcher: Matcher, wanted: Profile) -> bool:
    """Tell whether no equal name stands behind one that is not equal."""
    told = [one.resemblance.equal for one in matcher.look(wanted, least=0).found]
    return told == sorted(told, reverse=True)


def _finds_itself(matcher: Matcher, held: Profile) -> bool:
    """Tell whether a name that is held, looked for alone, is first."""
    found = matcher.look(replace(held, ref=""), least=0).found
    return bool(found) and found[0].resemblance.equal


def print_whole(connection: Connection, held: Mapping[str, Held]) -> None:
    """Print how long a whole list takes against all the others."""
    others = [series for series in held if series != ONE]
    matcher = Matcher(connection)
    started, clock = time.thread_time(), time.perf_counter()
    found = matcher.each(held[ONE].bare.values(), series=others)
    likely = sum(one.resemblance.score >= LIKELY for each in found for one in each.found)
    took, waited = time.thread_time() - started, time.perf_counter() - clock
    print(
        f"all {len(held[ONE].bare)} of {ONE} against the rest: {took:.0f} s of processor (aim 60), "
        f"{waited:.0f} s of the clock, {likely} likely"
    )


@dataclass(slots=True)
class Tally:
    """What became of the pairs of one kind."""

    hits: int = 0
    false: int = 0
    missed: int = 0
    first: int = 0
    subjects: int = 0


def print_pairs(connection: Connection, one: Held, other: Held, chosen: str) -> None:
    """Print precision and recall on the pairs that share a number, and each that is lost."""
    matcher = Matcher(connection)
    tallies: dict[str, Tally] = defaultdict(Tally)
    lost, passed = [], []
    for ref, matches in sorted(_gold.pairs(one, other).items()):
        if _gold.half(ref) != chosen:
            continue
        wanted = one.bare[ref]
        tally = tallies["persons" if wanted.kind is EntryKind.PERSON else "bodies"]
        found = matcher.look(wanted, series=[other.series]).found
        likely = {
            each.indexed.profile.ref: each for each in found if each.resemblance.score >= LIKELY
        }
        again = _gold.twice(other, matches, likely.keys())
        passed += [(wanted, other.bare[match]) for match in sorted(again)]
        likely = {match: each for match, each in likely.items() if match not in again}
        tally.subjects += 1
        tally.first += bool(found) and found[0].indexed.profile.ref in matches
        tally.hits += len(matches & likely.keys())
        tally.missed += len(matches - likely.keys())
        tally.false += len(likely.keys() - matches)
        near = {each.indexed.profile.ref: each for each in found}
        lost += [
            ("missed" if match in matches else "false", wanted, other.bare[match], near.get(match))
            for match in sorted(matches ^ likely.keys())
        ]
    aims = {"persons": ".99, .995", "bodies": ".95, .95; first .98"}
    for kind, tally in sorted(tallies.items()):
        precision, recall, _ = _gold.f1(tally.hits, tally.false, tally.missed)
        print(
            f"{kind}, {tally.subjects} subjects: precision {precision:.3f} ({tally.false} false), "
            f"recall {recall:.3f} ({tally.missed} missed), "
            f"first {tally.first / tally.subjects:.3f} (aims {aims[kind]})"
        )
    for what, mine, theirs, likeness in lost:
        _print_loss(what, mine, theirs, likeness)
    for mine, theirs in passed:
        print(f"  listed twice, not counted: {_told(mine)} | {_told(theirs)}")


def _print_loss(what: str, mine: Profile, theirs: Profile, found: Likeness | None) -> None:
    score = f"{found.resemblance.score:.3f}" if found else "not found"
    print(f"  {what} {score}: {_told(mine)} | {_told(theirs)}")
    for signal in found.resemblance.signals if found else ():
        print(f"      {signal.bearing.value}: {signal.text}")


def _told(profile: Profile) -> str:
    births = ", ".join(one.text for one in profile.births[:2])
    return f"{profile.ref.removeprefix('list:')} {profile.name} {births}".strip()


def print_scripts(connection: Connection, one: Held, other: Held, chosen: str) -> None:
    """Print how often a name in another script, alone, brings its subject."""
    known = _gold.namesakes(one, other)
    for ref, matches in _gold.pairs(one, other).items():
        known.setdefault(ref, set()).update(matches)
    total: Counter[tuple[str, bool]] = Counter()
    first: Counter[tuple[str, bool]] = Counter()
    five: Counter[tuple[str, bool]] = Counter()
    lost = []
    matcher = Matcher(connection)
    for query in _gold.in_half(_gold.native_names(known, other), chosen):
        kind = EntryKind.PERSON if query.person else EntryKind.OTHER
        wanted = Profile("", kind, spellings([(query.text, False)]))
        found = [
            each.indexed.profile.ref
            for each in matcher.look(wanted, series=[one.series], least=0).found[:5]
        ]
        place = (query.script, query.person)
        total[place] += 1
        first[place] += bool(found) and found[0] in query.of
        five[place] += bool(query.of & set(found))
        if not query.of & set(found):
            lost.append((query, one.bare[min(query.of)].name))
    for place in sorted(total):
        script, person = place
        print(
            f"{script} {'persons' if person else 'bodies'}, {total[place]} names: "
            f"first {first[place] / total[place]:.3f}, of five {five[place] / total[place]:.3f}"
        )
    print("  (aims, persons: Cyrillic first .97, Arabic of five .92, Han and Hangul .95)")
    for query, name in lost:
        print(f"  lost: {query.script} {query.text} | {name}")


def print_alone(held: Held) -> None:
    """Print how often an entry is found by its name in Han or Hangul, which was taken from it.

    Few such names are of known pairs, so each entry is its own: all else that the list has of it
    is in the index.
    """
    latin, queries = _gold.without_native(held, ("Han", "Hangul"))
    lost = []
    total, first, five = Counter[str](), Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        federation = Federation(Path(folder) / "n", ministries=(signing.US,))
        fill(federation, [latin], 0)
        with federation[US].db.engine.connect() as connection:
            matcher = Matcher(connection)
            for query in queries:
                wanted = Profile("", EntryKind.PERSON, spellings([(query.text, False)]))
                near = matcher.look(wanted, least=0).found[:5]
                found = [each.indexed.profile.ref for each in near]
                place = f"{query.script} persons, {_gold.half(min(query.of))}"
                total[place] += 1
                first[place] += found[:1] == [min(query.of)]
                five[place] += bool(query.of & set(found))
                if found[:1] != [min(query.of)]:
                    lost.append((query, latin.bare[min(query.of)].name, near[:1]))
        federation.close()
    for place in sorted(total):
        print(
            f"{place}, {total[place]} names alone of {held.series}: "
            f"first {first[place] / total[place]:.3f}, of five {five[place] / total[place]:.3f}"
        )
    for query, name, near in lost:
        instead = near[0].indexed.profile.name if near else "nothing"
        print(f"  not first: {query.text} | {name} | but {instead}")


def print_labelled(folder: Path, chosen: str) -> None:
    """Print the best F1 on labelled names, at the score that is best on the other half."""
    rows: dict[str, list[tuple[float, _gold.Labelled]]] = {half: [] for half in _gold.HALVES}
    for each in _gold.labelled_in(folder):
        kind = EntryKind.PERSON if each.person else EntryKind.ENTITY
        one, other = (
            Profile("", kind, spellings([(text, False)])) for text in (each.one, each.other)
        )
        score = scoring.resemblance(one, other).score
        rows[_gold.half(each.one + each.other)].append((score, each))
    if not rows[chosen]:
        return
    tuned = max((n / 100 for n in range(60, 96)), key=lambda at: _at(rows["tune"], at)[2])
    for at in (tuned, LIKELY):
        precision, recall, both = _at(rows[chosen], at)
        print(
            f"labelled names, {len(rows[chosen])} pairs at {at:.2f}: precision {precision:.3f}, "
            f"recall {recall:.3f}, F1 {both:.3f} (aim .85)"
        )
    for score, each in sorted(rows[chosen], key=lambda row: (row[1].same, row[0])):
        if (score >= tuned) != each.same:
            word = "missed" if each.same else "false"
            print(f"  {word} {score:.3f}: {each.one} | {each.other}")


def _at(rows: Sequence[tuple[float, _gold.Labelled]], least: float) -> tuple[float, float, float]:
    hits = sum(score >= least and one.same for score, one in rows)
    false = sum(score >= least and not one.same for score, one in rows)
    missed = sum(score < least and one.same for score, one in rows)
    return _gold.f1(hits, false, missed)


def main(arguments: list[str]) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="bench identity")
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--half", choices=_gold.HALVES, default="report")
    parser.add_argument("--subjects", type=int, default=400)
    parser.add_argument("--names", type=int, default=0, help="invented descriptions beside")
    parser.add_argument("--all", action="store_true", help="match a whole list against the rest")
    parser.add_argument("--peer", type=Path, help="interpreter that has nomenklatura")
    options = parser.parse_args(arguments)
    if options.folder is None:
        print("give a folder of published lists; none is kept in the repository")
        return
    found, passed = _gold.lists_in(options.folder)
    held = {one.series: one for one in found}
    print("\n".join(f"not read: {one}" for one in passed))
    with tempfile.TemporaryDirectory() as folder:
        federation = Federation(Path(folder) / "n", ministries=(signing.US,))
        started = time.process_time()
        invented = fill(federation, found, options.names)
        took = time.process_time() - started
        with federation[US].db.engine.connect() as connection:
            count = identity.count(connection)
            print(f"index of {count} descriptions made in {took:.0f} s of processor")
            print_speed(connection, found, invented, options)
            if options.all and ONE in held:
                print_whole(connection, held)
            if {ONE, OTHER} <= held.keys():
                print_pairs(connection, held[ONE], held[OTHER], options.half)
                print_scripts(connection, held[ONE], held[OTHER], options.half)
        federation.close()
    if OTHER in held:
        print_alone(held[OTHER])
    print_labelled(options.folder, options.half)


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])

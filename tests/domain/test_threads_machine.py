"""Two nodes, a bad network, honest and dishonest moves: both ends must agree in the end."""

import dataclasses
import random
from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from typing_extensions import override

from api.domain.decisions import Decision
from api.domain.threads.sequences import Record, fold, judge, takes_its_place, waits
from api.domain.threads.state import state_digest
from api.wire.statements import Statement
from tests.support.bodies import digest
from tests.support.campaigns import short
from tests.support.statements import UK, US, finding, following, opener, person

KEYS = ["s1", "s2", "s3"]
keys = st.sampled_from(KEYS)
questions = st.sampled_from(["q1", "q2"])
some_keys = st.lists(keys, min_size=1, max_size=2, unique=True)
kinds = st.sampled_from(["mirror", "mirror-differently", "decline", "defer"])

requester_moves = st.one_of(
    st.builds(
        lambda key: ("mirror-amendment/1", {"note": "n", "add": [person(key)]}),
        keys,
    ),
    st.builds(lambda some: ("mirror-amendment/1", {"note": "n", "remove": some}), some_keys),
    st.builds(lambda key: ("mirror-answer/1", {"question": key, "text": "t"}), questions),
    st.builds(lambda some: ("mirror-withdrawal/1", {"reason": "r", "subjects": some}), some_keys),
    st.just(("mirror-withdrawal/1", {"reason": "all"})),
)
addressee_moves = st.one_of(
    st.builds(lambda key, kind: ("mirror-finding/1", finding(key, kind)), keys, kinds),
    st.builds(
        lambda key, mark: ("mirror-effect/1", {"subject": key, "designation": digest(mark)}),
        keys,
        st.sampled_from("abc"),
    ),
    st.builds(lambda key: ("mirror-question/1", {"question": key, "text": "t"}), questions),
    st.just(("mirror-acknowledgement/1", {})),
    st.just(("mirror-closure/1", {"reason": "r"})),
)


@dataclasses.dataclass
class Node:
    """One ministry: what it has stored, what it keeps for later, what it has answered."""

    name: str
    record: Record
    parked: dict[str, Statement] = dataclasses.field(default_factory=dict)
    answered: dict[str, str] = dataclasses.field(default_factory=dict)
    outbox: list[tuple[str, Any]] = dataclasses.field(default_factory=list)

    def receive(self, packet: tuple[str, Any]) -> None:
        kind, content = packet
        if kind == "refused":
            self.record = self.record.voiding(content)
            return
        self.parked[content.id] = content
        progress = True
        while progress:
            progress = any(self.settle(one) for one in list(self.parked.values()))

    def settle(self, statement: Statement) -> bool:
        """Judge a parked statement; True if it left the shelf."""
        decision = judge(self.record, statement)
        if waits(decision):
            return False
        del self.parked[statement.id]
        if decision.code == "equivocation":
            self.record = dataclasses.replace(
                self.record, disputed=self.record.disputed | {statement.issuer}
            )
        if not takes_its_place(decision):
            return True
        self.record = self.record.adding(statement)
        content_is_bad = statement.body.get("x-bad") is True
        if content_is_bad or not decision:
            self.record = self.record.voiding(statement.id)
            self.outbox.append(("refused", statement.id))
        self.answered[statement.id] = "refused" if content_is_bad else decision.code
        return True


class TwoNodes(RuleBasedStateMachine):
    """Issues, losses, retries, repetitions and reorderings between two nodes."""

    content_is_refused = True

    @initialize(mark=st.integers(0, 1000))
    def open(self, mark: int) -> None:
        first = opener(("s1",), mark=str(mark))
        self.nodes = {US: Node(US, Record((first,))), UK: Node(UK, Record((first,)))}
        self.flying: list[tuple[str, tuple[str, Any]]] = []
        self.serial = 0
        self.judged: dict[str, str] = {}

    def issue(
        self, node: Node, move: tuple[str, dict[str, Any]], seen: int | None, bad: bool
    ) -> tuple[Statement, Decision]:
        type_, members = move
        self.serial += 1
        bad = bad and self.content_is_refused
        flagged = {**members, "x-bad": True} if bad else members
        candidate = following(
            node.record, node.name, type_, flagged, seen=seen, mark=str(self.serial)
        )
        decision = judge(node.record, candidate)
        self.judged[candidate.id] = decision.code
        return candidate, decision

    def write(self, node: Node, candidate: Statement) -> None:
        node.record = node.record.adding(candidate)
        node.outbox.append(("statement", candidate))
        self.flying.append((UK if node.name == US else US, node.outbox[-1]))

    @rule(move=requester_moves, bad=st.sampled_from([False, False, False, True]))
    def requester_says(self, move: tuple[str, dict[str, Any]], bad: bool) -> None:
        candidate, decision = self.issue(self.nodes[US], move, None, bad)
        if decision:
            self.write(self.nodes[US], candidate)

    @rule(move=addressee_moves, bad=st.sampled_from([False, False, False, True]))
    def addressee_says(self, move: tuple[str, dict[str, Any]], bad: bool) -> None:
        candidate, decision = self.issue(self.nodes[UK], move, None, bad)
        if decision:
            self.write(self.nodes[UK], candidate)

    @rule(move=requester_moves | addressee_moves, seen=st.integers(0, 3))
    def requester_breaks_the_rules(self, move: tuple[str, dict[str, Any]], seen: int) -> None:
        self.break_the_rules(US, move, min(seen, len(self.nodes[US].record.addressee)))

    @rule(move=addressee_moves, seen=st.integers(1, 3))
    def addressee_breaks_the_rules(self, move: tuple[str, dict[str, Any]], seen: int) -> None:
        self.break_the_rules(UK, move, min(seen, len(self.nodes[UK].record.requester)))

    def break_the_rules(self, name: str, move: tuple[str, dict[str, Any]], seen: int) -> None:
        candidate, decision = self.issue(self.nodes[name], move, seen, bad=False)
        assert takes_its_place(decision)
        self.write(self.nodes[name], candidate)

    @rule(name=st.sampled_from([US, UK]))
    def send_everything_again(self, name: str) -> None:
        self.flying += [(UK if name == US else US, one) for one in self.nodes[name].outbox]

    @precondition(lambda self: self.flying)
    @rule(order=st.randoms(use_true_random=False), count=st.integers(1, 5), again=st.booleans())
    def arrive(self, order: random.Random, count: int, again: bool) -> None:
        order.shuffle(self.flying)
        arriving = self.flying[:count]
        if not again:
            del self.flying[:count]
        for name, packet in arriving:
            self.nodes[name].receive(packet)

    @precondition(lambda self: self.flying)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        del self.flying[data.draw(st.integers(0, len(self.flying) - 1))]

    @rule(name=st.sampled_from([US, UK]), data=st.data())
    def equivocate(self, name: str, data: st.DataObject) -> None:
        receiver = self.nodes[UK if name == US else US]
        own = receiver.record.requester if name == US else receiver.record.addressee
        if not own:
            return
        original = data.draw(st.sampled_from(own))
        self.serial += 1
        second = dataclasses.replace(original, id=digest(f"ee{self.serial:x}"))
        if original.type == "mirror-request/1":
            second = dataclasses.replace(second, thread=original.id, type="mirror-withdrawal/1")
        decision = judge(receiver.record, second)
        assert decision.code == "equivocation"
        assert not takes_its_place(decision)
        disputed = dataclasses.replace(receiver.record, disputed=frozenset({name}))
        assert state_digest(fold(disputed)) == state_digest(fold(receiver.record))

    @invariant()
    def equal_heads_and_voids_mean_equal_states(self) -> None:
        here, there = (self.nodes[name].record for name in (US, UK))
        common = (
            min(len(here.requester), len(there.requester)),
            min(len(here.addressee), len(there.addressee)),
        )
        voided = here.voided | there.voided
        states = [
            fold(dataclasses.replace(record.upto(*common), voided=voided))
            for record in (here, there)
        ]
        assert state_digest(states[0]) == state_digest(states[1])

    @invariant()
    def stored_statements_are_folded_whole(self) -> None:
        for node in self.nodes.values():
            assert fold(node.record).waiting == ()

    @override
    def teardown(self) -> None:
        if not hasattr(self, "nodes"):
            return
        chance = random.Random(self.serial)
        unsent = True
        while unsent:
            before = [len(node.outbox) for node in self.nodes.values()]
            packets = [
                (receiver, packet)
                for sender, receiver in ((US, UK), (UK, US))
                for packet in self.nodes[sender].outbox
            ]
            chance.shuffle(packets)
            for name, packet in packets:
                self.nodes[name].receive(packet)
            unsent = before != [len(node.outbox) for node in self.nodes.values()]
        here, there = self.nodes[US], self.nodes[UK]
        assert here.parked == {}
        assert there.parked == {}
        assert here.record == there.record
        assert state_digest(fold(here.record)) == state_digest(fold(there.record))
        stored = [*here.record.requester, *here.record.addressee] * 2
        chance.shuffle(stored)
        again = Record.of(stored, voided=here.record.voided)
        assert state_digest(fold(again)) == state_digest(fold(here.record))


class TwoNodesAlike(TwoNodes):
    """The same without refusals of content: then both nodes must judge every statement alike."""

    content_is_refused = False

    @invariant()
    def both_judge_alike_whenever_it_arrived(self) -> None:
        for node in self.nodes.values():
            for id_, code in node.answered.items():
                assert code == self.judged[id_]

    @invariant()
    def folding_judges_as_the_issuer_did(self) -> None:
        for node in self.nodes.values():
            unvoided = dataclasses.replace(node.record, voided=frozenset())
            inert = {one.stamp.id: one.code for one in fold(unvoided).inert}
            for statement in (*unvoided.requester[1:], *unvoided.addressee):
                assert inert.get(statement.id, "ok") == self.judged[statement.id]


MANY = settings(max_examples=20 if short(__file__) else 100, stateful_step_count=30, deadline=None)
TwoNodes.TestCase.settings = MANY
TwoNodesAlike.TestCase.settings = MANY
TestTwoNodes = TwoNodes.TestCase
TestTwoNodesAlike = TwoNodesAlike.TestCase

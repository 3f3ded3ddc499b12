"""Every fact about a regime that the program brings has its French."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from api.web.console import law_facts, law_labels

REGIMES = sorted((Path(__file__).parents[2] / "policies/regimes").glob("*.json"))


def facts_in(value: Any) -> set[str]:
    """The texts of all facts in a document: what has a basis, and words that are not in two languages."""
    if isinstance(value, list):
        return {text for one in value for text in facts_in(one)}
    if not isinstance(value, dict):
        return set()
    own = {value["text"]} if "basis" in value and isinstance(value.get("text"), str) else set()
    return own | {text for one in value.values() for text in facts_in(one)}


ALL = {text for path in REGIMES for text in facts_in(json.loads(path.read_bytes()))}


def test_every_fact_has_french_and_no_french_is_left_over():
    assert set(law_facts.french()) == ALL


def test_numbers_are_the_same_in_both():
    for english, french in law_facts.french().items():
        numbers = re.findall(r"[0-9]{2,}", english.replace("1 p.m.", ""))
        assert all(one in french for one in numbers if one != "00"), (english, french)
        assert not re.search(r"[^\W\d] [:%]", french), "a no-break space stands before it"


@pytest.mark.parametrize("path", REGIMES, ids=lambda path: path.stem)
def test_every_kind_of_fact_has_a_label(path):
    assert set(json.loads(path.read_bytes())["facts"]) <= set(law_labels.LABELS["law-fact"])


def test_a_fact_without_french_is_marked_as_english():
    assert law_facts.fact("fr", "New & unknown.") == '<span lang="en">New &amp; unknown.</span>'
    assert law_facts.fact("fr", "Section 5.") == "Article 5."
    assert law_facts.fact("en", "Section 5.") == "Section 5."

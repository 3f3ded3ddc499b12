"""Names folded across scripts, found by keys, scored with reasons."""

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from api.domain.identity import countries
from api.domain.identity.folding import korean_readings, readings, skeleton, words
from api.domain.identity.naming import name_score, weight
from api.domain.identity.numbers import single, telling
from api.domain.identity.profiles import Profile, Said, keys, of_description, spellings
from api.domain.identity.scoring import (
    LIKELY,
    Bearing,
    SignalKind,
    Suggestion,
    resemblance,
)
from api.domain.lists.births import birth
from api.domain.lists.entries import EntryKind


def person(*names: str, born: str = "", ids: tuple[str, ...] = ()) -> Profile:
    births = tuple(one for one in [birth(born)] if one is not None)
    told = telling(("Passport", one) for one in ids)
    return Profile("", EntryKind.PERSON, spellings((one, False) for one in names), births, told)


def body(*names: str) -> Profile:
    return Profile("", EntryKind.ENTITY, spellings((one, False) for one in names))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Łukasz Przykład", "Lukasz Przyklad"),
        ("IŞIK ÖRNEK", "ışık örnek"),
        ("Đorđe Ħægt Þor", "Dorde Haegt Thor"),
        ("O’Brien", "OBrien"),
        ("O'Brien", "Oʼbrien"),
        ("محمـد", "محمد"),
        ("مُحَمَّد", "محمد"),
        ("CHEN Quanguo", "陈全国"),
        ("陳全國", "陈全国"),
        ("ＣＨＥＮ Quanguo", "chen quanguo"),
        ("Александр Лукашенко", "Aleksandr Lukashenko"),
        ("Γεώργιος", "Georgios"),
        ("Kim Jongun", "김정은"),
    ],
)
def test_two_ways_to_write_one_name_fold_to_the_same_words(one: str, other: str) -> None:
    assert words(one) == words(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("muhammad", "mohamed"),
        ("muhammad", "mhmd"),
        ("aleksandr", "alexander"),
        ("husayn", "hussein"),
        ("lukashenko", "lukashenka"),
        ("hamsho", "hamcho"),
        ("dschumblat", "djoumblatt"),
        ("schewtschenko", "chevtchenko"),
        ("zelenskyy", "selenskyj"),
        ("milosevic", "milosevich"),
        ("gulmurod", "goulmourod"),
    ],
)
def test_one_sound_has_one_skeleton(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(other)


@pytest.mark.parametrize(
    ("native", "latin"),
    [("مرتضی", "morteza"), ("کهن", "kohan"), ("پهلوی", "pahlavi"), ("تسنیم", "tasnim")],
)
def test_two_arabic_letters_are_not_read_as_one(native: str, latin: str) -> None:
    assert skeleton(latin) in {skeleton(one) for read in readings(native) for one in read}


@pytest.mark.parametrize(
    ("native", "latin"),
    [("박영한", "PARK Young Han"), ("이철수", "Lee Cheol-su"), ("이철수", "RI Chol Su")],
)
def test_a_korean_surname_is_read_as_both_states_write_it(native: str, latin: str) -> None:
    assert keys(person(native)) & keys(person(latin))
    scores = [name_score(one, words(latin), body=False) for one in readings(native)]
    assert max(scores) > 0.85


@pytest.mark.parametrize(
    ("native", "latin"),
    [
        ("홍길동", "HONG Kil-tong"),  # McCune and Reischauer, syllables apart
        ("홍길동", "Hong Kildong"),  # McCune and Reischauer, joined
        ("홍길동", "Hong Gil-dong"),  # the South's
        ("전지부", "CHON Chi Bu"),
        ("최천식", "CHOE Chun-Sik"),
        ("리영길", "Yo’ng-kil YI"),
        ("로동신", "Noh Dongsin"),
        ("김철남", "Chol Nam KIM"),
        ("金铁三", "Chol Sam KIM"),  # a Korean in a Chinese register, shortened characters
        ("金鐵三", "KIM Chul-Sam"),
        ("李明 洙", "Ri Myong Su"),
    ],
)
def test_a_korean_name_is_found_however_it_is_written(native: str, latin: str) -> None:
    assert keys(person(native)) & keys(person(latin))
    assert resemblance(person(native), person(latin)).score >= 0.85


def test_koreans_of_other_names_and_chinese_are_not_taken_for_each_other() -> None:
    assert resemblance(person("김수일"), person("Su Il KIM")).score > (
        resemblance(person("김수일"), person("KIM Il-Su")).score
    )
    # A character that the table does not have leaves the name unread, and a body is no person.
    assert not korean_readings("陈全囯")
    assert not korean_readings("新疆生产建设兵团公安局")
    # Whether a name in Han characters is a Korean's nobody says, so it is as a weak alias.
    chinese = person("陈全国")
    assert [one.weak for one in chinese.spellings if one.words[0] == "chen"] == [False]
    assert all(one.weak for one in chinese.spellings if one.words[0] != "chen")


def test_of_names_with_one_sound_the_one_with_the_same_consonants_is_first() -> None:
    native = words("محسن حجتی")
    same, other = words("Mohsen Hojati"), words("Mohsen Asadi")
    assert skeleton("".join(same)) == skeleton("".join(other))
    near, far = (name_score(native, one, body=False) for one in (same, other))
    assert near > far
    assert far == name_score(other, native, body=False)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Chenquanguo", "Quanguo CHEN"),
        ("albaghdadi", "al-Baghdadi"),
        ("Abu Bakr Albaghdadi", "Abu Bakr al-Baghdadi"),
        ("محمد البغدادي", "Muhammad al-Baghdadi"),
        ("Лукашенко Александр", "Alexander LUKASHENKO"),
        ("Kim Jong Un", "김정은"),
    ],
)
def test_one_name_is_found_by_the_other(one: str, other: str) -> None:
    assert keys(person(one)) & keys(person(other))
    assert name_score(words(one), words(other), body=False) > 0.78


@pytest.mark.parametrize(
    ("one", "other", "least"),
    [
        ("OOO Tekhnologiya", "Technology LLC", 0.95),
        ("XPCC", "Xinjiang Production and Construction Corps", 0.75),
        ("First Example Brigade", "1st Example Brigade", 0.95),
        ("VTB Bank PJSC", "VTB Banka", 0.9),
        ("Severny Zavod AO", "Northern Plant JSC", 0.0),
    ],
)
def test_organisations_without_their_forms_in_one_language(
    one: str, other: str, least: float
) -> None:
    assert resemblance(body(one), body(other)).score >= least


def test_a_corps_is_not_its_bureau() -> None:
    corps = body("Xinjiang Production and Construction Corps")
    bureau = body("Xinjiang Production and Construction Corps Public Security Bureau")
    found = resemblance(corps, bureau)
    assert not found.equal
    assert found.score < LIKELY
    assert found.suggested is Suggestion.NOT_SAME
    opposing = [one.text for one in found.signals if one.bearing is Bearing.OPPOSES]
    assert opposing == [
        "One name adds public security bureau: a part of the other, or another body"
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (person("Serhiy KUSYUK"), person("Serhiy KOZYAKOV")),
        (person("Khin Maung Soe"), person("Khin Maung Swe")),
        (person("CHEN Quanguo"), person("최광혁")),
        (person("CHEN Mingguo"), person("CHEN Quanguo")),
        (person("Abdur RAHMAN"), person("Abdurrahman")),
        (person("Abdul Rahim"), person("Abdurrahim")),
        (person("Aung Myint Oo Zaw"), person("Zaw Myo Aung")),
        (person("SALMAN BIN MUHAMMAD AL-RAWI"), person("MUHAMMAD BIN SALMAN AL-RAWI")),
        (person("Olga Baranova"), person("Oleg BARANOV")),
        (person("MOHAMMAD BAHRUM SUKARNO ANGGIH"), person("MOHAMMAD BAHRUM NAIM ANGGIH")),
        (person("HABIB BEN MOHAMED AL-LOUBIRI"), person("HABIB BEN AHMED AL-LOUBIRI")),
        (person("Mohamad Iqbal Abdurrahim"), person("Mohamad Iqbal Abdurrahman")),
        (body("Example Global Fund IV"), body("Example Global Fund V")),
        (body("CHARSO LIMITED"), body("JSC Sirius")),
        (body("NABAH LTD"), body("NAPO")),
        (body("Ministry of Interior"), body("Ministerio del Interior", "Ministry of Interior")),
        (body("99th Light Infantry Division"), body("33rd Light Infantry Division")),
    ],
)
def test_names_of_two_subjects_that_sound_alike_are_no_match(one: Profile, other: Profile) -> None:
    assert resemblance(one, other).score < LIKELY


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("بشارالاسد", "Bashar AL-ASSAD"),
        ("ﻣﻮﺳﻰﺩﻭﺩﻳﻦ", "Musa DUDIN"),
        ("أبوبكر الجزائري", "Abu Bakr AL-JAZAIRI"),
        ("سید حجت الله قریشی", "Seyed Hojatollah GHOREISHI"),
        ("رضایی قاسم", "Qasem REZAEI"),
        ("박재경", "Jae-gyong PAK"),
        ("리명수", "RI Myong Su"),
        ("김철남", "Chol Nam KIM"),
    ],
)
def test_a_person_is_found_by_a_name_in_another_script(written: str, name: str) -> None:
    wanted, held = person(written), person(name)
    assert any(key[0] in "^+&" for key in keys(wanted) & keys(held))
    assert resemblance(wanted, held).score >= 0.7


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("녕변 원자력 연구소", "Nyongbyon Nuclear Research Institute"),
        ("조선인민군", "Korean People's Army"),
        ("조선대외건설총회사", "Korea General Corporation for External Construction"),
        (
            "新疆生产建设兵团公安局",
            "Xinjiang Production and Construction Corps Public Security Bureau",
        ),
        ("АО НИИ Вектор", "Research Institute Vector JSC"),
        ("Siemens Aktiengesellschaft", "Siemens A.G."),
        ("Federal State Enterprise Aleksinsky Chemical Plant", "ALEKSINSKII KHIMICHESKII KOMBINAT"),
    ],
)
def test_a_body_is_found_by_its_name_in_another_language(written: str, name: str) -> None:
    assert keys(body(written)) & keys(body(name))
    assert resemblance(body(written), body(name)).score >= LIKELY


def test_two_firms_of_one_name_and_of_two_sorts_are_two() -> None:
    shares, limited = body("OAO Example Export"), body("OOO Example Export")
    found = resemblance(shares, limited)
    assert found.score < LIKELY
    assert any(one.text.startswith("Other legal forms") for one in found.signals)
    # The same sort by another word, or a list that knows both, is no conflict.
    assert resemblance(shares, body("Example Export JSC")).score >= LIKELY
    assert resemblance(shares, body("OOO Example Export", "AO Example Export")).score >= LIKELY


def test_a_name_of_common_words_alone_is_not_enough() -> None:
    common = {"abu": 0.2, "khalil": 0.5}
    one, other = person("Abu Khalil", born="12 Jul 1977"), person("Abu Khalil", born="20 Mar 1978")
    apart = [
        replace(each, countries=(land,)) for each, land in ((one, "Qatar"), (other, "PHILIPPINES"))
    ]
    assert resemblance(*apart, lambda word: common.get(word, 1.0)).score < LIKELY
    assert resemblance(one, one, lambda word: common.get(word, 1.0)).score >= LIKELY


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Russia", "RUSSIAN FEDERATION", True),
        ("Iran", "IRAN (ISLAMIC REPUBLIC OF)", True),
        ("Korea, North", "KOREA, DEMOCRATIC PEOPLE'S REPUBLIC OF", True),
        ("Burma", "MYANMAR", True),
        ("Korea, South", "KOREA, DEMOCRATIC PEOPLE'S REPUBLIC OF", False),
        ("Sudan", "South Sudan", False),
        ("Kuwait", "IRAQ", False),
        ("United States", "UNITED KINGDOM", False),
        ("Niger", "NIGERIA", False),
        ("Austria", "AUSTRALIA", False),
        ("Guinea", "GUINEA-BISSAU", False),
        ("Syria", "SYRIAN ARAB REPUBLIC", True),
        ("Korea, North", "Republic of Korea", False),
    ],
)
def test_one_country_by_two_names(one: str, other: str, *, same: bool) -> None:
    assert bool(countries.shared([one], [other])) is same
    assert bool(countries.shared([other], [one])) is same


def test_a_common_name_spelt_otherwise_is_found_by_its_day_of_birth() -> None:
    one, other = person("Ada Hamsho", born="1966-05-20"), person("Ida Hamcho", born="20 May 1966")
    assert any(key[0] == "*" for key in keys(one) & keys(other))
    assert not any(key[0] == "*" for key in keys(person("Ada Hamsho", born="May 1966")))


def test_about_a_year_is_not_fifteen_years() -> None:
    about, later = person("Yong Chol Kim", born="circa 1947"), person("Yong Chol Kim", born="1962")
    assert resemblance(about, later).suggested is Suggestion.NOT_SAME
    near = resemblance(about, person("Yong Chol Kim", born="1950"))
    assert near.suggested is not Suggestion.NOT_SAME


def test_a_few_descriptions_cannot_say_that_a_word_is_common() -> None:
    assert weight("chen", 3, 12) > 0.8
    assert weight("chen", 300, 30_000) < 0.5
    assert weight("al", 1, 30_000) == 0.2


def test_an_office_of_one_name_is_one_body_where_the_country_is_the_same() -> None:
    one, other = body("Ministry of the Interior"), body("Ministerio del Interior")
    cuba = [replace(each, countries=("Cuba",)) for each in (one, other)]
    assert resemblance(*cuba).score >= LIKELY
    elsewhere = resemblance(cuba[0], replace(other, countries=("Syria",)))
    assert elsewhere.score < LIKELY
    assert elsewhere.suggested is Suggestion.UNSURE


def test_a_body_is_found_by_its_initials_whatever_its_legal_form() -> None:
    whole, short = body("Dolgoprudny Research Production Enterprise"), body("JSC DRPE")
    assert keys(whole) & keys(short)
    assert resemblance(whole, short).score >= 0.8


def test_each_birth_says_what_it_does() -> None:
    def told(one: str, other: str) -> tuple[float, Bearing]:
        found = resemblance(person("Ada Example", born=one), person("Ada Example", born=other))
        (signal,) = (one for one in found.signals if one.kind is SignalKind.BIRTH)
        return found.score, signal.bearing

    assert told("1955-11-01", "1955-11-01") == (1.0, Bearing.SUPPORTS)
    assert told("1955", "November 1955") == (1.0, Bearing.SUPPORTS)
    # An equal day and month with another year is one person written down twice.
    assert told("1955-11-01", "1965-11-01") == (1.0, Bearing.CONFLICTS)
    assert told("1955-11-01", "1955-11-09") == (1.0, Bearing.CONFLICTS)
    assert told("1955-11-01", "1955-12-01") == (1.0, Bearing.CONFLICTS)
    score, bearing = told("1955-11-01", "1990-03-02")
    assert score < 0.5
    assert bearing is Bearing.OPPOSES
    score, bearing = told("December 1961", "January 1961")
    assert 0.85 < score < 1
    assert bearing is Bearing.CONFLICTS


def test_kinds_and_numbers_speak() -> None:
    one = person("Ada Example", ids=("X1234567",))
    other = person("Adah Exempel", ids=("x-123 4567",))
    assert resemblance(one, other).score >= 0.99
    stranger = resemblance(person("Bob Specimen", ids=("X1234567",)), one)
    assert 0.6 < stranger.score < LIKELY
    assert resemblance(person("Ada Example"), body("Ada Example")).score < 0.5
    assert not telling([("Gender", "Male"), ("Phone", "1234567"), ("Tax", "12")])


@pytest.mark.parametrize(
    ("scheme", "mine", "theirs", "country", "told"),
    [
        ("passport", "E1234567", "e 123-4567", "CN", (Bearing.SUPPORTS, "Same number: e1234567")),
        ("tax", "7700000001", "7700009999", "RU", (Bearing.OPPOSES, "Another tax number: ")),
        (
            "tax",
            "7700000001",
            "7700000002",
            "RU",
            (Bearing.CONFLICTS, "One sign of the tax number"),
        ),
        ("passport", "E1234567", "E7654321", "CN", (Bearing.CONFLICTS, "Another passport, which")),
        ("imo", "IMO 9187629", "9179834", "", (Bearing.OPPOSES, "Another IMO number: ")),
        ("ofac-uid", "29220", "29220", "", (Bearing.SUPPORTS, "Same entry of us-ofac-sdn: 29220")),
        # Nothing is said without a country, of other forms, or of what many have.
        ("tax", "7700000001", "7700009999", "", None),
        ("tax", "7700000001", "12345678", "RU", None),
        ("phone", "7700000001", "7700000001", "RU", None),
    ],
)
def test_the_numbers_of_a_statement_speak(
    scheme: str, mine: str, theirs: str, country: str, told: tuple[Bearing, str] | None
) -> None:
    one, other = (
        of_description(
            "",
            "Company",
            ["Example Export Works"],
            Said(identifiers=[(scheme, number)], countries=[country] if country else []),
        )
        for number in (mine, theirs)
    )
    found = resemblance(one, other)
    said = [
        (signal.bearing, signal.text)
        for signal in found.signals
        if signal.kind is SignalKind.IDENTIFIER
    ]
    if told is None:
        assert not said
        return
    ((bearing, text),) = said
    assert (bearing, text[: len(told[1])]) == told
    assert (found.score < LIKELY) is (bearing is Bearing.OPPOSES)


def test_a_day_of_birth_outweighs_another_number() -> None:
    """One list printed a person's tax number on his companion."""
    told = [("1999-03-01", "504400000001"), ("1999-03-01", "771500000009"), ("", "771500000009")]
    one, same, other = (
        of_description(
            "",
            "Person",
            ["Danila Example"],
            Said(births=[born] if born else [], identifiers=[("tax", number)], countries=["RU"]),
        )
        for born, number in told
    )
    assert resemblance(one, same).suggested is Suggestion.SAME
    assert resemblance(one, other).suggested is Suggestion.NOT_SAME


def test_a_number_that_lists_give_with_its_country_is_one_subject_s() -> None:
    kinds = ("Tax ID No.", "National Fiscal Code", "Vessel Registration Identification")
    told = single((kind, "IMO 7700000001", "Russia") for kind in kinds)
    assert {kind for kind, _, _ in told} == {"tax number", "IMO number"}
    assert not single([("Registration Number", "1027700132195", "Russia"), ("Tax ID No.", "1", "")])


def test_every_signal_is_in_words() -> None:
    found = resemblance(person("Ada Example", born="1955"), person("Ada Exemple", born="1990"))
    assert all(signal.text[0].isupper() and len(signal.text) > 12 for signal in found.signals)
    assert {signal.kind for signal in found.signals} == {SignalKind.NAME, SignalKind.BIRTH}


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=40))
def test_any_text_folds_and_has_keys(text: str) -> None:
    assert all(word.isascii() and word.isalnum() for word in words(text))
    profile = of_description("", "Person", [text], Said(births=[text]))
    assert bool(keys(profile)) == bool(words(text))


@settings(max_examples=40, deadline=None)
@example(one=["example"], other=["al", "example"])
@given(
    one=st.lists(st.sampled_from(["ada", "bob", "al", "example", "x"]), min_size=1, max_size=4),
    other=st.lists(st.sampled_from(["ada", "bob", "al", "example", "x"]), min_size=1, max_size=4),
)
def test_a_score_is_symmetric_and_between_0_and_1(one: list[str], other: list[str]) -> None:
    for whole in (True, False):
        there, back = name_score(one, other, body=whole), name_score(other, one, body=whole)
        assert there == pytest.approx(back)
        assert 0 <= there <= 1

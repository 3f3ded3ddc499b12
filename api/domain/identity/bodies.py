"""What organisations' names are made of: legal forms, words in several languages, initials.

Owns the tables. A legal form says little and differs with the language; a translated word says as
much as its original.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Final

FORMS: Final = frozenset(
    "llc ooo oao zao pao ao jsc pjsc ojsc cjsc ltd limited co company inc incorporated corp"  # noqa: SIM905
    " corporation plc gmbh ag kg sa sas sarl srl spa nv bv as ab oy aps llp lp lc pvt pte pty sdn"
    " bhd tov tzov prat pat too tdo fze fzco fzc dmcc est jv gup fgup mup ip cv de rl sapi za"
    " obshchestvo ogranichennoy otvetstvennostyu aktsionernoe aktsionernoye akcionernoe publichnoe"
    " publichnoye otkrytoe zakrytoe s c v joint stock public private liability closed open"
    " sociedad anonima gesellschaft mbh the of and for a an la le les du des di del al el und et y"
    " i by in aktiengesellschaft akg gesellschaft haftung mit beschraenkter beschrankter spolka"
    " ograniczona odpowiedzialnoscia akcyjna zoo kft bt zrt nyrt doo dd ad ead eood ood ltda eirl"
    " sca scs societe societatea societa anonyme raspundere responsabilidad responsabilite"
    " responsabilita responsabilidade limitee limitata limitada cu spol sro"
    " akciova spolecnost uab oyj osakeyhtio"
    " akcine bendrove uzdaroji tovarystvo tovarystva obmezhenoyu obmezhenoiu vidpovidalnistyu"
    " vidpovidalnistiu vidkrite vidkryte aktsionerne aktsionernee tovaristvo adkrytae"
    " aktsyianernae tavarystva obshchestva obschestvo obshchestvom otvestvennostyu ogranichennoi"
    " otvetstvennostiu nepublichnoe nepublichnoye publichnoie pe pte ay naamloze vennootschap"
    " aktieselskab aktiebolag aksjeselskap osauhing sabiedriba atbildibu ierobezotu ar delniska"
    " druzba druzhestvo ogranichena otgovornost".split()
)

# Two firms of one name, one of either sort, are two firms.
_LIMITED: Final = frozenset(
    "llc ooo tov tzov gmbh sarl srl liability ogranichennoy".split()  # noqa: SIM905
)
_SHARES: Final = frozenset(
    "jsc ojsc cjsc pjsc oao zao pao ao prat pat stock aktsionernoe aktsionernoye"  # noqa: SIM905
    " akcionernoe".split()
)

# What sort of body a name is of says little beside what it is called.
SORTS: Final = frozenset(
    "state federal russian federation republic research center institution enterprise group joint"  # noqa: SIM905
    " concern corporation holding unitary owned budgetary autonomous treasury".split()
)
_SHORTENED: Final = {
    "npo": "research production association",
    "rpa": "research production association",
    "npk": "research production corporation",
    "spc": "research production corporation",
    "rpc": "research production corporation",
    "npp": "research production enterprise",
    "nii": "research institute",
    "niu": "research institute",
    "csri": "central research institute",
    "tsnii": "central research institute",
    "cnii": "central research institute",
    "vnii": "russian research institute",
    "skb": "special design bureau",
    "sdb": "special design bureau",
    "okb": "experimental design bureau",
    "kb": "design bureau",
    "tskb": "central design bureau",
    "ckb": "central design bureau",
    "fsue": "federal state unitary enterprise",
    "fgup": "federal state unitary enterprise",
    "fkp": "federal state enterprise",
    "fse": "federal state enterprise",
    "chvk": "private military company",
    "pmc": "private military company",
}
# Endings of Russian adjectives, in any romanisation and gender, as one.
_ADJECTIVE: Final = re.compile(r"(n|sk)(?:yy|yi|iy|ii|ij|yj|y|i|aya|aia|oe|oye|oie|ogo)$")

# Words that stand in many names, in one form for all languages.
_SAME: Final = {
    "bank": "banka banque banco banca bankas",
    "plant": "zavod factory werk usine fabrika kombinat combine",
    "institute": "institut instituto instytut institutet instituut institutas",
    "research": (
        "nauchno issledovatelskiy nauchnoissledovatelskiy recherche scientific science"
        " nauchnyy thqyqat tahqiqat"
    ),
    "production": "proizvodstvennyy nauchnoproizvodstvennyy manufacturing manufacture",
    "association": "obedinenie obyedineniye obedineniye assotsiatsiya obyedinenie soyuz",
    "state": "gosudarstvennoe gosudarstvennyy gosudarstvennaya gosudarstvenny",
    "center": "centre tsentr centr zentrum centro mrkz markaz",
    "design": "konstruktorskoe konstruktorskoye proektnyy",
    "bureau": "byuro buro biuro oficina",
    "group": "gruppa groupe gruppe grupo",
    "trading": "torgovyy torgovy trade torgovaya torgovlya",
    "house": "dom",
    "technology": "tekhnologii tehnologii tekhnologiya tehnologiya technologies technologie",
    "machine": "mashino mashinostroitelnyy mashinostroitelny",
    "military": "voennyy voenny voyenno voenno militaire",
    "fund": "fond foundation fondation fundacion",
    "company": "kompaniya kompania compagnie compania shrkt sherkat sharikat",
    "national": "natsionalnyy natsionalny nationale nacional",
    "international": "mezhdunarodnyy mezhdunarodny internationale internacional intl",
    "federal": "federalnoe federalnyy federalnaya federalnoye",
    "aviation": "aviatsionnyy aviatsionny aviatsiya aviatsionnaya hwayy havayi aero",
    "shipping": "sudokhodnaya sudokhodstvo",
    "repair": "remontnyy remontny",
    "ship": "sudoremontnyy",
    "university": "universitet universite universidad danshgah daneshgah jamah jamiat",
    "republic": "respublika republique republica",
    "russian": "rossiyskiy rossiyskaya rossiiskii russe rossiyskoe",
    "guard": "gvardiya pasdaran sepah spah",
    "service": "sluzhba services",
    "holding": "kholding holdings",
    "management": "upravlenie upravleniye",
    "enterprise": "predpriyatie predpriyatiye",
    "security": "bezopasnost bezopasnosti securite seguridad",
    "department": "departament direction otdel",
    "ministry": "ministerstvo ministere ministerio wzart vezarat wizarat wzarh",
    "organization": "organisation organizatsiya organizacion sazman munazzamat",
    "industries": "industry promyshlennost promyshlennyy sanayi snaya sanaye",
    "electronics": "elektronika electronic",
    "systems": "sistemy system sistema",
    "engineering": "inzhiniring inzhenernyy",
    "construction": "stroitelnaya stroitelnyy stroitelstvo",
    "oil": "neft neftyanaya petroleum",
    "gas": "gaz gazovaya",
    "north": "severnyy severny northern",
    "central": "tsentralnyy tsentralnoe mrkzy markazi",
    "defense": "defence oborona oboronnyy",
    "special": "spetsialnyy spetsialnoe",
    "chemical": "khimicheskiy himicheskiy",
    "instrument": "priborostroenie priborostroitelnyy",
    "radio": "radiotekhnicheskiy",
    "optical": "optiko",
    "mechanical": "mekhanicheskiy mehanicheskiy",
    "named": "imeni im",
    "concern": "kontsern koncern konzern concerne koncerns konserni",
    "corporation": "korporatsiya korporaciya corporacion corporazione",
    "institution": "uchrezhdenie uchrezhdeniye institucion",
    "unit": "chast unidade unitatea unidad unite einheit unita jednotka eenheid enhed enhet",
    "combat": "boevoy boevoi",
    "moscow": "moskovskiy moskva mockba",
    "joint": "obedinennyy united obyedinennyy",
    "experimental": "opytnyy opytno",
    "eastern": "vostochnyy east vostok",
    "western": "zapadnyy west zapad",
    "south": "yuzhnyy southern",
    "far": "dalniy dalne",
    "heat": "teplotekhniki thermal",
    "insurance": "strakhovoy strakhovaya",
    "party": "partiya partei parti",
    "army": "armiya jaysh jaish jysh armee",
    "movement": "dvizhenie dvizhenye harakat hrkt mouvement",
    "prison": "zndan zendan tyurma",
    "front": "jbhh jabhat jabhet",
    "1": "first one",
    "2": "second two",
    "3": "third three",
    "4": "fourth four",
    "5": "fifth five",
    "6": "sixth six",
    "7": "seventh seven",
    "8": "eighth eight",
    "9": "ninth nine",
    "10": "tenth ten",
}
# Of these words states name their offices everywhere; alone they tell no body from another.
_OFFICES: Final = frozenset(
    "ministry interior foreign affairs defense justice finance information police army navy air"  # noqa: SIM905
    " force forces armed security public national central state federal government department"
    " directorate general bureau office service guard bank court prison prisons intelligence"
    " military industry industries industrial republic intern interno interieur interieure"
    " inneren innern del dell".split()
)

# A body that is named by another's name and one of these is a part of it, or beside it.
_PARTS: Final = frozenset(
    "bureau department directorate division committee commission brigade battalion branch office"  # noqa: SIM905
    " police section unit administration academy hospital institute school".split()
)
_ORDINAL: Final = re.compile(r"([0-9]+)(?:st|nd|rd|th)")
_NUMERAL: Final = re.compile(r"[0-9]+|(?=[ivx]{2})x{0,3}(?:ix|iv|v?i{0,3})")
_ONE_WORD: Final = {other: word for word, others in _SAME.items() for other in others.split()}
_MOST_INITIALS: Final = 8


@lru_cache(maxsize=65_536)
def essential(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return an organisation's words without legal forms, translated ones in one language.

    What is written letter by letter (``g m b h``) becomes a word, what is shortened its words, and
    each stands once. All words are kept where nothing else would be left.
    """
    kept: list[str] = []
    for one in _joined_letters(words):
        if one not in FORMS:
            kept += _meant(one)
    told = [one for one in dict.fromkeys(kept) if one not in FORMS]
    return tuple(told) or words


@lru_cache(maxsize=65_536)
def _meant(word: str) -> tuple[str, ...]:
    """Return a word in the one language, a shortened one in full."""
    if ordinal := _ORDINAL.fullmatch(word):
        return (ordinal[1],)
    plain = _ONE_WORD.get(word) or _ONE_WORD.get(_ADJECTIVE.sub(r"\1yy", word), word)
    plain = plain if plain != word else _ONE_WORD.get(_ADJECTIVE.sub(r"\1iy", word), word)
    return tuple(_SHORTENED.get(plain, plain).split())


def _joined_letters(words: Sequence[str]) -> Sequence[str]:
    if [len(one) for one in words].count(1) < 2:  # noqa: PLR2004 - one letter joins nothing
        return words
    found: list[str] = []
    for alone, run in groupby(words, key=lambda one: len(one) == 1 and one.isalpha()):
        some = list(run)
        found += ["".join(some)] if alone and len(some) > 1 else some
    return found


def numerals(words: Iterable[str]) -> frozenset[str]:
    """Return the numbers in a name, by which one fund, ship or brigade is told from the next."""
    return frozenset(one for one in words if _NUMERAL.fullmatch(one))


def liability(words: Iterable[str]) -> frozenset[str]:
    """Return which sorts of firm these words of its names say: ``limited``, ``shares``, or both."""
    there = set(words)
    told = {"limited": _LIMITED & there, "shares": _SHARES & there}
    return frozenset(sort for sort, found in told.items() if found)


def initials(words: Sequence[str]) -> str:
    """Return the first letters of three to eight words that say something, else an empty text."""
    firsts = "".join(one[0] for one in words if one not in FORMS)
    return firsts if 2 < len(firsts) <= _MOST_INITIALS else ""  # noqa: PLR2004


def same_liability(one: Iterable[str], other: Iterable[str]) -> bool:
    """Tell whether two names say the same sort of firm."""
    told = liability(one)
    return bool(told) and told == liability(other)


def is_office(words: Sequence[str]) -> bool:
    """Tell whether a name is made only of words of which many states name their offices."""
    return _OFFICES.issuperset(essential(tuple(words)))


def part_named(one: Sequence[str], other: Sequence[str]) -> tuple[str, ...]:
    """Return what one name adds to the other if that names a part, else nothing.

    ``production construction corps`` against ``production construction corps public security
    bureau`` gives ``public security bureau``.
    """
    short, long = sorted((tuple(one), tuple(other)), key=lambda words: len(essential(words)))
    within, whole = set(essential(short)), set(essential(long))
    if len(within) < 2 or not within < whole or _PARTS.isdisjoint(whole - within):  # noqa: PLR2004
        return ()
    return tuple(word for word in long if word not in {*short, "of", "the", "and", "for"})

"""What organisations' names are made of: legal forms, words in several languages, initials.

Owns the tables. A legal form says little and differs with the language; a translated word says as
much as its original.
"""

from collections.abc import Sequence
from typing import Final

FORMS: Final = frozenset(
    "llc ooo oao zao pao ao jsc pjsc ojsc cjsc ltd limited co company inc incorporated corp"  # noqa: SIM905
    " corporation plc gmbh ag kg sa sas sarl srl spa nv bv as ab oy aps llp lp lc pvt pte pty sdn"
    " bhd tov tzov prat pat too tdo fze fzco fzc dmcc est jv gup fgup mup ip cv de rl sapi za"
    " obshchestvo ogranichennoy otvetstvennostyu aktsionernoe aktsionernoye akcionernoe publichnoe"
    " publichnoye otkrytoe zakrytoe s c v joint stock public private liability closed open"
    " sociedad anonima gesellschaft mbh the of and for a an la le les du des di del al el und et y"
    " i by in".split()
)

# Words that stand in many names, in one form for all languages.
_SAME: Final = {
    "bank": "banka banque banco banca bankas",
    "plant": "zavod factory werk usine fabrika",
    "institute": "institut instituto",
    "research": "nauchno issledovatelskiy issledovatelsky nauchnoissledovatelskiy recherche",
    "scientific": "nauchnyy nauchny nauchnaya nauchnyi",
    "production": "proizvodstvennoe proizvodstvennoye proizvodstvennaya proizvodstvennyy",
    "association": "obedinenie obyedineniye obedineniye assotsiatsiya",
    "state": "gosudarstvennoe gosudarstvennyy gosudarstvennaya gosudarstvenny",
    "center": "centre tsentr centr zentrum centro",
    "design": "konstruktorskoe konstruktorskoye proektnyy",
    "bureau": "byuro buro biuro oficina",
    "group": "gruppa groupe gruppe grupo",
    "trading": "torgovyy torgovy trade torgovaya torgovlya",
    "house": "dom",
    "technology": "tekhnologii tehnologii tekhnologiya tehnologiya technologies technologie",
    "machine": "mashino mashinostroitelnyy mashinostroitelny",
    "military": "voennyy voenny voyenno voenno militaire",
    "fund": "fond foundation fondation fundacion",
    "company": "kompaniya kompania compagnie compania",
    "national": "natsionalnyy natsionalny nationale nacional",
    "international": "mezhdunarodnyy mezhdunarodny internationale internacional intl",
    "federal": "federalnoe federalnyy federalnaya federalnoye",
    "aviation": "aviatsionnyy aviatsionny aviatsiya aviatsionnaya",
    "shipping": "sudokhodnaya sudokhodstvo",
    "repair": "remontnyy remontny",
    "ship": "sudoremontnyy",
    "university": "universitet universite universidad",
    "republic": "respublika republique republica",
    "russian": "rossiyskiy rossiyskaya rossiiskii russe rossiyskoe",
    "guard": "gvardiya",
    "service": "sluzhba services",
    "holding": "kholding holdings",
    "management": "upravlenie upravleniye",
    "enterprise": "predpriyatie predpriyatiye",
    "security": "bezopasnost bezopasnosti securite seguridad",
    "department": "departament direction otdel",
    "ministry": "ministerstvo ministere ministerio",
    "organization": "organisation organizatsiya organizacion",
    "industries": "industry promyshlennost promyshlennyy sanayi",
    "electronics": "elektronika elektronika electronic",
    "systems": "sistemy system sistema",
    "engineering": "inzhiniring inzhenernyy",
    "construction": "stroitelnaya stroitelnyy stroitelstvo",
    "oil": "neft neftyanaya petroleum",
    "gas": "gaz gazovaya",
    "north": "severnyy severny northern",
    "central": "tsentralnyy tsentralnoe",
    "defense": "defence oborona oboronnyy",
    "special": "spetsialnyy spetsialnoe",
    "chemical": "khimicheskiy himicheskiy",
    "instrument": "priborostroenie priborostroitelnyy",
    "radio": "radiotekhnicheskiy",
    "optical": "optiko",
    "mechanical": "mekhanicheskiy mehanicheskiy",
    "named": "imeni im",
}
# Of these words states name their offices everywhere; alone they tell no body from another.
_OFFICES: Final = frozenset(
    "ministry interior foreign affairs defense justice finance information police army navy air"  # noqa: SIM905
    " force forces armed security public national central state federal government department"
    " directorate general bureau office service guard bank court prison prisons intelligence"
    " military republic intern interno interieur interieure inneren innern del dell".split()
)

# A body that is named by another's name and one of these is a part of it, or beside it.
_PARTS: Final = frozenset(
    "bureau department directorate division committee commission brigade battalion branch office"  # noqa: SIM905
    " police section unit administration academy hospital institute school".split()
)
_ONE_WORD: Final = {other: word for word, others in _SAME.items() for other in others.split()}
_MOST_INITIALS: Final = 8


def essential(words: Sequence[str]) -> tuple[str, ...]:
    """Return an organisation's words without legal forms, translated ones in one language.

    All words are kept where nothing else would be left.
    """
    kept = tuple(_ONE_WORD.get(one, one) for one in words if one not in FORMS)
    return kept or tuple(words)


def initials(words: Sequence[str]) -> str:
    """Return the first letters of three to eight words that say something, else an empty text."""
    firsts = "".join(one[0] for one in words if one not in FORMS)
    return firsts if 2 < len(firsts) <= _MOST_INITIALS else ""  # noqa: PLR2004


def is_office(words: Sequence[str]) -> bool:
    """Tell whether a name is made only of words of which many states name their offices."""
    return _OFFICES.issuperset(essential(words))


def part_named(one: Sequence[str], other: Sequence[str]) -> tuple[str, ...]:
    """Return what one name adds to the other if that names a part, else nothing.

    ``production construction corps`` against ``production construction corps public security
    bureau`` gives ``public security bureau``.
    """
    short, long = sorted((one, other), key=lambda words: len(essential(words)))
    within, whole = set(essential(short)), set(essential(long))
    if len(within) < 2 or not within < whole or _PARTS.isdisjoint(whole - within):  # noqa: PLR2004
        return ()
    return tuple(word for word in long if word not in {*short, "of", "the", "and", "for"})

"""Names of Polish streets as people write them: their kinds, titles, given names, cases, abbreviations and former names.

Knows words only: no register, no place. A name is read into the words that tell it from others and those that may be left
out; `likeness` says how well a written word fits one of a name.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from unicodedata import normalize

from broker.language import stem
from broker.text import fold

__all__ = [
    "AFTER_YEAR",
    "FORMER",
    "GIVEN",
    "INFLECTED",
    "KINDS",
    "NUMERAL",
    "SAME_KIND",
    "SMALL_NUMERALS",
    "TITLES",
    "Name",
    "Token",
    "agrees",
    "forms",
    "in_passing",
    "inflected",
    "is_given",
    "likeness",
    "read_name",
    "tokens",
]

_KINDS = """
ul ul ulica ulicy ulice ulic ulicach ulicami ulico
al al aleja alei aleje alej alejach aleją
os os osiedle osiedlu osiedla osiedli osiedlem osiedlach
pl pl plac placu placem place placach
rynek rynek rynku rynkiem
rondo rondo ronda rondzie rondem rondu
skwer skwer skweru skwerze skwerem
park park parku parkiem
most most mostu moscie mostem
"""
KINDS = {fold(form): line.split()[0] for line in _KINDS.strip().splitlines() for form in line.split()[1:]}
"""Kind of a street by every folded form of its word; ``ul`` is a plain street."""

SAME_KIND = frozenset({"ul", "al"})
"""Kinds that people take for each other."""

_TITLES = """
gen generala general ks ksiedza ksiadz prof profesora profesor dr doktora doktor inz inzyniera bp biskupa abp arcybiskupa
kard kardynala plk pulkownika mjr majora kpt kapitana por porucznika rtm rotmistrza marsz marszalka adm admirala hetmana
hetm ojca br brata bl blogoslawionego blogoslawionej krola kr krolowej ksiecia ks hr hrabiego mec mecenasa red
prezydenta prez prymasa papieza siostry dra ppor podporucznika pplk podpulkownika kmdr komandora
"""
TITLES = frozenset(_TITLES.split())

_GIVEN = """
Adama Adolfa Adriana Agnieszki Albina Aleksandra Aleksego Alfonsa Alfreda Alojzego Andrzeja Anieli Anny Antoniego Anastazego
Apolinarego Arkadiusza Artura Augusta Augustyna Barbary Bartosza Bernarda Bogdana Bogumiła Bogusława Bohdana Bolesława
Bonifacego Bronisława Brunona Cecylii Cypriana Cyryla Cezarego Czesława Dawida Dionizego Dominika Edmunda Edwarda Edyty
Eligiusza Elizy Emila Emilii Ernesta Eugeniusza Ewy Fabiana Feliksa Ferdynanda Filipa Floriana Franciszka Fryderyka Gabriela
Gabrieli Gerarda Grażyny Grzegorza Gustawa Haliny Hanki Heleny Henryka Hieronima Hilarego Hipolita Honoriusza Huberta Hugona
Ignacego Ireny Izabeli Jacka Jadwigi Jakuba Jana Janiny Janusza Jarosława Jerzego Joachima Joanny Józefa Józefiny Juliana
Juliusza Justyny Kajetana Kamila Karola Katarzyny Kazimiery Kazimierza Klaudyny Klemensa Konrada Konstantego Kornela
Krystyny Krzysztofa Ksawerego Leona Leonarda Leopolda Leszka Lucjana Lucyny Ludwika Łucji Łukasza Macieja Maksymiliana
Marcelego Marcina Marii Marka Mariana Mateusza Maurycego Melchiora Michała Mieczysława
Mikołaja Mirosława Napoleona Narcyzy Natalii Norberta Olgi Oskara Ottona Pawła Piotra Rafała Remigiusza Roberta Romana
Romualda Rudolfa Ryszarda Sebastiana Stanisława Stanisławy Stefana Stefanii Sylwestra Szczepana Szymona Tadeusza Teodora
Teofila Teresy Tomasza Tymoteusza Walentego Walerego Wandy Wawrzyńca Wacława Wiktora Wiktorii Wilhelma Wincentego
Wita Witolda Władysława Włodzimierza Wojciecha Zbigniewa Zdzisława Zenona Zofii Zygmunta
"""
GIVEN = frozenset(fold(_GIVEN).split())
"""Given names in the genitive, folded: in a street's name they may be left out or shortened."""

NUMERAL = re.compile(r"[IVX]{1,5}")
SMALL_NUMERALS = frozenset({"ii", "iii", "iv", "vi", "vii", "viii"})
"""Numerals in a text without capitals, but for those that are words or letters of a number."""
YEAR = re.compile(r"1[0-9]{3}|20[0-9]{2}")
AFTER_YEAR = frozenset({"r", "roku", "rok"})

FORMER = {
    # renamed 1989-1990: tvn24.pl, "Święty Marcin lepszy od Czerwonej Armii", 29 September 2014
    "al. Stalingradzka": "Niepodległości",
    "ul. Czerwonej Armii": "Święty Marcin",
    "ul. Armii Czerwonej": "Święty Marcin",
    "pl. Młodej Gwardii": "Cyryla Ratajskiego",
    # until 1990: posen-poznan.ovh, list of streets, "28 Czerwca 1956"
    "ul. Feliksa Dzierżyńskiego": "28 Czerwca 1956",
    # by the council's resolution under the decommunisation act: poznan.dlawas.info, article 9464
    "ul. Juliana Leńskiego": "Anny German",
    "ul. Wincentego Pstrowskiego": "Romana Maya",
    "al. Republik": "15 Pułku Ułanów Poznańskich",
}
"""Former names and the words of today's."""

_ORDINAL = re.compile(
    r"(?:(?<=\d)\s?[-–]?\s?|(?<=\b[IVX])[-–]|(?<=\bI[IV])[-–]|(?<=\bIII)[-–])(?:go|ego|tego|szego)\b", re.IGNORECASE
)
_TOKEN = re.compile(r"\d+|[^\W\d_]+")
SAINT = "swiet"
_SAINT = {"sw": SAINT, **dict.fromkeys("swiety swietego swietym swietej swieta swietemu".split(), SAINT)}  # noqa: SIM905 - as one reads them


@dataclass(frozen=True, slots=True)
class Token:
    """A word or a number of a text: as written, folded, where it lies, and whether a full stop cuts it short."""

    text: str
    folded: str
    start: int
    end: int
    dot: bool

    @property
    def capital(self) -> bool:
        """Whether it begins with a capital letter or is a number."""
        return not self.text[0].islower()


def tokens(text: str) -> tuple[str, list[Token]]:
    """The text with its ordinals made plain (``27-go`` is ``27``), and its words and numbers."""
    plain = _ORDINAL.sub("", normalize("NFC", text))
    found = []
    for match in _TOKEN.finditer(plain):
        word, end = match[0], match.end()
        folded = fold(word)
        found.append(Token(word, _SAINT.get(folded, folded), match.start(), end, plain[end : end + 1] == "."))
    return plain, found


@dataclass(frozen=True, slots=True)
class Name:
    """A street's name, read: its kind, the words that must be there, and those that may be left out."""

    kind: str | None
    words: tuple[Token, ...]
    given: tuple[str, ...]
    numeral: str | None
    year: str | None
    titled: bool

    @property
    def last(self) -> str:
        """The word by which it is looked up, folded."""
        return self.words[-1].folded


def read_name(written: str) -> Name | None:
    """A name as a register or a list writes it; None when no word is left of it."""
    _, parts = tokens(written)
    kind = None
    while len(parts) > 1 and parts[0].folded in KINDS:
        kind, parts = KINDS[parts[0].folded], parts[1:]
    numeral = year = None
    rest: list[Token] = []
    for one in parts:
        if rest and YEAR.fullmatch(one.text):
            year = one.text
        elif rest and NUMERAL.fullmatch(one.text):
            numeral = one.text
        elif not (year and one.folded in AFTER_YEAR):
            rest.append(one)
    plain = [one for one in rest if one.folded not in TITLES] or rest
    people = [one for one in plain[:-1] if one.folded in GIVEN or (one.dot and len(one.folded) <= SHORTENED)]
    if len(plain) > 1 and all(one.folded in GIVEN for one in plain):
        people = []  # Jana Pawła
    words = tuple(one for one in plain if one not in people)
    if not words:
        return None
    return Name(kind, words, tuple(one.folded for one in people), numeral, year, titled=len(plain) < len(rest))


SHORTENED = 4
"""At most so many letters stand for a given name: ``Wł.``, ``Stan.``."""


def in_passing(token: Token) -> bool:
    """Whether the word may stand before or among those of a name without belonging to what tells it: a title, a given name."""
    shortened = token.dot and len(token.folded) <= SHORTENED and token.text.isalpha()
    known = token.folded in GIVEN or token.folded in TITLES or token.folded == SAINT
    return known or shortened or bool(NUMERAL.fullmatch(token.text)) or token.text in SMALL_NUMERALS


def is_given(token: Token) -> bool:
    """Whether a word in passing is a given name or an initial, and no title or numeral."""
    if token.folded in TITLES or token.folded == SAINT or token.text in SMALL_NUMERALS:
        return False
    return token.dot or not NUMERAL.fullmatch(token.text)


def agrees(token: Token, given: Iterable[str]) -> bool:
    """Whether a written given name or initial is one of a name's own."""
    return any(one == token.folded or (token.dot and one.startswith(token.folded)) for one in given)


EXACT, FOLDED, INFLECTED = 0, 1, 2
"""How a written word fits one of a name: letter by letter, but for Polish marks, or in another case."""


def likeness(word: Token, written: Token) -> int | None:
    """How well a written word fits; None when it does not."""
    if word.folded == written.folded:
        return EXACT if word.text.lower() == written.text.lower() else FOLDED
    return INFLECTED if inflected(word.folded, written.folded) else None


UNCHANGING = ("ego", "ych", "ich", "ej", "ow", "ewicza", "owicza")
"""Ends of a name's word that is a genitive already."""
NEUTER = ("owe", "skie", "ckie")
"""Ends of an adjective that no case makes feminine: os. Kolorowe is not ul. Kolorowa."""
BELONGS = {  # the end of a written form: which ends the name's own form may have
    "ego": "iyeo", "emu": "iyeo", "ych": "iye", "ich": "iye", "ymi": "iye", "imi": "iye", "ym": "iye", "im": "iye", "ej": "a",
}  # fmt: skip
CHANGED = 2


@lru_cache(maxsize=1 << 16)
def inflected(own: str, written: str) -> bool:
    """Whether a folded word is another case of a name's own: Głogowskiej of Głogowska, but not Sikorska of Sikorskiego."""
    if own.isdigit() or stem(own) != stem(written):
        return False
    if own.endswith(UNCHANGING):
        return own.endswith("ow") and written == f"{own}ie"  # Ostrów, Ostrowie; of Powstańców there is no such form
    if own.endswith(NEUTER) and written.endswith("a"):
        return False
    same = next((n for n, (a, b) in enumerate(zip(own, written, strict=False)) if a != b), min(len(own), len(written)))
    if same < len(own) - CHANGED and (own[same], written[same : same + 1]) != ("a", "e"):  # Dojazd, Dojeździe
        return False
    return all(own[-1] in ends for end, ends in BELONGS.items() if written.endswith(end))


def forms(own: str) -> list[str]:
    """The other cases in which a folded word is written most, if it is an adjective: Głogowskiej, Jeżyckiego, Jeżyckim."""
    if own == SAINT:
        return list(_SAINT)
    begin, end = own[:-1], own[-1:]
    if end == "a":
        return [f"{begin}iej"] if begin.endswith(("k", "g")) else [f"{begin}ej"]
    if end == "i" or own.endswith("ie"):
        begin = own.rstrip("e")
        return [f"{begin}ego", f"{begin}m"]
    return [f"{begin}ego", f"{begin}ym"] if end in {"y", "e"} else []

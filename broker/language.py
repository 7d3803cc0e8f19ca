"""The words of Polish text: folded words, light stems, near words, highlighted snippets.

Everything here works on folded words (`broker.text.fold`), so that ``żółwie`` and ``zolwie`` are one word, and knows nothing
of a store: the index keeps `stems`, a question asks for `stem`, and `highlight` shows where they met.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from html import escape
from string import ascii_lowercase, digits

from broker.text import fold

__all__ = ["LONGEST_WORD", "Vocabulary", "content_words", "highlight", "stem", "stems", "words"]

LONGEST_WORD = 200
"""Letters of a word that count: PostgreSQL refuses a word of more than 2 046 bytes, and a letter takes up to four."""
WORD = re.compile(rf"([^\W_]{{1,{LONGEST_WORD}}})[^\W_]*")
# In text that is not folded yet a mark may be a character of its own (NFD).
MARKED_WORD = re.compile(r"(?:[^\W_]|[\u0300-\u036f])+")
SHORTEST = 3
CACHED_WORDS = 1 << 17


def words(text: str) -> list[str]:
    """The folded words of a text, in order: runs of letters and digits, each cut after `LONGEST_WORD`."""
    folded = fold(text)
    if not folded.isascii():
        folded = fold(folded)  # what a mark hid may have to be folded still: ǽ, æ, ae
    return WORD.findall(folded)


# Prepositions, conjunctions and particles: they say how words hang together, not what is looked for.
SMALL = (
    "a aby albo ale by co czy dla do i jak jest ku lub na nad o od oraz po pod przed przez przy sie to u w we z za ze"
)
FUNCTION_WORDS = frozenset(SMALL.split())


def content_words(text: str) -> list[str]:
    """The folded words of a question without its function words (na, przy, oraz), or all of them when it has no others."""
    found = words(text)
    return [one for one in found if one not in FUNCTION_WORDS] or found


def stems(text: str) -> str:
    """The stems of a text's words, separated by spaces: what the index keeps."""
    return " ".join(map(stem, words(text)))


@lru_cache(maxsize=CACHED_WORDS)
def stem(word: str) -> str:
    """The stem of a folded Polish word: its inflected forms share it as a rule, other words seldom do.

    One ending is taken off, the longest that leaves three letters, and the consonant it softened is put back
    (``szkole``, ``bibliotece``, ``koncercie``). Words with a digit, and words of up to three letters, are their own stem.
    """
    if word in IRREGULAR:
        return IRREGULAR[word]
    if len(word) <= SHORTEST or not word.isalpha():
        return word
    for length in range(min(LONGEST, len(word) - 1), 0, -1):
        instead = ENDINGS.get(word[-length:])
        if instead is not None and len(word) - length + len(instead) >= SHORTEST + (word[-length:] in FLEETING):
            return _settled(word[:-length] + instead)
    return _settled(word)


def _settled(word: str) -> str:
    """The last consonant in one spelling: lekarz-, lekar- and narzędz-, narzęd-."""
    if word.endswith(("rz", "dz")):
        word = word[:-1]
    return word if len(word) >= SHORTEST else word + "z"


HARD = "a e y i o u ego emu ej ym ymi ych em om ami ach ow owi"
SOFT = "ia ie ii io iu iego iemu iej im imi ich iem iom iami iach iow iowi"
AFTER_OW = "a e y i o u ego emu ej ym ymi ych em om ami ach ie ia iu iem"
AFTER_J = "a e i o om ami ach"
VERBS = "owac ywac iwac uje uja ujemy ujesz ujac ujacy ujaca ujace ujacych ujacego ujacej ujacym"


def _endings() -> dict[str, str]:
    """Every ending and what is put in its place."""
    found = dict.fromkeys([*HARD.split(), *SOFT.split()], "")
    # rowerowy is found with rower, and Kraków, whose end looks like a plural, with Krakowa
    found |= dict.fromkeys([f"ow{one}" for one in AFTER_OW.split()], "")
    for consonant in "csz":  # informacja, sesja, decyzja
        found |= dict.fromkeys([f"{consonant}j{one}" for one in AFTER_J.split()], consonant)
    found |= {"um": "", "oi": "oj", "ui": "uj", "ai": "aj"}
    found |= SOFTENED | FLEETING | dict.fromkeys(VERBS.split(), "")
    return found


# What the locative and the plural did to the last consonant: remoncie, mieście, wodzie, drodze, bibliotece, rowerze.
SOFTENED = {
    "cie": "t", "scie": "st", "jecie": "jec", "ycie": "yc", "dzie": "d", "zdzie": "zd", "rze": "r", "dze": "g", "edze": "ed",
    "ce": "k", "sce": "sk", "scy": "sk", "ice": "ic", "ace": "ac", "oce": "oc", "awce": "awc", "once": "onc", "biorce": "biorc",
    "jezdzie": "jazd", "iezdzie": "iazd", "nci": "nt", "ownicy": "ownik",
    "adze": "ad", "uwadze": "uwag", "wadze": "wag",
}  # fmt: skip
# The e that comes and goes: przystanek, przystanku; mieszkaniec, mieszkańca; dworzec, dworca; okien, okna.
FLEETING = {"ek": "k", "iec": "c", "rzec": "rc", "kien": "kn", "gien": "gn", "dzien": "dn", "zien": "zn", "sien": "sn"}

# Common words whose stem itself changes (miasto, mieście), and words whose end looks like an ending (problem).
FORMS = """
miast miescie miast
dzien dzien dnia dniu dniowi dni dniem dniom dniach dniami
tydzien tydzien tygodnia tygodniu tygodniowi tygodnie tygodniem tygodni tygodniom tygodniami tygodniach
urzed urzad
blad bledu bledzie bledy bledow bledem
deb dab
swiat swiecie
kwiat kwiecie
powiat powiecie
las lesie
lat lecie
kwietn kwiecien
sierpn sierpien
stopn stopien
stycz styczen stycznia styczniu styczniem
jesien jesien
kamien kamien
dzieck dziecko dziecka dziecku dzieckiem dzieci dzieciom dziecmi dzieciach
czlowiek czlowiek ludzie ludzi ludziom ludzmi ludziach
kolej kolej kolei
alej alei
olej olej
miejsc miejsce
system system systemu
problem problem problemu
program program
poziom poziom
dyplom dyplom
zapach zapach
album album
wladz wladze wladza wladzy wladz wladzom wladzami wladzach
rek reka rece reki reku rak rekami rekach
pies pies psa psu psem psie psy psow psami psach psom
pieniadz pieniadz pieniadze pieniedzy pieniadza pieniedzmi pieniadzom pieniadzach
maz maz meza mezowi mezem mezowie
bibliotek bibliotek
aptek aptek
rzek rzek
opiek opiek
kierowc kierowce
uczen uczen ucznia uczniowi uczniem uczniu uczniowie uczniow uczniom uczniami uczniach
dworc dworce
jezyc jezyce
miesiac miesiecy
prawnik prawnicy
najem najem najmu najmowi najmem najmie
ojc ojciec ojca ojcu ojcem ojcowie
"""
IRREGULAR = {form: line.split()[0] for line in FORMS.strip().splitlines() for form in line.split()[1:]}
ENDINGS = _endings()
LONGEST = max(map(len, ENDINGS))

TYPO_FROM = 4
NEAREST = 5
LETTERS = ascii_lowercase + digits
MOST_LETTERS = 64
LONGEST_TYPO = 40


class Vocabulary:
    """The words an index knows, with how often it holds each."""

    def __init__(self, counted: Iterable[tuple[str, int]]) -> None:
        self._counts = dict(counted)
        others = Counter(letter for word in self._counts if not word.isascii() for letter in word)
        self._others = "".join(letter for letter, _ in others.most_common(MOST_LETTERS))

    def __len__(self) -> int:
        return len(self._counts)

    def near(self, word: str) -> list[str]:
        """Known words one typo away (a letter wrong, missing, too many, or two swapped), the most frequent first.

        At most five; none for words of fewer than four letters, where one letter makes another word.
        """
        if not TYPO_FROM <= len(word) <= LONGEST_TYPO:
            return []
        known = self._counts
        found = {one for one in _typos(word, LETTERS if word.isascii() else self._others) if one in known}
        found.discard(word)
        return sorted(found, key=lambda one: (-known[one], one))[:NEAREST]


def _typos(word: str, letters: str) -> Iterator[str]:
    """Every word at an optimal-string-alignment distance of at most one."""
    for place in range(len(word) + 1):
        start, end = word[:place], word[place:]
        for letter in letters:
            yield start + letter + end
        if end:
            yield start + end[1:]
            for letter in letters:
                yield start + letter + end[1:]
        if len(end) > 1:
            yield start + end[1] + end[0] + end[2:]


def highlight(original: str, stems: set[str], prefix: str | None, *, size: int = 160) -> str:
    """HTML of about ``size`` characters of the text around its best match, with only ``<mark>`` as an element.

    Marked are words whose stem is in ``stems`` or whose folded form begins with ``prefix``; the text itself is escaped.
    """
    text = " ".join(original.split())
    tokens = list(MARKED_WORD.finditer(text))
    meant = {token for token in {one[0] for one in tokens} if _matches(token, stems, prefix)}
    matches = [one.span() for one in tokens if one[0] in meant]
    start, end = _window(text, matches, size)
    parts = ["… "] if start else []
    at = start
    for left, right in matches:
        if start <= left and right <= end:
            parts += [escape(text[at:left]), "<mark>", escape(text[left:right]), "</mark>"]
            at = right
    parts.append(escape(text[at:end]))
    return "".join([*parts, " …"] if end < len(text) else parts)


def _matches(token: str, stems: set[str], prefix: str | None) -> bool:
    return any(stem(word) in stems or (prefix and word.startswith(prefix)) for word in words(token))


def _window(text: str, matches: list[tuple[int, int]], size: int) -> tuple[int, int]:
    """Where the snippet starts and ends: the stretch with the most matches, the first of them, cut between words."""
    if len(text) <= size:
        return 0, len(text)
    best, most, last = 0, 0, 0
    for first, (left, _) in enumerate(matches):
        while last < len(matches) and matches[last][1] <= left + size * 2 // 3:
            last += 1
        if last - first > most:
            best, most = left, last - first
    start = max(0, min(best - size // 3, len(text) - size))
    if start and (blank := text.find(" ", start, max(best, start))) >= 0:
        start = blank + 1
    end = min(len(text), start + size)
    if end < len(text) and (blank := text.rfind(" ", start + size // 2, end + 1)) > 0:
        end = blank
    return start, end

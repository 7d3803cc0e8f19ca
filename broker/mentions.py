"""Streets met in a text: which words name one, how closely, with which number, and what else could have been meant.

A street without its kind (``ul.``, ``os.``) counts only where an address must be: with a number, at the beginning, or listed
behind another. A school's patron (``im. Adama Mickiewicza``) is no street, nor is the beginning of a longer name.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from broker.housenumbers import HouseNumber, read_number
from broker.language import Vocabulary, stem
from broker.streets import (
    AFTER_YEAR,
    FORMER,
    GIVEN,
    INFLECTED,
    KINDS,
    NUMERAL,
    SAME_KIND,
    SMALL_NUMERALS,
    TITLES,
    Name,
    Token,
    agrees,
    forms,
    in_passing,
    is_given,
    likeness,
    read_name,
    tokens,
)

__all__ = ["Mention", "Mentions", "Street"]

NAMED, OTHER_KIND, MISTYPED = 1, 3, 4
"""What weighs against a street: a given name more or less, another kind, a wrong letter; a mark or a case weighs 1 or 2."""
LONG_ENOUGH = 6
"""Letters of a name's word, for one of them to be a slip: shorter words differ by a letter as it is (Woźna, Wodna)."""
PATRON = frozenset({"im", "imienia"})
JOINED = frozenset({"i", "oraz", "a", "z"})
MANY = frozenset({"ulic", "ulice", "ulicach", "alej", "aleje", "alejach"})
CITY = "pozna"
UNMISTAKABLE = frozenset({"rondo", "rynek", "park", "most", "skwer"})
"""Kinds that nobody leaves out: Rataje is a part of the town, rondo Rataje a crossing."""


@dataclass(frozen=True, slots=True)
class Street:
    """A street as the register writes it, its name read, and whether that name is a former one."""

    written: str
    name: Name
    former: bool = False


@dataclass(frozen=True, slots=True)
class Mention:
    """A street met in a text: its tokens from the first to the last, what weighs against it, its kind and number as written."""

    street: Street
    first: int
    last: int
    penalty: int
    kind: str | None
    number: HouseNumber | None = None
    mistyped: bool = False

    def overlaps(self, other: "Mention") -> bool:
        """Whether both are made of the same words, at least one of them."""
        return self.first <= other.last and other.first <= self.last


class Mentions:
    """Finds the streets of a register in texts."""

    def __init__(self, streets: Iterable[str]) -> None:
        self._by_end: dict[str, list[Street]] = defaultdict(list)
        by_words: dict[tuple[str, ...], Street] = {}
        for written in streets:
            if (name := read_name(written)) is not None:
                street = Street(written, name)
                self._by_end[stem(name.last)].append(street)
                by_words.setdefault(tuple(one.folded for one in name.words), street)
        self._forms: dict[str, set[str]] = defaultdict(set, {one: {one} for one in (*GIVEN, *TITLES)})
        for one in sorted({one for name in by_words for one in name}):
            for form in (one, *forms(one)):
                self._forms[form].add(one)
        self._near = Vocabulary((one, 1) for one in self._forms)
        self._remember(by_words)

    def _remember(self, by_words: dict[tuple[str, ...], Street]) -> None:
        """Former names, unless another street bears one today."""
        for former, today in FORMER.items():
            old, new = read_name(former), read_name(today)
            if old is None or new is None:
                continue
            now = by_words.get(tuple(one.folded for one in new.words))
            if now is not None and tuple(one.folded for one in old.words) not in by_words:
                self._by_end[stem(old.last)].append(Street(now.written, old, former=True))

    def find(self, written: str) -> tuple[list[Mention], str | None]:
        """The streets of a text; when there are none, the name that looks like one."""
        text, words = tokens(written)
        found = self._met(text, words) or self._mistyped(text, words)
        return found, None if found else _unknown(text, words)

    def _met(self, text: str, words: Sequence[Token]) -> list[Mention]:
        every = [
            mention
            for at, word in enumerate(words)
            for street in self._by_end.get(stem(word.folded), ())
            if (mention := _fits(street, words, at)) is not None
        ]
        accepted: list[Mention] = []
        for one in _longest(every):
            if _goes_on(text, words, one):
                continue
            whole = replace(one, number=read_number(text, words[one.last].end))
            if one.kind is not None or _stands_alone(text, words, whole) or _listed(text, words, one, accepted):
                accepted.append(whole)
        return accepted

    def _mistyped(self, text: str, words: Sequence[Token]) -> list[Mention]:
        """Streets whose name has one letter wrong, where an address must be; the first letter is wrong too seldom to decide."""
        found: dict[str, Mention] = {}
        alike: set[str] = set()
        for at, word in enumerate(words):
            if not _expected(words, at):
                continue
            for near in self._one_letter_off(word.folded):
                changed = [*words[:at], replace(word, folded=near), *words[at + 1 :]]
                for one in self._met(text, changed):
                    if one.first <= at <= one.last:
                        meant = replace(one, penalty=one.penalty + MISTYPED, mistyped=True)
                        found.setdefault(one.street.written, meant)
                        if near[0] == word.folded[0]:
                            alike.add(one.street.written)
        least = min((one.penalty for one in found.values()), default=0)
        nearest = [one for one in found.values() if one.penalty == least]
        return nearest if any(one.street.written in alike for one in nearest) else []

    def _one_letter_off(self, word: str) -> list[str]:
        """Words of names that may be meant; one that only ends otherwise is another word: Wilcza, Wilczak; Kolorowa, Kolorowe."""
        if len(word) < LONG_ENOUGH - 1:
            return []
        near = {own for one in self._near.near(word) for own in self._forms[one]}
        another = {word[:-1], *(word[:-1] + last for last in "aeiouy")}
        return sorted(
            one
            for one in near - another
            if one[:-1] != word and max(len(one), len(word)) >= LONG_ENOUGH and len(one) >= LONG_ENOUGH - 1
        )


def _fits(street: Street, words: Sequence[Token], at: int) -> Mention | None:
    """Whether the words of the street's name end here; the mention from its kind to its year."""
    name = street.name
    first, penalty = at + 1, 0
    for own in reversed(name.words):
        first -= 1
        final = first == at
        while not final and first >= 0 and _skipped(words[first]) and _meets(own, words[first], final=final) is None:
            first -= 1
        how = _meets(own, words[first], final=final) if first >= 0 else None
        if how is None:
            return None
        penalty += how
    last = _after(name, words, at)
    before = _before(street, words, first)
    if last is None or before is None:
        return None
    return Mention(street, before[0], last, penalty + before[1], before[2])


def _skipped(word: Token) -> bool:
    return word.text.isalpha() and in_passing(word) and word.folded not in KINDS


def _meets(own: Token, written: Token, *, final: bool) -> int | None:
    """How a written word fits one of the name's; any but the last may be cut short."""
    how = likeness(own, written)
    if how is None and not final and written.dot and own.folded.startswith(written.folded):
        return INFLECTED
    return how


def _after(name: Name, words: Sequence[Token], at: int) -> int | None:
    """The last token of the name, whose numeral or year may follow; None when it is another's numeral."""
    if at + 1 == len(words):
        return at
    following = words[at + 1]
    if name.numeral and (NUMERAL.fullmatch(following.text) or following.text in SMALL_NUMERALS):
        return at + 1 if following.text.upper() == name.numeral else None
    if following.text == name.year:
        behind = at + 2 < len(words) and words[at + 2].folded in AFTER_YEAR
        return at + 2 if behind else at + 1
    return _with_given(name, words, at)


def _with_given(name: Name, words: Sequence[Token], at: int) -> int:
    """The last token, where a given name or initials stand behind the surname and before a number: Dąbrowskiego J. H. 19."""
    last = at
    while last + 1 < len(words) and _capital(one := words[last + 1]) and in_passing(one) and is_given(one):
        if name.given and not agrees(one, name.given):
            return at
        last += 1
    return last if last + 1 < len(words) and words[last + 1].text.isdigit() else at


def _before(street: Street, words: Sequence[Token], first: int) -> tuple[int, int, str | None] | None:
    """Given names, titles and the kind before the name's words: where all begins, what weighs against it, the kind."""
    name, said = street.name, False
    while first > 0 and words[first - 1].folded not in KINDS:
        one = words[first - 1]
        if one.folded in PATRON:
            if first == 1 or words[first - 2].folded not in KINDS:
                return None
        elif not in_passing(one):
            break
        elif is_given(one):
            if name.given and not agrees(one, name.given):
                return None
            said = True
        first -= 1
    penalty = NAMED if bool(name.given) != said else 0
    kind = KINDS.get(words[first - 1].folded) if first else None
    if kind is None and name.kind in UNMISTAKABLE:
        return None
    if kind is None:
        own = (
            ""
            if name.kind is None and len(name.words) > 1 and all(_capital(one) for one in words[first:][:2])
            else None
        )
        return first, penalty, own
    if kind == name.kind or name.kind is None:
        return first - 1, penalty, kind
    return (first - 1, penalty + OTHER_KIND, kind) if {kind, name.kind} <= SAME_KIND else None


def _capital(word: Token) -> bool:
    return not word.text[0].islower()


def _longest(mentions: Iterable[Mention]) -> list[Mention]:
    """Of those that share words the longest, of these the nearest; those that fit equally stay. In the text's order."""
    kept: list[Mention] = []
    for one in sorted(mentions, key=lambda each: (each.first - each.last, each.penalty)):
        others = [other for other in kept if other.overlaps(one)]
        if all((one.first, one.last, one.penalty) == (other.first, other.last, other.penalty) for other in others):
            kept.append(one)
    return sorted(kept, key=lambda each: (each.first, each.street.written))


def _goes_on(text: str, words: Sequence[Token], mention: Mention) -> bool:
    """Whether the name goes on after what was met: ``ul. Głogowska Boczna`` is not Głogowska."""
    if mention.last + 1 >= len(words) or text.isupper():
        return False
    following = words[mention.last + 1]
    gap = text[words[mention.last].end : following.start]
    if gap.strip() or "\n" in gap or following.folded in KINDS or following.folded.startswith(CITY):
        return False
    return following.text[0].isupper() and len(following.text) > 2 and not following.dot  # noqa: PLR2004 - no letter of a number


def _stands_alone(text: str, words: Sequence[Token], mention: Mention) -> bool:
    """Whether a street without its kind must be meant: capital letters, and a number, or several words that begin a text."""
    first, last = mention.first, mention.last
    begins = _begins(words, first)
    small = [
        one
        for one in words[first : last + 1]
        if not (_capital(one) or one.dot or in_passing(one) or one.folded in AFTER_YEAR)
    ]
    if small and not (begins and (text.islower() or (_capital(words[first]) and mention.number is not None))):
        return False
    if mention.number is None:
        behind = text[words[last].end :].strip()
        return begins and last - first > 0 and behind[:1] in {"", ",", ";", "("}
    if begins:
        return True
    before = words[first - 1]
    joined = not text[before.end : words[first].start].strip()
    return not (joined and before.text[0].isupper() and not before.folded.startswith(CITY))


def _listed(text: str, words: Sequence[Token], mention: Mention, accepted: Sequence[Mention]) -> bool:
    """Whether it is one more of several streets: ``ul. Głogowskiej i Hetmańskiej``."""
    if not accepted or not _capital(words[mention.first]):
        return False
    other = accepted[-1]
    gap = text[words[other.last].end : words[mention.first].start].strip()
    if gap == ",":
        return words[other.first].folded in MANY
    return gap in {"-", "–", "—", "/"} or gap in JOINED


def _begins(words: Sequence[Token], first: int) -> bool:
    """Whether nothing but the city and its postcode stands before."""
    return all(one.text.isdigit() or one.folded == "m" or one.folded.startswith(CITY) for one in words[:first])


def _expected(words: Sequence[Token], at: int) -> bool:
    """Whether a street's name must be here: behind its kind, or before a number at the text's beginning."""
    if words[at].folded in KINDS or words[at].text.isdigit():
        return False
    start = at
    while start > 0 and at - start < 4 and _of_name(words[start - 1]):  # noqa: PLR2004 - words of a name
        start -= 1
    if start > 0 and words[start - 1].folded in KINDS:
        return _capital(words[at]) or start == at
    return _begins(words, start) and any(one.text.isdigit() for one in words[at + 1 : at + 3])


def _of_name(word: Token) -> bool:
    return (_capital(word) or in_passing(word)) and word.folded not in KINDS


def _unknown(text: str, words: Sequence[Token]) -> str | None:
    """The name that stands where a street's would."""
    for at, one in enumerate(words[:-1]):
        if one.folded not in KINDS or not (_capital(words[at + 1]) or in_passing(words[at + 1])):
            continue
        end = at + 1
        while (
            end + 1 < len(words)
            and words[end + 1].text[0].isupper()
            and text[words[end].end : words[end + 1].start] in {" ", ". "}
        ):
            end += 1
        return text[one.start : words[end].end]
    return None

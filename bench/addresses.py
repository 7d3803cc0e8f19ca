"""Write ``bench/addresses.tsv`` again: texts with an address of the sample city, what is meant, and how it was made hard.

``python -m bench.addresses``. The same lines each time. A line is a text, the address as the register writes it (or the
street, or nothing where no address may be found), the kind of noise. The cases and the noise are the bench's own: it
knows neither the words of the geocoder nor the sample's way to write addresses, so that the geocoder can fail.
"""

import random
from collections.abc import Callable, Iterator

from bench import address_words as words
from bench.address_streets import House, Street, cases, mistaken, near_another, streets, unmarked
from bench.process import ROOT

__all__ = ["SET", "lines"]

SET = ROOT / "bench" / "addresses.tsv"
SIZE = 10_000
LONG = 6
"""Letters of a word in which one may be wrong."""
Made = tuple[str, str]
"""A text and its truth."""


def lines() -> Iterator[str]:
    """The lines of the set, each text once."""
    pick, seen = random.Random("addresses of the bench"), set()
    kinds = [kind for kind, (share, _) in KINDS.items() for _ in range(share * SIZE // 1000)]
    for kind in kinds:
        while True:
            text, truth = KINDS[kind][1](pick)
            if text not in seen:
                break
        seen.add(text)
        yield f"{text}\t{truth}\t{kind}"


def _house(pick: random.Random, *, among: Callable[[Street], bool] = lambda _: True) -> House:
    street = pick.choice([one for one in streets() if among(one)])
    return House(street, pick.choice(street.numbers))


def _is_road(street: Street) -> bool:
    """Whether its kind may be left out: nobody leaves out that of a square or a roundabout."""
    return street.kind in {"ul", "al"} and street.name not in words.NEEDS_KIND


# parts of a text


def _first_kind(street: Street) -> str:
    return f"{words.KINDS[street.kind][0][0]} ".lstrip()


def _plain_name(street: Street) -> str:
    return street.written.removesuffix(" r.")


def _at(pick: random.Random, street: Street, *, kind: bool = True) -> str:
    """Where: ``przy ul. Głogowskiej``, ``na osiedlu Piastowskim``."""
    before = pick.choice(words.WHERE[street.kind if kind else ""])
    how = pick.choice(words.KINDS[street.kind][2]) if kind else ""
    return f"{before} {how} {street.locative}".replace("  ", " ")


def _of(pick: random.Random, street: Street) -> str:
    """Of what: ``ul. Głogowskiej``, ``osiedla Piastowskiego``."""
    return f"{pick.choice(words.KINDS[street.kind][1])} {street.genitive}".strip()


def _in_town(pick: random.Random, text: str, street: Street) -> str:
    """The text with the town, or its postcode, before or after."""
    code = street.postcode if pick.random() > words.OTHER_CODE else pick.choice(streets()).postcode
    return pick.choice(words.TOWN).format(text=text, code=code)


def _maybe_in_town(pick: random.Random, text: str, street: Street) -> str:
    return _in_town(pick, text, street) if pick.random() < 0.25 else text


# the kinds of noise


def _plain(pick: random.Random) -> Made:
    house = _house(pick)
    return _maybe_in_town(pick, f"{_plain_name(house.street)} {house.number}", house.street), house.truth


def _kind(pick: random.Random) -> Made:
    """The kind spelled, shortened, with a capital, without its full stop or the space behind it."""
    house = _house(pick, among=lambda one: bool(one.kind))
    street = house.street
    how = pick.choice(words.KINDS[street.kind][0] + words.ALLEYS.get(street.name, ()))
    gap = pick.choice((" ", " ", "")) if how.endswith(".") else " "
    return _maybe_in_town(pick, f"{how}{gap}{street.name.removesuffix(' r.')} {house.number}", street), house.truth


def _no_kind(pick: random.Random) -> Made:
    house = _house(pick, among=_is_road)
    return _maybe_in_town(pick, f"{house.street.name} {house.number}", house.street), house.truth


def _other_kind(pick: random.Random) -> Made:
    """An avenue, a market or an old place called a street."""
    house = _house(pick, among=lambda one: one.kind in {"al", "rynek", ""})
    name = house.street.name if house.street.kind == "al" else house.street.written
    return f"{pick.choice(('ul.', 'ulica'))} {name} {house.number}", house.truth


def _case(pick: random.Random) -> Made:
    house = _house(pick)
    return _maybe_in_town(pick, f"{_at(pick, house.street)} {house.number}", house.street), house.truth


def _case_no_kind(pick: random.Random) -> Made:
    house = _house(pick, among=lambda one: _is_road(one) or not one.kind)
    return f"{pick.choice(words.THING)} {_at(pick, house.street, kind=False)} {house.number}", house.truth


def _letter(pick: random.Random) -> Made:
    """A number with a letter that the register has, or does not have: then the house without it."""
    street = _house(pick).street
    if pick.random() < 0.8:
        house = House(street, pick.choice([one for one in street.numbers if one.endswith("a")]))
        letter = "a"
    else:
        house = House(street, pick.choice([one for one in street.numbers if one.isdigit()]))
        letter = pick.choice("bcd")
    number = pick.choice(words.LETTERED).format(number=house.number.rstrip("a"), small=letter, large=letter.upper())
    return _maybe_in_town(pick, f"{_plain_name(street)} {number}", street), house.truth


def _flat(pick: random.Random) -> Made:
    house = _house(pick)
    flat = pick.choice(words.FLATS).format(number=house.number, flat=pick.randrange(1, 60))
    return _maybe_in_town(pick, f"{_plain_name(house.street)} {flat}", house.street), house.truth


def _range(pick: random.Random) -> Made:
    """From one number to another, both there: the first is meant."""
    house = _house(pick)
    first = int(house.number.rstrip("a"))
    house = House(house.street, str(first))
    number = pick.choice(words.RANGES).format(first=first, second=first + 2, third=first + 4)
    where = pick.choice((_plain_name(house.street), _at(pick, house.street)))
    return _maybe_in_town(pick, f"{where} {number}", house.street), house.truth


def _said_number(pick: random.Random) -> Made:
    house = _house(pick)
    where = pick.choice((_plain_name(house.street), _at(pick, house.street)))
    return _maybe_in_town(pick, f"{where} {pick.choice(words.NUMBER)} {house.number}", house.street), house.truth


def _given(pick: random.Random) -> Made:
    """A given name or a title more, less or shortened."""
    house = _house(pick, among=lambda one: one.name in words.PERSONS)
    name = pick.choice(words.PERSONS[house.street.name])
    kind = "" if _is_road(house.street) and pick.random() < 0.3 else _first_kind(house.street)
    return _maybe_in_town(pick, f"{kind}{name} {house.number}", house.street), house.truth


def _saint(pick: random.Random) -> Made:
    house = _house(pick, among=lambda one: one.name in words.SAINTS)
    name = pick.choice(words.SAINTS[house.street.name])
    kind = pick.choice(("ul. ", "ul. ", "ulica ", ""))
    return _maybe_in_town(pick, f"{kind}{name} {house.number}", house.street), house.truth


def _date(pick: random.Random) -> Made:
    """A street named for a day."""
    house = _house(pick, among=lambda one: one.name in words.DAYS)
    name = pick.choice(words.DAYS[house.street.name])
    before = pick.choice(
        ("ul. ", "ulica ", "przy ul. ", "na ulicy ", "Poznań, ul. ", "" if name[3:4].isupper() else "ul. ")
    )
    gap = " nr " if name.endswith("r.") and pick.random() < 0.5 else " "
    return _maybe_in_town(pick, f"{before}{name}{gap}{house.number}", house.street), house.truth


def _unmarked(pick: random.Random) -> Made:
    text, truth = pick.choice((_kind, _no_kind, _case, _flat, _given, _town, _letter, _range, _sentence, _typo))(pick)
    return unmarked(text), truth


def _capitals(pick: random.Random) -> Made:
    text, truth = pick.choice((_kind, _no_kind, _case, _flat, _given, _town, _letter, _range, _sentence, _typo))(pick)
    return (unmarked(text) if pick.random() < 0.3 else text).upper(), truth


def _small(pick: random.Random) -> Made:
    text, truth = pick.choice((_kind, _no_kind, _case, _flat, _town, _letter, _range))(pick)
    return text.lower(), truth


def _typo(pick: random.Random) -> Made:
    """One letter swapped, missing, doubled or wrong, where the word can then be no other street's."""
    while True:
        house = _house(pick, among=lambda one: max(map(len, one.name.split())) >= LONG)
        street = house.street
        name = pick.choice((street.name, street.locative))
        right = max(name.split(), key=len)
        wrong = mistaken(pick, right)
        if not near_another(street, unmarked(wrong).lower()):
            break
    where = f"{_first_kind(street)}{name}"
    if name != street.name:
        where = _at(pick, street)
    elif _is_road(street) and pick.random() < 0.4:
        where = name
    return _maybe_in_town(pick, f"{where.replace(right, wrong)} {house.number}", street), house.truth


def _town(pick: random.Random) -> Made:
    house = _house(pick)
    return _in_town(pick, f"{_plain_name(house.street)} {house.number}", house.street), house.truth


def _former(pick: random.Random) -> Made:
    house = _house(pick, among=lambda one: one.name in words.FORMER)
    name = pick.choice(words.FORMER[house.street.name])
    return _maybe_in_town(pick, f"{name} {house.number}", house.street), house.truth


def _sentence(pick: random.Random) -> Made:
    """An address in the title of a letter or of a notice."""
    house = _house(pick)
    beginning, end = pick.choice(words.BEFORE), pick.choice(words.AFTER)
    where = f"{_at(pick, house.street)} {house.number}"
    return f"{beginning} {where}{end}", house.truth


def _office(pick: random.Random) -> Made:
    """Who lives there, and the address as on an envelope."""
    house = _house(pick)
    where = f"{_plain_name(house.street)} {house.number}"
    text = pick.choice(words.OFFICES).format(where=where, code=house.street.postcode, number=pick.randrange(1, 90))
    return text, house.truth


def _street_only(pick: random.Random) -> Made:
    street = _house(pick).street
    if pick.random() < 0.3:
        return f"{pick.choice(words.MATTER)} {_of(pick, street)} {pick.choice(words.WHEN)}", street.written
    if pick.random() < 0.5:
        return f"{pick.choice(words.BEFORE)} {_at(pick, street)}{pick.choice(words.AFTER)}", street.written
    return f"{pick.choice(words.MATTER)} {_of(pick, street)}{pick.choice(words.AFTER)}", street.written


def _named_only(pick: random.Random) -> Made:
    """A street without kind and number."""
    street = _house(pick, among=lambda one: one.name in words.WELL_KNOWN or one.written in words.WELL_KNOWN).street
    return f"{pick.choice(words.BEFORE)} {_at(pick, street, kind=bool(street.kind == 'os'))}", street.written


# what must not be found


def _not_there(pick: random.Random) -> Made:
    """Real streets that the sample's register lacks."""
    name = pick.choice(words.ELSEWHERE)
    kind, _, bare = name.partition(" ")
    if kind == "ul." and pick.random() < 0.3:
        name = bare
    text = f"{name} {pick.randrange(1, 90)}"
    if kind == "ul." and pick.random() < 0.4:
        text = f"{pick.choice(words.BEFORE)} przy ul. {cases(bare)[1]} {pick.randrange(1, 90)}"
    return pick.choice(words.TOWN).format(text=text, code="61-001") if pick.random() < 0.2 else text, ""


def _other_town(pick: random.Random) -> Made:
    house = _house(pick, among=lambda one: one.kind == "ul")
    code, town = pick.choice(words.TOWNS)
    how = pick.choice(words.IN_TOWN if pick.random() > 0.15 else ("{text}, {town}", "{town}, {text}"))
    return how.format(text=f"{house.street.written} {house.number}", code=code, town=town), ""


def _nowhere(pick: random.Random) -> Made:
    text = pick.choice(words.NOWHERE)
    return text.format(
        number=pick.randrange(1, 99), person=pick.choice(words.PEOPLE), year=pick.randrange(2010, 2020)
    ), ""


def _two(pick: random.Random) -> Made:
    """Two addresses, or a crossing of two streets."""
    one, other = _house(pick), _house(pick)
    while one.street == other.street:
        other = _house(pick)
    if pick.random() < 0.5:
        text = pick.choice(words.TWO).format(
            one=f"{one.street.written} {one.number}", other=f"{other.street.written} {other.number}"
        )
        return text, ""
    return pick.choice(words.CROSSING).format(one=_of(pick, one.street), other=_of(pick, other.street)), ""


def _beyond(pick: random.Random) -> Made:
    """A number far beyond the last of the street."""
    house = _house(pick)
    last = max(int(one.rstrip("a")) for one in house.street.numbers)
    return f"{_plain_name(house.street)} {last + pick.randrange(20, 300)}", ""


def _between(pick: random.Random) -> Made:
    """A word with one letter wrong that may be two streets'."""
    name = pick.choice(words.BETWEEN)
    return f"ul. {name} {pick.randrange(1, 30)}", ""


KINDS: dict[str, tuple[int, Callable[[random.Random], Made]]] = {
    "plain": (65, _plain),
    "kind": (80, _kind),
    "no kind": (70, _no_kind),
    "other kind": (15, _other_kind),
    "case": (90, _case),
    "case, no kind": (40, _case_no_kind),
    "letter": (50, _letter),
    "flat": (55, _flat),
    "range": (40, _range),
    "said number": (25, _said_number),
    "given name": (70, _given),
    "saint": (20, _saint),
    "date": (20, _date),
    "unmarked": (50, _unmarked),
    "capitals": (40, _capitals),
    "small letters": (15, _small),
    "typo": (65, _typo),
    "town": (40, _town),
    "former name": (5, _former),
    "sentence": (60, _sentence),
    "office": (25, _office),
    "street only": (8, _street_only),
    "named only": (2, _named_only),
    "not in the register": (18, _not_there),
    "other town": (10, _other_town),
    "no address": (12, _nowhere),
    "two": (6, _two),
    "number beyond": (2, _beyond),
    "between two": (2, _between),
}
"""How many of a thousand texts are of a kind, and what makes one."""


def main() -> None:
    """Write the set."""
    SET.write_text("".join(f"{one}\n" for one in lines()), encoding="utf-8")


if __name__ == "__main__":
    main()

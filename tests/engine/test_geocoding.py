"""Addresses as Poles write them, against a small register: every form once, and what must not be found."""

import pytest

from broker.geocoding import AddressPoint, Gazetteer, Geocoded, Method

STREETS = {
    "ul. Głogowska": "1 2 3 4 5 6 7 8 9 10 11 12 13 14 14a 20 108",
    "ul. Święty Marcin": "1 24 78 80/82",
    "ul. Święty Wojciech": "1 28",
    "ul. 27 Grudnia": "3 9",
    "ul. 28 Czerwca 1956 r.": "1 12 223/229",
    "ul. Adama Mickiewicza": "5 18",
    "ul. Gen. Władysława Andersa": "3 7A",
    "ul. ks. Jakuba Wujka": "4 10",
    "ul. prof. Stefana Dąbrowskiego": "2",
    "al. Niepodległości": "2 4 16-18",
    "al. Wielkopolska": "1 11",
    "ul. Wielkopolska": "1 12",
    "al. Karola Marcinkowskiego": "11 26",
    "pl. Kolegiacki": "5 17",
    "pl. Cyryla Ratajskiego": "1 5",
    "rondo Rataje": "1",
    "rynek Jeżycki": "1 2",
    "Stary Rynek": "1 37",
    "os. Bolesława Chrobrego": "14 15 15a 16",
    "os. Bolesława Śmiałego": "14 15",
    "os. Jana III Sobieskiego": "1 22",
    "ul. Jana Pawła II": "3 14",
    "ul. Mieszka I": "5",
    "ul. Mieszka II": "5",
    "ul. Górna Wilda": "9 10",
    "ul. Dolna Wilda": "9",
    "ul. Jana Kowalskiego": "1 2",
    "ul. Piotra Kowalskiego": "1 2",
    "ul. Kowalska": "1 2",
    "ul. Łużycka": "1",
    "ul. Bukowa": "1",
    "ul. Bukowska": "1",
    "ul. Wierzbowa": "1",
    "ul. Wierzbawa": "1",
    "ul. Królowej Jadwigi": "1",
    "ul. Romana Maya": "1",
    "ul. Wodna": "1 39",
    "ul. Wilczak": "1 15",
    "os. Kolorowe": "1 14",
    "os. Na Murawie": "1",
    "ul. Murawa": "1",
    "ul. św. Wawrzyńca": "1",
    "ul. Dojazd": "1",
    "Ostrów Tumski": "1",
    "ul. Unii Lubelskiej": "1",
    "ul. Szkolna": "1",
    "ul. Solna": "1",
}


def register() -> list[AddressPoint]:
    return [
        AddressPoint(
            street, number, f"6{row % 2}-{100 + row}", 16.8 + row / 1000, 52.4 + place / 10_000, f"{row}.{place}"
        )
        for row, (street, numbers) in enumerate(STREETS.items())
        for place, number in enumerate(numbers.split())
    ]


GAZETTEER = Gazetteer(register())


def found(text: str, postcode: str | None = None) -> tuple[Method | None, str | None]:
    place = GAZETTEER.find(text, postcode)
    assert (place.method is None) == (place.reason is not None) == (place.lon is None) == (place.confidence is None)
    return place.method, place.matched_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ul. Głogowska 12", "ul. Głogowska 12"),
        ("ulica Głogowska 14a", "ul. Głogowska 14a"),
        ("ul. Głogowska 14 A", "ul. Głogowska 14a"),
        ("UL. GŁOGOWSKA 14A", "ul. Głogowska 14a"),
        ("Głogowska 12/3", "ul. Głogowska 12"),
        ("Głogowska 12 m. 3", "ul. Głogowska 12"),
        ("ul.Glogowska 12,60-100 Poznań", "ul. Głogowska 12"),
        ("ul Głogowska nr 12", "ul. Głogowska 12"),
        ("Poznań, ul. Głogowska 12", "ul. Głogowska 12"),
        ("w sprawie wycinki drzew przy ul. Głogowskiej 12 na Łazarzu", "ul. Głogowska 12"),
        ("Wydział Oświaty (ul. Głogowska 12, pok. 5)", "ul. Głogowska 12"),
        ("ul. Głogowska 108 (Dom kultury)", "ul. Głogowska 108"),
        ("na os. Bolesława Chrobrego 15/3", "os. Bolesława Chrobrego 15"),
        ("os. B. Chrobrego 15a", "os. Bolesława Chrobrego 15a"),
        ("Osiedle Chrobrego 16", "os. Bolesława Chrobrego 16"),
        ("os. Śmiałego 14", "os. Bolesława Śmiałego 14"),
        ("os. Sobieskiego 22", "os. Jana III Sobieskiego 22"),
        ("os. Jana Sobieskiego 22", "os. Jana III Sobieskiego 22"),
        ("Al. Niepodległosci 2", "al. Niepodległości 2"),
        ("ul. Niepodległości 2", "al. Niepodległości 2"),
        ("al. Niepodległości 16/18", "al. Niepodległości 16-18"),
        ("pl. Kolegiacki 17, sala 101, 61-841 Poznań", "pl. Kolegiacki 17"),
        ("przy placu Kolegiackim 17", "pl. Kolegiacki 17"),
        ("pl. C. Ratajskiego 5", "pl. Cyryla Ratajskiego 5"),
        ("rondo Rataje 1", "rondo Rataje 1"),
        ("na Rynku Jeżyckim 2", "rynek Jeżycki 2"),
        ("Stary Rynek 37", "Stary Rynek 37"),
        ("ulica 27-go Grudnia 9", "ul. 27 Grudnia 9"),
        ("27 Grudnia 9", "ul. 27 Grudnia 9"),
        ("Św. Marcin 80/82", "ul. Święty Marcin 80/82"),
        ("ul. Święty Marcin 80/82", "ul. Święty Marcin 80/82"),
        ("na ul. Świętym Marcinie 24", "ul. Święty Marcin 24"),
        ("św. Wojciech 28", "ul. Święty Wojciech 28"),
        ("ul. Gen. Wł. Andersa 3", "ul. Gen. Władysława Andersa 3"),
        ("Gen. Wł. Andersa 7a", "ul. Gen. Władysława Andersa 7A"),
        ("ul. Andersa 3", "ul. Gen. Władysława Andersa 3"),
        ("ulica generała Andersa 3", "ul. Gen. Władysława Andersa 3"),
        ("ul. ks. J. Wujka 10", "ul. ks. Jakuba Wujka 10"),
        ("ul. prof. dr. S. Dąbrowskiego 2", "ul. prof. Stefana Dąbrowskiego 2"),
        ("ul. im. Adama Mickiewicza 5", "ul. Adama Mickiewicza 5"),
        ("A. Mickiewicza 5", "ul. Adama Mickiewicza 5"),
        ("Mickiewicza 18", "ul. Adama Mickiewicza 18"),
        ("al. Marcinkowskiego 11", "al. Karola Marcinkowskiego 11"),
        ("ul. Jana Pawła II 14", "ul. Jana Pawła II 14"),
        ("ul. Mieszka I 5", "ul. Mieszka I 5"),
        ("ul. Mieszka II 5", "ul. Mieszka II 5"),
        ("Górna Wilda 9", "ul. Górna Wilda 9"),
        ("na Dolnej Wildzie 9", "ul. Dolna Wilda 9"),
        ("ul. 28 Czerwca 1956 12", "ul. 28 Czerwca 1956 r. 12"),
        ("ul. 28 Czerwca 1956 roku nr 223/229", "ul. 28 Czerwca 1956 r. 223/229"),
        ("ul. 28 Czerwca 12", "ul. 28 Czerwca 1956 r. 12"),
        ("ul. Kowalskiej 2", "ul. Kowalska 2"),
        ("ul. J. Kowalskiego 2", "ul. Jana Kowalskiego 2"),
        ("ul. Luzycka 1", "ul. Łużycka 1"),
        ("ul. Królowej Jadwigi 1", "ul. Królowej Jadwigi 1"),
        # a letter apart, a number said in words
        ("ul. Głogowska 14 a", "ul. Głogowska 14a"),
        ("ul. Głogowska 14 a, 60-100 Poznań", "ul. Głogowska 14a"),
        ("ul. Głogowska 14 a m. 3", "ul. Głogowska 14a"),
        ("między ul. Głogowską 14 a torami", "ul. Głogowska 14"),
        ("ul. Głogowska pod nr 12", "ul. Głogowska 12"),
        ("ul. Głogowska pod numerem 12", "ul. Głogowska 12"),
        ("ul. Głogowska, dom nr 12", "ul. Głogowska 12"),
        ("ul. Głogowska nr domu 12", "ul. Głogowska 12"),
        ("ul. Głogowska nr porządkowy 12", "ul. Głogowska 12"),
        ("os. Śmiałego blok 14 m. 3", "os. Bolesława Śmiałego 14"),
        ("ul. „Głogowska” 12", "ul. Głogowska 12"),
        ("ul. Czerwonej Armii (dziś Św. Marcin) 24", "ul. Święty Marcin 24"),
        # the given name behind, titles, saints, numerals, small and large letters
        ("Mickiewicza Adama 18", "ul. Adama Mickiewicza 18"),
        ("ul. Mickiewicza A. 18", "ul. Adama Mickiewicza 18"),
        ("ul. Kowalskiego Jana 2", "ul. Jana Kowalskiego 2"),
        ("pl. prez. Cyryla Ratajskiego 5", "pl. Cyryla Ratajskiego 5"),
        ("61-100 Poznań, świętego Wawrzyńca 1", "ul. św. Wawrzyńca 1"),
        ("ul. Św. Adama Mickiewicza 5", "ul. Adama Mickiewicza 5"),
        ("ul. Mieszka II-go 5", "ul. Mieszka II 5"),
        ("os. jana iii sobieskiego 22", "os. Jana III Sobieskiego 22"),
        ("ul. jana pawła ii 14", "ul. Jana Pawła II 14"),
        ("28 Czerwca 1956 roku 12", "ul. 28 Czerwca 1956 r. 12"),
        ("Unii lubelskiej 1", "ul. Unii Lubelskiej 1"),
        ("m. Poznań, Głogowska 12", "ul. Głogowska 12"),
        ("60-100 Poznań Głogowska 12", "ul. Głogowska 12"),
        ("60-100 poznań, głogowska 12", "ul. Głogowska 12"),
        ("na Ostrowie Tumskim 1", "Ostrów Tumski 1"),
        ("przy ul. Dojeździe 1", "ul. Dojazd 1"),
        ("na ul. Murawa 1", "ul. Murawa 1"),
        ("Poznań, Gniezno i Kórnik: trasa od ul. Głogowskiej 12", "ul. Głogowska 12"),
        # former names
        ("ul. Dzierżyńskiego 12", "ul. 28 Czerwca 1956 r. 12"),
        ("ul. Czerwonej Armii 80/82", "ul. Święty Marcin 80/82"),
        ("al. Stalingradzka 4", "al. Niepodległości 4"),
        ("ul. Pstrowskiego 1", "ul. Romana Maya 1"),
        # one letter wrong
        ("ul. Głogovska 12", "ul. Głogowska 12"),
        ("ul. Mickiweicza 5", "ul. Adama Mickiewicza 5"),
        ("os. Chobrego 16", "os. Bolesława Chrobrego 16"),
        ("Niepodleglsci 2", "al. Niepodległości 2"),
        ("przy ul. Głogowskeij 12", "ul. Głogowska 12"),
        ("na Rynku Jeżyckmi 2", "rynek Jeżycki 2"),
        ("ul. Rommana Maya 1", "ul. Romana Maya 1"),
        ("ul. Króolwej Jadwigi 1", "ul. Królowej Jadwigi 1"),
        ("ul. Świeęty Marcin 24", "ul. Święty Marcin 24"),
        ("przy ul. św. Wawrzycńa 1", "ul. św. Wawrzyńca 1"),
        ("ul. głogovska 12", "ul. Głogowska 12"),
    ],
)  # fmt: skip
def test_an_address_is_found(text: str, address: str) -> None:
    assert found(text) == (Method.ADDRESS, address)


@pytest.mark.parametrize(
    ("text", "method", "address"),
    [
        ("w sprawie remontu chodnika przy ul. Głogowskiej 12-14a", Method.RANGE, "ul. Głogowska 12"),
        ("ul. Głogowska 12, 14 i 20", Method.RANGE, "ul. Głogowska 12"),
        ("ul. Głogowska 12c", Method.RANGE, "ul. Głogowska 12"),
        ("ul. Głogowska 12 c", Method.RANGE, "ul. Głogowska 12"),
        ("ul. Głogowska od nr 12 do nr 14", Method.RANGE, "ul. Głogowska 12"),
        ("ul. Głogowska od numeru 12 do 14a", Method.RANGE, "ul. Głogowska 12"),
        ("ul. Święty Marcin 82", Method.RANGE, "ul. Święty Marcin 80/82"),
        ("al. Niepodległości 16", Method.RANGE, "al. Niepodległości 16-18"),
        ("ul. 28 Czerwca 1956 r. nr 225", Method.RANGE, "ul. 28 Czerwca 1956 r. 223/229"),
        ("ul. Głogowska 16", Method.NEAREST_NUMBER, "ul. Głogowska 14"),
        ("ul. Głogowska 104", Method.NEAREST_NUMBER, "ul. Głogowska 108"),
        ("w sprawie stanu nawierzchni ul. Głogowskiej", Method.STREET, "ul. Głogowska"),
        ("Zmiana organizacji ruchu: ul. Głogowska w 2017 r.", Method.STREET, "ul. Głogowska"),
        ("remont na Starym Rynku", Method.STREET, "Stary Rynek"),
        # numbers that are no house's
        ("Zamknięcie ul. Głogowskiej 5 maja 2018 r.", Method.STREET, "ul. Głogowska"),
        ("Zamknięcie ul. Głogowskiej 3-7 lipca", Method.STREET, "ul. Głogowska"),
        ("Zamknięcie ul. Głogowskiej 12.10.2017", Method.STREET, "ul. Głogowska"),
        ("Remont ul. Głogowskiej 2 mln zł", Method.STREET, "ul. Głogowska"),
        ("zamknięta ul. Głogowska od 8 do 12", Method.STREET, "ul. Głogowska"),
        ("ul. Głogowska 4 drzewa", Method.STREET, "ul. Głogowska"),
        ("oświetlenia os. Śmiałego", Method.STREET, "os. Bolesława Śmiałego"),
    ],
)  # fmt: skip
def test_what_comes_near_says_how(text: str, method: Method, address: str) -> None:
    assert found(text) == (method, address)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("w sprawie budżetu miasta na rok 2018", "no address is in the text"),
        ("", "no address is in the text"),
        ("Szkoła Podstawowa nr 5 im. Adama Mickiewicza", "no address is in the text"),
        ("z dnia 27 grudnia 2017 r.", "no address is in the text"),
        ("ul. Sikorskiego 3", "no street 'ul. Sikorskiego' is in the register"),
        ("ul. Głogowska Boczna 5", "no street 'ul. Głogowska Boczna' is in the register"),
        ("os. Głogowskie 5", "no street 'os. Głogowskie' is in the register"),
        ("ul. Wierzbwa 1", "ambiguous: the text fits ul. Wierzbawa 1 and ul. Wierzbowa 1"),
        ("ul. Głogowska 60", "ul. Głogowska has no number 60, nor one near it"),
        ("ul. Kowalskiego 2", "ambiguous: the text fits ul. Jana Kowalskiego 2 and ul. Piotra Kowalskiego 2"),
        ("Wielkopolska 1", "ambiguous: the text fits al. Wielkopolska 1 and ul. Wielkopolska 1"),
        ("skrzyżowanie ul. Głogowskiej z ul. Bukowską", "ambiguous: the text names ul. Głogowska and ul. Bukowska"),
        ("ulic Głogowskiej, Bukowskiej i Bukowej", "ambiguous: the text names ul. Głogowska, ul. Bukowska, ul. Bukowa"),
        ("ul. Głogowska 5, ul. Bukowska 1", "ambiguous: the text names ul. Głogowska 5 and ul. Bukowska 1"),
        ("ul. Bukowska 1, 62-020 Swarzędz", "the postcode 62-020 is none of the city's"),
        ("ul. Bukowska 1, Swarzędz", "the address is in Swarzędz"),
        ("ul. Bukowska 1 Swarzędz", "the address is in Swarzędz"),
        ("Suchy Las, ul. Bukowska 1", "the address is in Suchy Las"),
        ("LUBOŃ UL. BUKOWSKA 1", "the address is in LUBOŃ"),
        ("ul. Wilcza 15", "no street 'ul. Wilcza' is in the register"),
        ("Kolorowa 14", "no address is in the text"),
        ("Woźna 39", "no address is in the text"),
        ("Rataje 1", "no address is in the text"),
        ("Wodna 1-lecie", "no address is in the text"),
        ("ul. Skolna 1", "ambiguous: the text fits ul. Solna 1 and ul. Szkolna 1"),
    ],
)  # fmt: skip
def test_what_is_not_found_says_why(text: str, reason: str) -> None:
    assert GAZETTEER.find(text) == Geocoded(reason=reason)


def test_a_postcode_decides_between_streets() -> None:
    code = {one.street: one.postcode for one in register()}
    assert found("ul. Kowalskiego 2", code["ul. Piotra Kowalskiego"]) == (Method.ADDRESS, "ul. Piotra Kowalskiego 2")
    assert found(f"Wielkopolska 1, {code['al. Wielkopolska']} Poznań") == (Method.ADDRESS, "al. Wielkopolska 1")


def test_the_confidence_tells_how_sure_it_is() -> None:
    def sure(text: str, postcode: str | None = None) -> float | None:
        return GAZETTEER.find(text, postcode).confidence

    assert sure("ul. Głogowska 12") == 1.0
    assert sure("ul. Głogowska 12", "60-100") == 1.0
    assert sure("ul. Głogowska 12", "61-841") == 0.8
    assert sure("przy ul. Głogowskiej 12") == 0.98
    assert sure("ul. Głogowska 12c") == 0.9
    assert sure("ul. Głogowska 16") == 0.6
    assert sure("ul. Głogowska") == 0.4
    assert sure("ul. Dzierżyńskiego 12") == 0.89
    assert sure("ul. Głogovska 12") == 0.81
    assert sure("ul. Głogowska 12, róg ul. Bukowskiej") == 0.8


def test_the_point_is_the_registers_own() -> None:
    place = GAZETTEER.find("ul. Głogowska 12")
    (own,) = [one for one in register() if (one.street, one.number) == ("ul. Głogowska", "12")]
    assert (place.lon, place.lat, place.key) == (own.lon, own.lat, own.key)
    street = GAZETTEER.find("ul. Głogowska")
    assert (street.lon, street.lat) in {(one.lon, one.lat) for one in register() if one.street == "ul. Głogowska"}
    assert street.key is None


def test_one_address_at_two_places_is_ambiguous_unless_the_postcode_decides() -> None:
    twice = [
        AddressPoint("ul. Leśna", "1", "60-100", 16.8, 52.4, 1),
        AddressPoint("ul. Leśna", "1", "61-200", 17.0, 52.4, 2),
    ]
    gazetteer = Gazetteer(twice)
    assert gazetteer.find("ul. Leśna 1").reason == "ul. Leśna 1 is in the register at places far apart"
    assert gazetteer.find("ul. Leśna 1, 61-200 Poznań").key == 2


def test_a_register_without_addresses_finds_nothing() -> None:
    assert Gazetteer([]).find("ul. Głogowska 12").reason == "no street 'ul. Głogowska' is in the register"
    assert len(Gazetteer([])) == 0


def test_a_register_of_a_whole_city() -> None:
    letters = "abcdefghijklmnoprstuw"
    streets = [f"ul. {a}{b}{c}lewska".title() for a in letters for b in letters for c in "aeiou"][:2000]
    rows = [AddressPoint(street, str(n), "60-100", 16.9, 52.4, n) for street in streets for n in range(1, 51)]
    gazetteer = Gazetteer(rows)
    assert len(gazetteer) == 100_000
    assert gazetteer.find(f"{streets[1234]} 7").matched_address == f"{streets[1234]} 7"

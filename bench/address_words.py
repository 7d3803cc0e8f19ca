"""The words of which `bench.addresses` makes texts: cases, names, ways to write a number, beginnings and ends of sentences.

Written for the bench, by hand; streets, towns and postcodes are public facts, the offices and matters are invented.
"""

__all__ = [
    "ADJECTIVES", "AFTER", "ALLEYS", "BEFORE", "BETWEEN", "CASES", "CROSSING", "DAYS", "ELSEWHERE", "FLATS", "FORMER", "IN_TOWN",
    "KEYS", "KINDS", "LETTERED", "MATTER", "NEEDS_KIND", "NOWHERE", "NUMBER", "OFFICES", "OTHER_CODE", "PEOPLE", "PERSONS",
    "RANGES", "SAINTS", "THING", "TOWN", "TOWNS", "TWO", "WELL_KNOWN", "WHEN", "WHERE",
]  # fmt: skip

KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "ul": (("ul.", "ulica", "Ul.", "Ulica", "ul"), ("ul.", "ulicy"), ("ul.", "ul.", "ulicy")),
    "al": (("al.", "aleja", "Al.", "Aleja", "al"), ("al.", "alei"), ("al.", "alei", "Alei")),
    "os": (("os.", "osiedle", "Os.", "Osiedle", "os"), ("os.", "osiedla"), ("os.", "osiedlu", "Osiedlu")),
    "pl": (("pl.", "plac", "Pl.", "Plac", "pl"), ("pl.", "placu"), ("pl.", "placu", "Placu")),
    "rynek": (("rynek", "Rynek"), ("rynku", "Rynku"), ("rynku", "Rynku")),
    "rondo": (("rondo", "Rondo"), ("ronda",), ("rondzie", "Rondzie")),
    "": (("",), ("",), ("",)),
}
"""How a kind is written: before a name in the nominative, the genitive and the locative."""
ALLEYS = {"Niepodległości": ("aleje", "Aleje"), "Karola Marcinkowskiego": ("aleje", "Aleje")}
"""Avenues that people speak of as several."""
WHERE = {
    "ul": ("przy", "przy", "na"), "al": ("przy", "w"), "os": ("na", "na", "przy"), "pl": ("przy", "na"),
    "rynek": ("przy", "na"), "rondo": ("przy", "na"), "": ("przy", "na", "na"),
}  # fmt: skip
THING = (
    "budynek",
    "lokal",
    "Sklep",
    "remont kamienicy",
    "Kamienica",
    "kawiarnia",
    "wycinka drzewa",
    "awaria wodociągu",
)

CASES = {
    "Święty Marcin": ("Świętego Marcina", "Świętym Marcinie"),
    "Stary Rynek": ("Starego Rynku", "Starym Rynku"),
    "Ostrów Tumski": ("Ostrowa Tumskiego", "Ostrowie Tumskim"),
    "Jeżycki": ("Jeżyckiego", "Jeżyckim"),
    "Śródecki": ("Śródeckiego", "Śródeckim"),
    "Łazarski": ("Łazarskiego", "Łazarskim"),
    "Wildecki": ("Wildeckiego", "Wildeckim"),
    "Kolegiacki": ("Kolegiackiego", "Kolegiackim"),
    "Piastowskie": ("Piastowskiego", "Piastowskim"),
    "Jagiellońskie": ("Jagiellońskiego", "Jagiellońskim"),
    "Kolorowe": ("Kolorowego", "Kolorowym"),
    "Wichrowe Wzgórze": ("Wichrowego Wzgórza", "Wichrowym Wzgórzu"),
    "Stare Żegrze": ("Starego Żegrza", "Starym Żegrzu"),
    "Dębina": ("Dębiny", "Dębinie"),
    "Górna Wilda": ("Górnej Wildy", "Górnej Wildzie"),
    "Dolna Wilda": ("Dolnej Wildy", "Dolnej Wildzie"),
    "Garbary": ("Garbar", "Garbarach"),
    "Winogrady": ("Winograd", "Winogradach"),
    "Wierzbięcice": ("Wierzbięcic", "Wierzbięcicach"),
    "Wilczak": ("Wilczaka", "Wilczaku"),
    "Nowy Świat": ("Nowego Światu", "Nowym Świecie"),
    "Trójpole": ("Trójpola", "Trójpolu"),
    "Jasna Rola": ("Jasnej Roli", "Jasnej Roli"),
    "Huby Moraskie": ("Hub Moraskich", "Hubach Moraskich"),
    "Podwale": ("Podwala", "Podwalu"),
    "Nadolnik": ("Nadolnika", "Nadolniku"),
    "Zawady": ("Zawad", "Zawadach"),
    "Dojazd": ("Dojazdu", "Dojeździe"),
}
"""Genitive and locative of names that are neither a genitive nor end like Głogowska."""
ADJECTIVES = frozenset(
    """
    Leśna Wiatraczna Główna Promienista Cmentarna Kościelna Malwowa Podjazdowa Kaczeńcowa Jaskrowa Wrzosowa Fiołkowa
    Storczykowa Owcza Meteorytowa Poligonowa Widłakowa Szpitalna Browarna Wielka Wodna Szkolna Solna Wysoka Długa Bastionowa
    Gronowa Forteczna Glebowa Graniczna Jesionowa Wiązowa Zagajnikowa Krańcowa Termalna Przemysłowa Różana Wichrowa Orzechowa
    Dębowa Łozowa Bukowa Wiśniowa
    Kwiatowa Południowa Północna Dolna Mostowa Podgórna Ogrodowa Gwarna Rolna Wspólna Wojskowa Powstańcza Fabryczna Pamiątkowa
    Sienna Kolejowa Ptasia Gajowa Żurawia Wilcza Polna Klasztorna Kozia Gołębia Woźna Bluszczowa Lipowa Słoneczna
    """.split()  # noqa: SIM905 - as one reads them
)
"""Feminine adjectives besides those in -ska and -cka."""
NEEDS_KIND = frozenset({"Murawa", "Żegrze"})
"""Streets whose bare name is part of an estate's."""
WELL_KNOWN = frozenset(
    {"Święty Marcin", "Garbary", "Głogowska", "Stary Rynek", "Grunwaldzka", "Piastowskie", "Górna Wilda"}
)

PERSONS = {
    "Majakowskiego": ("Włodzimierza Majakowskiego", "W. Majakowskiego", "Wł. Majakowskiego"),
    "Piłsudskiego": ("Józefa Piłsudskiego", "J. Piłsudskiego", "marsz. Piłsudskiego", "marszałka Józefa Piłsudskiego",
                     "Marsz. J. Piłsudskiego"),
    "Bałuckiego": ("Michała Bałuckiego", "M. Bałuckiego"),
    "Ściegiennego": ("Piotra Ściegiennego", "P. Ściegiennego", "ks. Piotra Ściegiennego", "ks. P. Ściegiennego"),
    "Krauthofera": ("Jakuba Krauthofera", "J. Krauthofera"),
    "Arciszewskiego": ("Krzysztofa Arciszewskiego", "K. Arciszewskiego", "Krz. Arciszewskiego"),
    "Kopernika": ("Mikołaja Kopernika", "M. Kopernika", "Mik. Kopernika"),
    "Ostroroga": ("Jana Ostroroga", "J. Ostroroga"),
    "Szymanowskiego": ("Karola Szymanowskiego", "K. Szymanowskiego"),
    "Dąbrowskiego": ("Jana Henryka Dąbrowskiego", "J. H. Dąbrowskiego", "J.H. Dąbrowskiego", "gen. Dąbrowskiego",
                     "H. Dąbrowskiego", "gen. J. H. Dąbrowskiego", "Henryka Dąbrowskiego", "Dąbrowskiego J. H."),
    "Słowackiego": ("Juliusza Słowackiego", "J. Słowackiego", "Jul. Słowackiego"),
    "Mickiewicza": ("Adama Mickiewicza", "A. Mickiewicza", "Ad. Mickiewicza", "Mickiewicza Adama", "A.Mickiewicza"),
    "Kraszewskiego": ("Józefa Ignacego Kraszewskiego", "J. I. Kraszewskiego", "J.I. Kraszewskiego", "J. Kraszewskiego"),
    "Brzechwy": ("Jana Brzechwy", "J. Brzechwy"),
    "Przybyszewskiego": ("Stanisława Przybyszewskiego", "S. Przybyszewskiego", "St. Przybyszewskiego"),
    "Szamarzewskiego": ("Augustyna Szamarzewskiego", "A. Szamarzewskiego", "ks. Szamarzewskiego", "ks. A. Szamarzewskiego"),
    "Zamenhofa": ("Ludwika Zamenhofa", "L. Zamenhofa", "dr. Zamenhofa", "dra L. Zamenhofa"),
    "Ratajczaka": ("Franciszka Ratajczaka", "F. Ratajczaka", "Fr. Ratajczaka"),
    "Kościuszki": ("Tadeusza Kościuszki", "T. Kościuszki", "gen. Kościuszki", "gen. T. Kościuszki"),
    "Fredry": ("Aleksandra Fredry", "A. Fredry", "Al. Fredry", "hr. Aleksandra Fredry"),
    "Matejki": ("Jana Matejki", "J. Matejki"),
    "Chociszewskiego": ("Józefa Chociszewskiego", "J. Chociszewskiego"),
    "Orzeszkowej": ("Elizy Orzeszkowej", "E. Orzeszkowej"),
    "Puszkina": ("Aleksandra Puszkina", "A. Puszkina"),
    "Wańkowicza": ("Melchiora Wańkowicza", "M. Wańkowicza"),
    "Kasprzaka": ("Marcina Kasprzaka", "M. Kasprzaka"),
    "Małeckiego": ("Antoniego Małeckiego", "A. Małeckiego", "Ant. Małeckiego"),
    "Łukaszewicza": ("Józefa Łukaszewicza", "J. Łukaszewicza"),
    "Berwińskiego": ("Ryszarda Berwińskiego", "R. Berwińskiego", "R. W. Berwińskiego"),
    "Krzywoustego": ("Bolesława Krzywoustego", "B. Krzywoustego", "Bol. Krzywoustego", "ks. Bolesława Krzywoustego"),
    "Sikorskiego": ("Władysława Sikorskiego", "W. Sikorskiego", "gen. Sikorskiego", "gen. Wł. Sikorskiego",
                    "generała Władysława Sikorskiego", "Gen. Sikorskiego"),
    "Wojciechowskiego": ("Stanisława Wojciechowskiego", "S. Wojciechowskiego", "prez. Wojciechowskiego"),
    "Hercena": ("Aleksandra Hercena", "A. Hercena"),
    "Bolesława Chrobrego": ("Chrobrego", "B. Chrobrego", "Bol. Chrobrego", "B.Chrobrego", "króla Bolesława Chrobrego"),
    "Bolesława Śmiałego": ("Śmiałego", "B. Śmiałego", "Bol. Śmiałego", "Bolesl. Śmiałego"),
    "Władysława Łokietka": ("Łokietka", "W. Łokietka", "Wł. Łokietka", "Wład. Łokietka"),
    "Stefana Batorego": ("Batorego", "S. Batorego", "St. Batorego", "Stef. Batorego"),
    "Karola Marcinkowskiego": ("Marcinkowskiego", "K. Marcinkowskiego", "dr. Karola Marcinkowskiego", "Marcinkowskiego K."),
    "Cyryla Ratajskiego": ("Ratajskiego", "C. Ratajskiego", "Cyr. Ratajskiego", "prez. Cyryla Ratajskiego"),
    "Franciszka Jaśkowiaka": ("Jaśkowiaka", "F. Jaśkowiaka", "Fr. Jaśkowiaka"),
    "Romana Maya": ("Maya", "R. Maya", "Rom. Maya"),
    "Wincentego Pola": ("Pola", "W. Pola", "Winc. Pola"),
    "Jana Pawła II": ("Jana Pawła", "J. Pawła II", "papieża Jana Pawła II", "Jana-Pawła II", "Papieża Jana Pawła II"),
    "Jana III Sobieskiego": ("Sobieskiego", "J. III Sobieskiego", "Jana Sobieskiego", "J. Sobieskiego", "króla Jana III Sobieskiego"),
    "Królowej Jadwigi": ("Król. Jadwigi", "Kr. Jadwigi", "królowej Jadwigi"),
    "Powstań Narodowych": ("Powst. Narodowych", "powstań narodowych"),
    "Unii Lubelskiej": ("unii lubelskiej", "Unii lubelskiej"),
}  # fmt: skip
"""By the register's name: how people write it, with a given name, a letter or a title more or less."""
SAINTS = {
    "Święty Marcin": ("Św. Marcin", "św. Marcin", "Sw. Marcin", "Św.Marcin", "Świety Marcin"),
    "św. Antoniego": ("Świętego Antoniego", "św.Antoniego", "Św. Antoniego", "świętego Antoniego", "Sw. Antoniego"),
    "św. Michała": ("Świętego Michała", "św.Michała", "Św. Michała", "świętego Michała", "Św Michała"),
    "Św. Stanisława": ("Świętego Stanisława", "św.Stanisława", "św. Stanisława", "św Stanisława"),
    "Wawrzyńca": ("Świętego Wawrzyńca", "św. Wawrzyńca", "Św.Wawrzyńca"),
}
DAYS = {
    "27 Grudnia": ("27 Grudnia", "27-go Grudnia", "27 grudnia", "27. Grudnia", "27go Grudnia", "27-ego Grudnia"),
    "28 Czerwca 1956 r.": (
        "28 Czerwca", "28 Czerwca 1956", "28 Czerwca 1956 r.", "28 Czerwca 1956r.", "28 czerwca 1956 r.", "28-go Czerwca",
        "28-go Czerwca 1956 r.", "28 Czerwca 1956 roku", "28 czerwca 1956",
    ),
}  # fmt: skip
FORMER = {
    "Niepodległości": ("al. Stalingradzka", "Aleja Stalingradzka", "ul. Stalingradzka"),
    "Święty Marcin": ("ul. Armii Czerwonej", "ul. Czerwonej Armii", "ul. Czerwonej Armii (dziś Św. Marcin)"),
    "28 Czerwca 1956 r.": ("ul. Dzierżyńskiego", "ul. F. Dzierżyńskiego", "ul. Feliksa Dzierżyńskiego"),
    "Cyryla Ratajskiego": ("pl. Młodej Gwardii", "plac Młodej Gwardii"),
    "Romana Maya": ("ul. Pstrowskiego", "ul. W. Pstrowskiego"),
}

LETTERED = (
    "{number}{small}",
    "{number}{large}",
    "{number} {large}",
    "{number} {small}",
    "nr {number}{small}",
    "{number}{large}/4",
)
FLATS = (
    "{number}/{flat}", "{number} / {flat}", "{number} m. {flat}", "{number} m {flat}", "{number} lok. {flat}", "{number} lok {flat}",
    "{number}, lok. {flat}", "{number} lokal {flat}", "{number} m.{flat}", "nr {number} m. {flat}", "{number} mieszkanie {flat}",
    "{number}, m. {flat}", "{number} lokal nr {flat}", "{number}/lok. {flat}",
)  # fmt: skip
RANGES = (
    "{first}-{second}", "{first}–{second}", "{first} - {second}", "{first}/{second}", "{first} – {second}", "nr {first}-{second}",
    "{first}-{third}", "od nr {first} do nr {third}", "od numeru {first} do {third}", "nr {first}–{third}", "{first}/{second}/{third}",
)  # fmt: skip
NUMBER = ("nr", "nr", "numer", "nr.", "Nr", ", nr", "pod numerem", "pod nr", "dom nr")

OTHER_CODE = 0.05
TOWN = (
    "Poznań, {text}", "Poznań {text}", "{text}, Poznań", "{text} Poznań", "{text}, {code} Poznań", "{code} Poznań, {text}",
    "{text} {code} Poznań", "{code} Poznań {text}", "{text}; {code} Poznań", "{text}, {code}", "{text} w Poznaniu", "m. Poznań, {text}",
    "{text}, {code} Poznań, Polska", "{text}, Poznań {code}", "Poznań - {text}", "Poznań: {text}", "{text} ({code} Poznań)",
)  # fmt: skip
IN_TOWN = (
    "{text}, {code} {town}",
    "{code} {town}, {text}",
    "{text} {code} {town}",
    "{text}; {code} {town}",
    "{town}, {text}, {code}",
)
TOWNS = (
    ("62-020", "Swarzędz"), ("62-030", "Luboń"), ("62-050", "Mosina"), ("62-040", "Puszczykowo"), ("62-035", "Kórnik"),
    ("62-052", "Komorniki"), ("62-080", "Tarnowo Podgórne"), ("62-002", "Suchy Las"), ("62-004", "Czerwonak"), ("62-070", "Dopiewo"),
    ("62-200", "Gniezno"), ("62-300", "Września"), ("62-800", "Kalisz"), ("64-100", "Leszno"), ("64-920", "Piła"),
    ("63-000", "Środa Wielkopolska"), ("00-950", "Warszawa"), ("50-101", "Wrocław"), ("80-803", "Gdańsk"), ("62-095", "Murowana Goślina"),
)  # fmt: skip

BEFORE = (
    "w sprawie wycinki drzew", "dotyczy remontu chodnika", "Budowa budynku mieszkalnego wielorodzinnego", "w sprawie zalewania piwnic",
    "Interpelacja w sprawie oświetlenia", "Zgłoszenie z dnia 12 maja 2017 r. dotyczące hałasu z lokalu", "w sprawie dzierżawy gruntu",
    "Pismo mieszkańców bloku", "Warunki zabudowy dla inwestycji", "Przebudowa lokalu użytkowego na parterze budynku",
    "w sprawie miejsca postojowego dla osoby niepełnosprawnej", "Nadbudowa kamienicy", "Wniosek nr 14/2018 o udostępnienie informacji o nieruchomości",
    "w sprawie nielegalnego wysypiska śmieci", "Rozbiórka budynku gospodarczego", "Umowa na remont dachu budynku",
    "w sprawie wykupu lokalu nr 7", "Zapytanie radnego w sprawie placu zabaw", "Dostawa i montaż wiaty rowerowej",
    "w sprawie ustawienia 3 koszy na śmieci", "Termomodernizacja Przedszkola nr 46", "Wymiana okien w Szkole Podstawowej nr 12",
    "Konserwacja dźwigów osobowych w budynku", "Awaria sieci wodociągowej", "w sprawie lokalizacji paczkomatu",
    "Postępowanie w sprawie wpisu do rejestru zabytków willi", "Zajęcie pasa drogowego", "Podział działki nr 12/3 położonej",
)  # fmt: skip
AFTER = (
    "", "", "", "", " w Poznaniu", ", Poznań", " – etap II", " (teren szkoły)", ", obręb Jeżyce", " w 2017 r.", " od strony podwórza",
    " i w najbliższej okolicy", " - interpelacja", ".", "?", ", dz. nr 15/4, ark. 12", ", zgodnie z umową z dnia 5 kwietnia 2018 r.",
    " oraz zagospodarowania terenu", ", na wniosek mieszkańców",
)  # fmt: skip
MATTER = (
    "w sprawie remontu", "dotyczy", "Przebudowa", "w sprawie nawierzchni", "Zmiana organizacji ruchu w rejonie", "w sprawie oświetlenia",
    "Projekt przebudowy", "w sprawie odwodnienia",
)  # fmt: skip
WHEN = (
    "5 maja 2018 r.", "od 12 do 16 czerwca", "w dniach 3-7 lipca", "2018", "w 2019 roku", "w godz. 8-16", "11 listopada", "za 15 mln zł",
    "12.10.2017", "do 30 września", "po raz 3", "od 6 do 22 (godziny nocne)", "od 8 do 16",
)  # fmt: skip
"""Numbers behind a street that are no house's."""
OFFICES = (
    "Szkoła Podstawowa nr {number}, {where}, {code} Poznań", "Filia Biblioteki Raczyńskich nr {number}, {where}",
    "Przedszkole nr {number} ({where})", 'Dom Kultury "Orle Gniazdo", {where}', "Rada Osiedla, {where}, pok. {number}",
    "Zakład Lecznictwa, {where}, tel. 61 800 00 {number}", "Kancelaria Notarialna, {where}, I piętro", "Apteka {where}",
    "Urząd Miasta Poznania, {where}, sala {number}", "Siedziba: {where}; adres do korespondencji: ten sam",
    'Spółdzielnia Mieszkaniowa "Zgodna" {where}, {code} Poznań', "Wydział Oświaty - {where} - {code} Poznań",
    "Klub Seniora - {where}", "Miejski Ośrodek Pomocy Rodzinie, filia, {where}, {code} Poznań, czynne 8-15",
    "Adres: {where}", "adres inwestycji - {where}", "Punkt nieodpłatnej pomocy prawnej nr {number}: {where}, {code} Poznań",
)  # fmt: skip

ELSEWHERE = (
    "ul. Hetmańska", "ul. Libelta", "ul. Roosevelta", "ul. Zwierzyniecka", "ul. Jackowskiego", "ul. Reymonta", "ul. Taczaka",
    "ul. Mostowa", "ul. Żydowska", "ul. Wroniecka", "ul. Kramarska", "ul. Woźna", "ul. Klasztorna", "ul. Gołębia", "ul. Kozia",
    "ul. Podgórna", "ul. Rybaki", "ul. Kwiatowa", "ul. Krysiewicza", "ul. Ogrodowa", "ul. Piekary", "ul. Gwarna", "ul. Kantaka",
    "ul. Mielżyńskiego", "ul. Działyńskich", "ul. Młyńska", "ul. Nowowiejskiego", "ul. Chopina", "ul. Noskowskiego", "ul. Północna",
    "ul. Szyperska", "ul. Ewangelicka", "ul. Estkowskiego", "ul. Katowicka", "ul. Inflancka", "ul. Kurlandzka", "ul. Milczańska",
    "ul. Serafitek", "ul. Rolna", "ul. Bluszczowa", "ul. Wspólna", "ul. Sielska", "ul. Jarochowskiego", "ul. Potworowskiego",
    "ul. Chełmońskiego", "ul. Kossaka", "ul. Wyspiańskiego", "ul. Grottgera", "ul. Wojskowa", "ul. Chłapowskiego", "ul. Prądzyńskiego",
    "ul. Powstańcza", "ul. Traugutta", "ul. Żupańskiego", "ul. Langiewicza", "ul. Fabryczna", "ul. Pamiątkowa", "ul. Sienna",
    "ul. Saperska", "ul. Czarnieckiego", "ul. Kolejowa", "ul. Dmowskiego", "ul. Palacza", "ul. Ptasia", "ul. Stablewskiego",
    "ul. Limanowskiego", "ul. Iłłakowiczówny", "ul. Gajowa", "ul. Kochanowskiego", "ul. Poplińskich", "ul. Staszica",
    "ul. Sienkiewicza", "ul. Prusa", "ul. Asnyka", "ul. Żurawia", "ul. Niestachowska", "ul. Pułaskiego", "ul. Za Bramką", "ul. Wilcza",
    "ul. Polna", "ul. Mogileńska", "ul. Dymka", "ul. Cybińska", "ul. Filipińska", "ul. Płowiecka", "ul. Św. Wojciech", "ul. Lipowa",
    "ul. Słoneczna", "ul. Górecka", "ul. Jana Kochanowskiego", "ul. Stanisława Wyspiańskiego", "ul. ks. Ignacego Skorupki",
    "ul. gen. Józefa Bema", "ul. Jana Luboińskiego", "ul. Jana Kilińskiego", "ul. Marii Curie-Skłodowskiej", "ul. 23 Lutego",
    "ul. 3 Maja", "ul. Mieszka II", "ul. Kopernika", "ul. Batorego", "ul. Chrobrego", "ul. Piastowska", "ul. Kolorowa",
    "ul. Jana Kasprowicza", "ul. Świętej Rodziny", "ul. Nowa", "ul. Rynkowa", "ul. Szkolna Boczna", "ul. Wolna", "ul. Łukowska", "ul. Leżajska",
    "os. Rzeczypospolitej", "os. Bohaterów II Wojny Światowej", "os. Armii Krajowej", "os. Tysiąclecia", "os. Kosmonautów",
    "os. Warszawskie", "os. Wielkopolskie", "os. Czwartaków", "pl. Wielkopolski", "pl. Bernardyński", "pl. Wiosny Ludów", "pl. Spiski",
    "pl. Asnyka", "al. Solidarności", "al. Wojska Polskiego", "al. Armii Poznań", "al. Szelągowska Nowa", "rondo Śródka", "Nowy Rynek",
)  # fmt: skip
"""Streets of Poznań, and a few of anywhere, that the sample's register lacks."""
NOWHERE = (
    "w sprawie budżetu miasta na rok {year}", "Szkoła Podstawowa nr {number} im. Adama Mickiewicza", "umowa z dnia 27 grudnia {year} r.",
    "I Liceum Ogólnokształcące im. Karola Marcinkowskiego", "Zespół Szkół nr {number} im. Jana Pawła II", "umowa nr {number}/{year}",
    "Wydarzenie na Malcie, wstęp wolny, {number} miejsc", "Linia tramwajowa nr {number} jeździ objazdem", "brak adresu ({number})",
    "cały obszar miasta Poznania, etap {number}", "działka nr {number}/3, ark. 5, obręb Jeżyce", "skrytka pocztowa {number}, 60-967 Poznań",
    "nie dotyczy – poz. {number}", "uchwała nr XLV/{number}/VII/{year} Rady Miasta Poznania", "Rada Osiedla nr {number}",
    "w sprawie pomnika Adama Mickiewicza, pismo {number}", "Cmentarz na Miłostowie, kwatera {number}", "Most św. Rocha, przęsło {number}",
    "Wniosek z 28 czerwca {year} r. o zwrot {number} zł", "wniosek: {person}, pozycja {number}", "{person}, lat {number}",
    "Autor: {person} ({year})", "Odpowiedź na pismo radnego ({person}) nr {number}", "Konkurs „Mój Poznań” – edycja {number}",
    "Teatr Wielki w Poznaniu, rząd {number}", "Park Sołacki, alejka {number}", "Rok {year} rokiem Henryka Sienkiewicza",
    "zakup {number} komputerów dla Wydziału Finansowego", "Jezioro Maltańskie – regaty {year}", "tel. 61 646 33 {number}",
    "kurs języka polskiego, grupa {number}", "Klub Sportowy Warta, {number} zawodników", "Festiwal Malta {year}",
)  # fmt: skip
PEOPLE = ("Jan Matejko", "Zofia Leśna", "Piotr Wodny", "Anna Wielka", "Ewa Bukowska", "Tadeusz Kościuszko", "Karol Długi", "Maria Zgoda",
          "Adam Wilczak", "Jerzy Garbary", "Barbara Solna", "Krzysztof Karp", "Halina Nowina")  # fmt: skip
TWO = ("{one} i {other}", "{one}, {other}", "{one} oraz {other}", "lokale: {one}; {other}", "{one} lub {other}", "trasa {one} – {other}",
       "przeniesienie z {one} na {other}")  # fmt: skip
CROSSING = ("skrzyżowanie {one} i {other}", "róg {one} i {other}", "na odcinku od {one} do {other}", "w sprawie skrzyżowania {one} z {other}",
            "chodnik między {one} a {other}", "remont {one}, {other}", "u zbiegu {one} oraz {other}")  # fmt: skip
BETWEEN = (
    "Bukowka", "Pdolska", "Oolska", "Bałeckiego", "Jerzycka", "Łeżycka", "Łucycka", "Lukowska", "Gębowa", "Kośnicka", "Skolna",
    "Wolna",
)  # fmt: skip
"""Words of which two streets are one letter away."""
KEYS = {
    "a": "qsz", "b": "vgn", "c": "xdv", "d": "sfe", "e": "wrd", "f": "dgr", "g": "fht", "h": "gjy", "i": "uok", "j": "hku", "k": "jli",
    "l": "kop", "m": "nkj", "n": "bmh", "o": "ipl", "p": "ol", "r": "etf", "s": "adw", "t": "ryg", "u": "yij", "w": "qes", "y": "tuh",
    "z": "xas", "v": "cb", "x": "zc", "q": "wa",
}  # fmt: skip
"""Neighbours on the keyboard."""

"""Names and rough places of the invented city: 42 districts, their middles, real street names, the city's outline.

Names are public facts; the middles and the outline are drawn by eye, in degrees (EPSG:4326), longitude first.
"""

__all__ = ["DISTRICTS", "OUTLINE", "POSTCODES", "WARTA_LON"]

OUTLINE: tuple[tuple[float, float], ...] = (
    (16.738, 52.452), (16.741, 52.470), (16.762, 52.484), (16.790, 52.487), (16.818, 52.478), (16.842, 52.466),
    (16.866, 52.466), (16.884, 52.477), (16.902, 52.491), (16.931, 52.498), (16.962, 52.507), (16.981, 52.498),
    (16.973, 52.474), (16.971, 52.455), (16.989, 52.445), (17.010, 52.440), (17.034, 52.433), (17.061, 52.426),
    (17.070, 52.405), (17.057, 52.387), (17.049, 52.370), (17.053, 52.352), (17.031, 52.341), (17.004, 52.335),
    (16.986, 52.315), (16.976, 52.298), (16.946, 52.294), (16.925, 52.305), (16.927, 52.330), (16.908, 52.349),
    (16.888, 52.355), (16.862, 52.350), (16.836, 52.343), (16.815, 52.354), (16.800, 52.371), (16.783, 52.389),
    (16.770, 52.405), (16.764, 52.421), (16.752, 52.437),
)  # fmt: skip
"""The city's border, clockwise from the north-west; scaled to the true area when the districts are made."""

WARTA_LON = 16.945
"""East of this longitude postcodes begin with 61, west of it with 60: roughly the river, in degrees."""

POSTCODES = {"pl. Kolegiacki": "61-841"}
"""True postcodes, of streets whose addresses other samples write with theirs: the city hall's."""

DISTRICTS: dict[str, tuple[float, float, str]] = {
    "Antoninek-Zieliniec-Kobylepole": (17.035, 52.405, "Browarna, Bałtycka, Leśna, Majakowskiego, Darzyborska, Sośnicka"),
    "Chartowo": (16.985, 52.392, "os. Lecha, os. Czecha, os. Rusa, Piłsudskiego, Chartowo, Wiatraczna, Bobrzańska"),
    "Fabianowo-Kotowo": (16.845, 52.357, "Fabianowo, Kotowo, Kowalewicka, Sycowska, Mieleszyńska"),
    "Główna": (16.982, 52.428, "Główna, Wrzesińska, Zawady, Mariacka, Gnieźnieńska, Bałuckiego"),
    "Głuszyna": (16.953, 52.311, "Głuszyna, Sypniewo, Babicka, Ożarowska, Daszewicka"),
    "Górczyn": (16.880, 52.377, "Górczyńska, Ściegiennego, Krauthofera, Czechosłowacka, Rakoniewicka, Zgoda"),
    "Grunwald Południe": (16.860, 52.388, "Promienista, Arciszewskiego, Jawornicka, Grochowska, os. Kopernika, Cmentarna"),
    "Grunwald Północ": (16.862, 52.402, "Bułgarska, Marcelińska, Świerzawska, Rycerska, Ostroroga, Wałbrzyska"),
    "Jana III Sobieskiego i Marysieńki": (
        16.912, 52.464, "os. Jana III Sobieskiego, os. Marysieńki, Smoleńska, Szymanowskiego, Druskienicka",
    ),
    "Jeżyce": (
        16.905, 52.414, "Dąbrowskiego, Kościelna, Poznańska, Słowackiego, Mickiewicza, Jeżycka, Kraszewskiego, rynek Jeżycki",
    ),
    "Junikowo": (16.812, 52.382, "Grunwaldzka, Malwowa, Junikowska, Miśnieńska, Ziębicka, Wieruszowska"),
    "Kiekrz": (16.765, 52.468, "Kierska, Chojnicka, Nad Jeziorem, Podjazdowa, Wilków Morskich"),
    "Krzesiny-Pokrzywno-Garaszewo": (16.988, 52.342, "Krzesiny, Pokrzywno, Garaszewo, Silniki, Tarnowska"),
    "Krzyżowniki-Smochowice": (16.790, 52.440, "Słupska, Lubowska, Santocka, Braniewska, Kościerzyńska, Nowina"),
    "Kwiatowe": (16.842, 52.373, "Kaczeńcowa, Jaskrowa, Wrzosowa, Fiołkowa, Storczykowa"),
    "Ławica": (16.812, 52.413, "Bukowska, Złotowska, Perzycka, Owcza, Brzechwy, Stanisławowska"),
    "Morasko-Radojewo": (16.943, 52.489, "Morasko, Radojewo, Meteorytowa, Franciszka Jaśkowiaka, Poligonowa"),
    "Naramowice": (16.955, 52.452, "Naramowicka, Łużycka, Rubież, Błażeja, Boranta, Jasna Rola, Karpia"),
    "Nowe Winogrady Południe": (16.922, 52.428, "os. Przyjaźni, Słowiańska, os. Kolorowe, Murawa, Pasterska"),
    "Nowe Winogrady Północ": (16.925, 52.439, "os. Zwycięstwa, os. Wichrowe Wzgórze, Mieszka I, Trójpole, Widłakowa"),
    "Nowe Winogrady Wschód": (16.938, 52.434, "os. Pod Lipami, os. Na Murawie, Serbska, Lechicka, Wilczak"),
    "Ogrody": (16.877, 52.419, "Nowy Świat, Szpitalna, Polska, Przybyszewskiego, Wawrzyńca, Szamarzewskiego"),
    "Ostrów Tumski-Śródka-Zawady-Komandoria": (
        16.955, 52.412, "Ostrów Tumski, rynek Śródecki, Bydgoska, Warszawska, Podwale, Panny Marii, Dziekańska",
    ),
    "Piątkowo": (
        16.905, 52.449, "os. Bolesława Chrobrego, os. Bolesława Śmiałego, os. Władysława Łokietka, Obornicka, os. Stefana Batorego",
    ),
    "Podolany": (16.880, 52.452, "Strzeszyńska, Zakopiańska, Drukarska, Rabczańska, Jasielska"),
    "Rataje": (
        16.957, 52.388, "os. Piastowskie, os. Jagiellońskie, os. Oświecenia, os. Powstań Narodowych, rondo Rataje, Zamenhofa, Jana Pawła II",
    ),
    "Sołacz": (16.897, 52.426, "al. Wielkopolska, Wołyńska, Podolska, Nad Wierzbakiem, Małopolska, Litewska"),
    "Stare Miasto": (
        16.930, 52.408,
        ("Święty Marcin, Garbary, al. Niepodległości, pl. Wolności, Stary Rynek, Wrocławska, Półwiejska, 27 Grudnia, "
        "al. Karola Marcinkowskiego, pl. Cyryla Ratajskiego, Ratajczaka, Strzelecka, Wielka, Wodna, Szkolna, Kościuszki, "
        "Solna, pl. Kolegiacki, Fredry, Wysoka, Długa, Królowej Jadwigi"),
    ),
    "Stare Winogrady": (16.942, 52.422, "Winogrady, Bastionowa, Gronowa, Szelągowska, Wincentego Pola"),
    "Starołęka-Minikowo-Marlewo": (16.948, 52.355, "Starołęcka, Minikowo, Forteczna, Marlewska, św. Antoniego, Romana Maya"),
    "Stary Grunwald": (16.881, 52.398, "Matejki, Szylinga, Ułańska, Chociszewskiego, Orzeszkowej"),
    "Strzeszyn": (16.842, 52.450, "Koszalińska, Literacka, Biskupińska, Puszkina, Wańkowicza, Hezjoda"),
    "Szczepankowo-Spławie-Krzesinki": (17.027, 52.362, "Szczepankowo, Spławie, Ostrowska, Gospodarska, Glebowa"),
    "Św. Łazarz": (
        16.897, 52.396, "Głogowska, rynek Łazarski, Kasprzaka, Niegolewskich, Małeckiego, Graniczna, Łukaszewicza, Berwińskiego",
    ),
    "Świerczewo": (16.878, 52.363, "Opolska, Kowalska, Jesionowa, Leszczyńska, Nadolnik"),
    "Umultowo": (16.945, 52.469, "Umultowska, Wiązowa, Zagajnikowa, Huby Moraskie"),
    "Warszawskie-Pomet-Maltańskie": (16.995, 52.412, "Krańcowa, Termalna, św. Michała, Łowicka, Krzywoustego, Kórnicka"),
    "Wilda": (
        16.920, 52.391, ("Górna Wilda, Dolna Wilda, 28 Czerwca 1956 r., Wierzbięcice, rynek Wildecki, Przemysłowa, Sikorskiego, "
        "Chwiałkowskiego, Różana"),
    ),
    "Winiary": (16.908, 52.435, "Piątkowska, Wojciechowskiego, Św. Stanisława, Urbanowska, Hercena"),
    "Wola": (16.850, 52.431, "Lutycka, Dojazd, Beskidzka, Sudecka, Tatrzańska, Wichrowa"),
    "Zielony Dębiec": (16.912, 52.372, "Orzechowa, Dębowa, os. Dębina, Łozowa, Bukowa, Wiśniowa"),
    "Żegrze": (16.972, 52.379, "os. Orła Białego, os. Stare Żegrze, os. Polan, Żegrze, Unii Lubelskiej, Obodrzycka"),
}  # fmt: skip
"""By name: longitude and latitude of the middle, and street names (``ul.`` where nothing else is said)."""

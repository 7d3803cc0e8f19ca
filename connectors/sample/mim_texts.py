"""The vocabulary of the invented city's map and calendar: names and texts, none of them copied."""

__all__ = [
    "CATEGORIES",
    "FACTS",
    "GUESTS",
    "HALLS",
    "MONUMENTS",
    "NEWS",
    "PARKS",
    "PATRONS",
    "ROUTES",
    "STYLES",
    "SUBJECTS",
]

MONUMENTS = (
    "Kamienica",
    "Kamienica narożna",
    "Willa",
    "Pałacyk",
    "Dawny spichlerz",
    "Dom z wykuszem",
    "Dawna drukarnia",
    "Szkoła z czerwonej cegły",
    "Wieża ciśnień",
    "Dawny browar",
    "Kaplica",
    "Mur miejski",
    "Dworek",
    "Koszary",
    "Fort",
)
STYLES = ("klasycystyczny", "neogotycki", "neorenesansowy", "secesyjny", "modernistyczny", "barokowy", "eklektyczny")
FACTS = (
    "Zachowała się pierwotna klatka schodowa z dębową balustradą",
    "Fasadę odnowiono na podstawie dawnych fotografii",
    "W podwórzu stoi pompa z dawnych wodociągów",
    "W czasie prac odkryto polichromię pod sześcioma warstwami farby",
    "Dach pokryto łupkiem, jak przed przebudową",
    "Dziś mieści się tu pracownia i mała galeria",
    "Na szczycie widać chorągiewkę z datą budowy",
)
PATRONS = (
    "św. Anny",
    "św. Barbary",
    "Bożego Ciała",
    "św. Jakuba",
    "św. Katarzyny",
    "Matki Boskiej Śnieżnej",
    "św. Mikołaja",
    "św. Rocha",
    "Świętego Krzyża",
    "Wszystkich Świętych",
    "św. Łucji",
    "św. Stefana",
)
PARKS = ("Park przy", "Skwer przy", "Zieleniec przy", "Ogród przy", "Aleja drzew przy")
HALLS = ("Hala sportowa", "Hala widowiskowa", "Hala lekkoatletyczna", "Hala tenisowa")

# Polish, English, German; the English or German one may be missing, as in the calendar.
CATEGORIES = ("Koncerty", "Wystawy", "Teatr", "Film", "Sport", "Dla dzieci", "Spotkania", "Festiwale", "Turystyka")
SUBJECTS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "Koncerty": (
        ("Wieczór kameralny", "An evening of chamber music", "Kammermusikabend"),
        ("Koncert organowy", "Organ concert", "Orgelkonzert"),
        ("Jazz na dziedzińcu", "Jazz in the courtyard", "Jazz im Hof"),
    ),
    "Wystawy": (
        ("Miasto na starych planach", "The city on old plans", "Die Stadt auf alten Plänen"),
        ("Światło i cegła – fotografie", "Light and brick: photographs", "Licht und Ziegel: Fotografien"),
        ("Żółwie świata – wystawa w Nowym Zoo", "Turtles of the world, at the New Zoo", ""),
    ),
    "Teatr": (
        ("Noc nad Wartą – premiera", "A night on the Warta: first night", ""),
        ("Teatr na podwórku", "Theatre in the yard", "Theater im Hof"),
    ),
    "Film": (
        ("Kino plenerowe", "Open-air cinema", "Freiluftkino"),
        ("Przegląd filmów krótkich", "Short films", ""),
    ),
    "Sport": (
        ("Bieg przez park", "A run through the park", "Lauf durch den Park"),
        ("Turniej szachowy", "Chess tournament", "Schachturnier"),
        ("Otwarty trening wioślarski", "Rowing: open practice", ""),
    ),
    "Dla dzieci": (
        ("Warsztaty lepienia z gliny", "Clay workshop", ""),
        ("Bajki w bibliotece", "Stories in the library", "Märchen in der Bibliothek"),
        ("Żółw błotny i jego sąsiedzi – zajęcia przyrodnicze", "The pond turtle and its neighbours", ""),
    ),
    "Spotkania": (
        ("Rozmowa o przyszłości dzielnicy", "On the district's future", ""),
        ("Targ rzeczy używanych", "Second-hand market", "Flohmarkt"),
    ),
    "Festiwale": (
        ("Święto rogala", "Festival of the croissant", "Fest des Hörnchens"),
        ("Festiwal światła", "Festival of light", "Lichtfest"),
    ),
    "Turystyka": (
        ("Spacer z przewodnikiem", "Guided walk", "Stadtrundgang"),
        ("Rowerem wokół miasta", "Round the city by bicycle", ""),
    ),
}
GUESTS = (
    ("Wstęp wolny.", "Admission free.", "Eintritt frei."),
    ("Liczba miejsc ograniczona.", "Places are limited.", "Begrenzte Platzzahl."),
    ("Bilety w kasie i przez internet.", "Tickets at the door and online.", "Karten an der Kasse und online."),
)
NEWS = (
    ("Nowe drzewa na osiedlu", "Zieleń", "Posadzono lipy, klony i jarzęby; opiekują się nimi mieszkańcy."),
    ("Remont torowiska dobiega końca", "Transport", "Tramwaje wracają na stałą trasę w poniedziałek."),
    ("Konsultacje planu miejscowego", "Urbanistyka", "Uwagi można składać na piśmie, mailem i na spotkaniu."),
    ("Biblioteka dłużej otwarta", "Kultura", "W środy czytelnia czynna będzie do godziny 21."),
    ("Jesienne liczenie żółwi", "Środowisko", "Przyrodnicy policzą żółwie błotne na stawach Nowego Zoo."),
    ("Rusza budżet obywatelski", "Mieszkańcy", "Głosować można w internecie i w punktach w całym mieście."),
    ("Nowa stacja roweru miejskiego", "Transport", "Stoi tu dwanaście stojaków; rowery są od dziś."),
    ("Bezpłatne porady prawne", "Mieszkańcy", "W punktach radzą adwokaci i radcowie prawni."),
)
ROUTES = {
    "cycling_routes": ("Trasa rowerowa", 18),
    "trails": ("Szlak pieszy", 8),
    "dydactic_paths": ("Ścieżka dydaktyczna", 6),
    "trakt": ("Trakt Królewsko-Cesarski, odcinek", 3),
}

"""What people ask the contact centre of the invented city: category, topic, channels, the answer in HTML."""

__all__ = ["TOPICS"]

ALL = "Telefon, E-mail, Czat, Formularz"
WRITTEN = "E-mail, Formularz"
SPOKEN = "Telefon, Czat, Tłumacz języka migowego"

TOPICS: tuple[tuple[str, str, str, str], ...] = (
    ("Komunikacja", "Rejestracja pojazdu", ALL, "<p>Um&oacute;w wizytę w wydziale komunikacji. Weź <strong>dow&oacute;d własności</strong> i polisę OC.</p>"),
    ("Komunikacja", "Wymiana prawa jazdy", ALL, "<p>Złóż wniosek i zdjęcie; dokument odbierzesz po 9 dniach roboczych.</p>"),
    ("Komunikacja", "Identyfikator mieszkańca w strefie płatnego parkowania", ALL, "<p>Identyfikator wyda Zarząd Dr&oacute;g. Potrzebne jest zameldowanie w strefie.</p>"),
    ("Komunikacja", "Bilety i karta miejska", SPOKEN, "<p>Kartę doładujesz w punkcie obsługi i w automatach biletowych.</p>"),
    ("Sprawy obywatelskie", "Dowód osobisty", ALL, "<p>Wniosek złożysz w każdym urzędzie gminy. Dow&oacute;d jest <em>bezpłatny</em>.</p>"),
    ("Sprawy obywatelskie", "Zameldowanie na pobyt stały", ALL, "<p>Zameldujesz się w urzędzie albo przez internet.</p>"),
    ("Sprawy obywatelskie", "Odpis aktu urodzenia", WRITTEN, "<p>Odpis skr&oacute;cony kosztuje 22 zł, zupełny 33 zł.</p>"),
    ("Sprawy obywatelskie", "Zawarcie małżeństwa", ALL, "<p>Zarezerwuj termin w urzędzie stanu cywilnego; zapewnienie jest ważne 6 miesięcy.</p>"),
    ("Sprawy obywatelskie", "Spis wyborców", ALL, "<p>Sprawdź, gdzie głosujesz, i złóż wniosek o dopisanie.</p>"),
    ("Podatki i opłaty", "Podatek od nieruchomości", ALL, "<p>Raty przypadają na 15 marca, maja, września i listopada.</p>"),
    ("Podatki i opłaty", "Opłata za gospodarowanie odpadami", ALL, "<p>Deklarację składa właściciel nieruchomości w ciągu 14 dni od zmiany.</p>"),
    ("Podatki i opłaty", "Opłata skarbowa", SPOKEN, "<p>Opłatę wnosi się na rachunek miasta w dniu złożenia wniosku.</p>"),
    ("Środowisko", "Wywóz odpadów wielkogabarytowych", ALL, "<p>Oddaj je bezpłatnie w gratowisku albo zam&oacute;w odbi&oacute;r.</p>"),
    ("Środowisko", "Wycięcie drzewa", WRITTEN, "<p>Zgłoś zamiar wycięcia; oględziny odbędą się w ciągu 21 dni.</p>"),
    ("Środowisko", "Jakość powietrza i wymiana pieca", ALL, "<p>Miasto dopłaca do likwidacji pieca na węgiel.</p><ul><li>wniosek</li><li>umowa</li><li>rozliczenie</li></ul>"),
    ("Środowisko", "Bezdomne zwierzęta", SPOKEN, '<p>Zadzwoń do straży miejskiej: <a href="tel:986">986</a>.</p>'),
    ("Budownictwo", "Pozwolenie na budowę", WRITTEN, "<p>Decyzja zapada w ciągu 65 dni od pełnego wniosku.</p>"),
    ("Budownictwo", "Wypis z planu miejscowego", WRITTEN, "<p>Wypis i wyrys wydaje Miejska Pracownia Urbanistyczna.</p>"),
    ("Budownictwo", "Numer porządkowy budynku", WRITTEN, "<p>Numer nadaje ZGiKM GEOPOZ po złożeniu wniosku.</p>"),
    ("Rodzina", "Karta Dużej Rodziny", ALL, "<p>Karta należy się rodzinie z trojgiem dzieci lub większą liczbą dzieci.</p>"),
    ("Rodzina", "Nabór do żłobka i przedszkola", ALL, "<p>Nab&oacute;r odbywa się przez internet od marca.</p>"),
    ("Rodzina", "Świadczenie wychowawcze", ALL, "<p>Wniosek złóż przez bankowość internetową lub w Poznańskim Centrum Świadczeń.</p>"),
    ("Pomoc", "Nieodpłatna pomoc prawna", SPOKEN, "<p>W mieście działają 33 punkty. Zapisz się telefonicznie.</p>"),
    ("Pomoc", "Dodatek mieszkaniowy", ALL, "<p>Dodatek przyznaje się na 6 miesięcy; liczy się doch&oacute;d z trzech miesięcy.</p>"),
    ("Działalność gospodarcza", "Wpis do CEIDG", ALL, "<p>Wpis jest <strong>bezpłatny</strong>. Uważaj na płatne rejestry.</p>"),
    ("Działalność gospodarcza", "Zezwolenie na sprzedaż alkoholu", WRITTEN, "<p>Zezwolenie wydaje się po opinii rady osiedla.</p>"),
    ("Ulice", "Zgłoszenie dziury w jezdni", ALL, "<p>Podaj ulicę i numer; pogotowie drogowe działa całą dobę.</p>"),
    ("Ulice", "Awaria oświetlenia ulicznego", SPOKEN, "<p>Podaj numer słupa, jeśli go widzisz.</p>"),
)  # fmt: skip
"""The topics in the order of the workbook; the answers have the entities that its editors' program leaves in."""

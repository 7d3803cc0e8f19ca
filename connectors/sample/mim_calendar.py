"""Sample of MIM's event calendar (XML) and news (RSS), mostly of autumn 2017."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from random import Random
from xml.sax.saxutils import escape

from connectors.sample import city, mim_places
from connectors.sample.mim_texts import CATEGORIES, GUESTS, NEWS, SUBJECTS

__all__ = ["events", "news"]

EVENTS = 560
ARTICLES = 60
AUTUMN = datetime(2017, 9, 1)  # noqa: DTZ001 - the calendar writes local times without a zone
YEAR = datetime(2017, 1, 2)  # noqa: DTZ001 - as above
LANGUAGES = ("pl", "en", "de")


def events() -> bytes:
    """The calendar's answer: every event there is, whatever the day asked for."""
    random = city.rng("mim.events")
    venues = [place for class_id in ("2572", "331", "2471") for place in mim_places.places(class_id)[:40]]
    made = "".join(_event(random, number, venues) for number in range(1, EVENTS + 1))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<events xmlns="http://sit-wlkp.eu/xmlrepo/events.xsd">\n{made}</events>\n'
    ).encode()


def _event(random: Random, number: int, venues: list[mim_places.Place]) -> str:
    category = random.choice(CATEGORIES)
    subject, guests = random.choice(SUBJECTS[category]), random.choice(GUESTS)
    first, days = (AUTUMN, 121) if random.random() < 0.75 else (YEAR, 500)
    start = first + timedelta(days=random.randrange(days), hours=random.randint(9, 20), minutes=random.choice((0, 30)))
    end = (start + timedelta(minutes=random.choice((60, 90, 120, 180)))).isoformat(" ") if random.random() < 0.7 else ""
    versions = "".join(
        f'<version lang="{language}"><evtml_name>{escape(escape(name))}</evtml_name>'
        f"<evtml_desc>{escape(f'<p><b>{name}</b><br>{text}</p>')}</evtml_desc></version>"
        for language, name, text in zip(LANGUAGES, subject, guests, strict=True)
        if name and (language == "pl" or random.random() < (0.7 if language == "en" else 0.35))
    )
    return (
        f"<event><event_id>{104000 + number}</event_id><category>{escape(category)}</category>"
        f"<event_start>{start.isoformat(' ')}</event_start><event_end>{end}</event_end>"
        f"<event_url>https://www.poznan.pl/mim/events/sample,{104000 + number}.html</event_url>"
        f"<event_version>{versions}</event_version>{_where(random, venues)}</event>\n"
    )


def _where(random: Random, venues: list[mim_places.Place]) -> str:
    if random.random() < 0.6:
        id_, _, place = random.choice(venues)
        street, _, number = place["adres"].rpartition(" ")
        known = f"<place_id>{id_}</place_id><place_name>{escape(place['nazwa'])}</place_name>"
        address = (street, number, place["kod"], place["x_4326"], place["y_4326"])
    elif random.random() < 0.05:  # somewhere in the city: neither a place nor an address
        return "<event_place/><event_address><street/></event_address>"
    else:
        one = random.choice(mim_places.central())
        known = f"<place_id/><place_name>{escape('Dziedziniec & ogród')}</place_name>"
        address = (one.street, one.number, one.postcode, f"{one.lon:.6f}", f"{one.lat:.6f}")
    street, number, postcode, lon, lat = address
    return (
        f"<event_place>{known}</event_place><event_address><street>{escape(street)}</street><number>{number}</number>"
        f"<postcode>{postcode}</postcode><city>Poznań</city><lon>{lon}</lon><lat>{lat}</lat></event_address>"
    )


def _in_full(text: str) -> str:
    return f"<content:encoded><![CDATA[<h3>{text}</h3><p>Więcej na miejscu.</p>]]></content:encoded>"


def news() -> bytes:
    """The news as RSS 2.0, newest first."""
    random = city.rng("mim.articles")
    names = [one.name for one in city.districts()]
    moment = datetime(2017, 12, 20, 9, 0, tzinfo=UTC)
    items = []
    for number in range(ARTICLES, 0, -1):
        title, category, text = NEWS[number % len(NEWS)]
        moment -= timedelta(hours=random.randint(8, 60))
        address = f"https://www.poznan.pl/mim/info/news/sample,{120000 + number}.html"
        picture = f'<enclosure url="https://www.poznan.pl/mim/upload/sample{number}.jpg" length="0" type="image/jpeg"/>'
        items.append(
            f"<item><title>{escape(f'{title}: {random.choice(names)}')}</title><link>{address}</link>"
            f"<guid>{address}</guid><pubDate>{format_datetime(moment)}</pubDate><category>{category}</category>"
            f"<description><![CDATA[<p>{text} <a href='{address}'>Czytaj&nbsp;więcej</a></p>]]></description>"
            f"{_in_full(text) if number % 2 == 0 else ''}{picture if number % 3 == 0 else ''}</item>"
        )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/">'
        f"<channel><title>Poznań – aktualności</title>"
        f"<link>https://www.poznan.pl/mim/info/news/</link><description>Próbka</description>{''.join(items)}</channel></rss>"
    ).encode()

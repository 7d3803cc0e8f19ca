"""ZTM, the authority for public transport: what leaves a stop next, as its virtual monitor shows it.

The monitor is the service behind the authority's public page of departures. It is documented by nobody but those who use it; its
form was read in public code of several of them.
"""

from datetime import datetime

from broker.fields import field
from broker.lookup import Item, lookup
from broker.model import PUBLIC_INFORMATION, Source, live
from connectors.protocols.virtual_monitor import DepartureBoard, moment
from connectors.sample.ztm import answer

__all__ = ["ZTM", "Departure"]

ZTM = Source(
    id="ztm",
    title="Zarząd Transportu Miejskiego",
    base_url="https://www.peka.poznan.pl/vm",
    description="The authority for public transport: what leaves the city's stops next",
    sample=answer,
)


def any_of(*told: object) -> bool | None:
    """Whether one of these is so; none when nothing is told of any."""
    known = [one for one in told if one is not None]
    return any(str(one).lower() == "true" for one in known) if known else None


@lookup(
    ZTM,
    "departures",
    on="mim.stops",
    by="name",
    ordered_by="departs_at",
    reader=DepartureBoard("method.vm"),
    refresh=live(seconds=20),
    licence=PUBLIC_INFORMATION,
)
class Departure(Item):
    """A tram or bus that is about to leave a stop, from whichever of its posts: posts have other codes here than in MIM."""

    post: str = field("Code of the post it leaves from, in ZTM's own system", of="symbol")
    line: str = field("Line")
    direction: str = field("Where it goes, as it says on its front")
    departs_at: datetime = field("When it leaves, to the minute", of=("departure", "minutes", "asked"), read=moment)
    real_time: bool = field(
        "Whether that is reckoned from where the vehicle is now; else it is the timetable's", of="realTime"
    )
    at_stop: bool = field("Whether it stands at the post now", of="onStopPoint")
    vehicle: str | None = field("Number of the vehicle; known only when it is seen on its way")
    low_floor: bool | None = field(
        "Whether one gets in without steps, at one door at least", of=("lowFloorBus", "lowEntranceBus"), read=any_of
    )
    ramp: bool | None = field("Whether it has a ramp for wheelchairs", of=("lfRamp", "leRamp"), read=any_of)
    air_conditioned: bool | None = field("Whether it is air-conditioned", of="airCnd")
    takes_bikes: bool | None = field("Whether bikes may come along", of="bike")
    ticket_machine: bool | None = field("Whether tickets are sold in it", of="ticketMachine")

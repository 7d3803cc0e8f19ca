"""How much of the suite is run: a short form of a minute, or everything when the environment has FAULTS=all."""

import os

__all__ = ["WHOLE"]

WHOLE = os.environ.get("FAULTS") == "all"  # noqa: TID251 - how long a run is, not how the broker works

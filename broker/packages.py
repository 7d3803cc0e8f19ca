"""Guards the three generic package names: `connectors` and `resolvers` must be this broker's own, not a namesake's.

Another distribution's `connectors` overwrites ours in the same site-packages without a word from the installer, and a
folder of that name in the working directory hides ours. Either way the broker would run on something it does not know.
"""

import importlib.util
from collections.abc import Mapping, Sequence
from importlib.metadata import distributions
from pathlib import Path

from broker.errors import DeclarationError

__all__ = ["check_packages"]

NAMES = ("broker", "connectors", "resolvers")
OURS = "poznan-broker"


def check_packages(home: Path | None = None, owners: Mapping[str, Sequence[str]] | None = None) -> None:
    """Refuse to go on with another's package. Raises `DeclarationError` that names the intruder.

    Args:
        home: the folder our packages lie in; where `broker` was imported from when left out.
        owners: the distributions that say they own a top-level package; the installed ones when left out.
    """
    home = home or Path(__file__).resolve().parents[1]
    owners = _owners() if owners is None else owners
    for name in NAMES:
        place = _place(name)
        if place != home / name:
            raise DeclarationError(
                f"the package {name!r} comes from {place or 'nowhere'}, not from {home / name}; start the broker from "
                "another folder, or give it an environment of its own"
            )
        others = sorted(set(owners.get(name, ())) - {OURS})
        if others:
            raise DeclarationError(
                f"the package {name!r} is also installed by {', '.join(others)}, which may have overwritten ours; give the "
                "broker an environment of its own"
            )


def _owners() -> Mapping[str, Sequence[str]]:
    """Who has installed something under one of the names, told by the lists of files as they are.

    `importlib.metadata.packages_distributions` reads every line of every list, which takes a twentieth of a start.
    """
    owners: dict[str, list[str]] = {name: [] for name in NAMES}
    for one in distributions():
        files = f"\n{one.read_text('RECORD') or ''}"
        tops = (one.read_text("top_level.txt") or "").split()
        for name, found in owners.items():
            if name in tops or f"\n{name}/" in files:
                found.append(one.name or "a distribution without a name")
    return owners


def _place(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).resolve().parent if spec and spec.origin else None

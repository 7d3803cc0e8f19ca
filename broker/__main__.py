"""``python -m broker`` is the same as the command ``broker``."""

from broker.cli import main

__all__: list[str] = []

main()

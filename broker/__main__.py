"""The command ``broker``, which ``python -m broker`` is too."""

import gc

__all__ = ["run"]


def run() -> None:
    """Import everything, then do what the command line says."""
    gc.disable()  # what is imported stays for good: looking through it for what could go takes a tenth of the start
    from broker.cli import main  # noqa: PLC0415 - that is the point

    gc.freeze()  # or it is looked through as soon as the collector is there again
    gc.enable()
    main()


if __name__ == "__main__":
    run()

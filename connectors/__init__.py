"""The sources: one module each.

To add a source of a known protocol, write one module like `connectors.mim`: a `Source`, and for each data set one record
under `@dataset`. Everything else follows from it; `docs/add-a-source.md` goes through a whole example.
"""

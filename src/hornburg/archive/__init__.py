"""What the server does, one module per verb. Knows no HTTP and no DIMSE.

Front doors call these functions with an :class:`~hornburg.archive.parts.Archive`; the rules are
here, so that every door keeps the same ones.
"""

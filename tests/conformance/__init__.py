"""Real messages that others' software is tested with, and what their projects expect of them.

    DESKPOST_CORPUS=FOLDER python -m tests.conformance [--misses] [--only SECTION ...] [--quick]

Run by `make conformance`, not by `make test`. Prints a table, and as its last line the rates as
JSON. Misses count whether they are deliberate or not; what is decided otherwise on purpose is
listed by file with its reason in each section's DELIBERATE.
"""

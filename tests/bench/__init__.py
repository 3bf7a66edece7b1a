"""Benchmarks: run by `make bench`, never as timed tests. Each module's `run()` gives rows of a table."""

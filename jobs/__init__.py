"""Scheduled jobs: one module each, a plain `run(context, params)` and a handler of two lines."""

"""The embedded AWS: ministack in its own virtualenv behind a guard.

This package is imported by ministack's interpreter as well as by ours, so it uses the standard library only.
"""

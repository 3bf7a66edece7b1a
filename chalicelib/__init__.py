"""Kubilitics AI: everything that ships to Lambda."""

__version__ = "0.1.0"

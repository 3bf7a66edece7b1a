"""Investigations: sessions that find a cause step by step, keep every step, and survive whatever ends a worker.

Other rooms import the modules: `desk` runs investigations and loads the tools, `sessions` and `report` only read.
"""

"""Faults that can be injected into the demo cluster, and look-alikes that are none."""

"""Deterministic root-cause diagnosis: symptoms, detectors of failure modes, explaining-away, ranking."""

from chalicelib.rootcause.engine import diagnose, scoped
from chalicelib.rootcause.model import Diagnosis, Hypothesis, Problem, ProposedChange, Remedy, Symptom
from chalicelib.rootcause.wanted import logs_wanted

__all__ = [
    "Diagnosis",
    "Hypothesis",
    "Problem",
    "ProposedChange",
    "Remedy",
    "Symptom",
    "diagnose",
    "logs_wanted",
    "scoped",
]

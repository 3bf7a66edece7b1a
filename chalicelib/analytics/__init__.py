"""Scores and, later, baselines and forecasts. Pure: series and clocks are arguments."""

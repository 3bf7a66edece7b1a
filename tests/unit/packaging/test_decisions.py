"""The list of decisions is complete."""

from __future__ import annotations

from pathlib import Path

DECISIONS = Path(__file__).resolve().parents[3] / "docs" / "decisions"


def test_every_decision_is_listed_with_its_title():
    listed = (DECISIONS / "README.md").read_text().splitlines()
    titles = {path.name: path.read_text().splitlines()[0].removeprefix("# ") for path in DECISIONS.glob("0*.md")}
    entries = [f"- [{title}]({name})" for name, title in sorted(titles.items())]
    assert [line for line in listed if line.startswith("- ")] == entries

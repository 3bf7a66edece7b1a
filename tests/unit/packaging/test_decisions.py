"""The list of decisions is complete."""

from __future__ import annotations

from pathlib import Path

DECISIONS = Path(__file__).resolve().parents[3] / "docs" / "decisions"


def test_every_decision_is_listed_with_its_title():
    listed = (DECISIONS / "README.md").read_text()
    for path in sorted(DECISIONS.glob("0*.md")):
        title = path.read_text().splitlines()[0].removeprefix("# ")
        assert f"- [{title}]({path.name})" in listed

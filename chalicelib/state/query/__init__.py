"""Natural-language filters without a model: a deterministic grammar from words to typed conditions on list rows."""

from chalicelib.state.query.conditions import Condition
from chalicelib.state.query.query import Query, grouped, parse, ranked
from chalicelib.state.query.reading import Ambiguity, Chip
from chalicelib.state.query.times import Span
from chalicelib.state.query.vocabulary import KIND_PHRASES, Match, Vocabulary, find, nearest

__all__ = [
    "KIND_PHRASES", "Ambiguity", "Chip", "Condition", "Match", "Query", "Span", "Vocabulary", "find", "grouped",
    "nearest", "parse", "ranked",
]  # fmt: skip

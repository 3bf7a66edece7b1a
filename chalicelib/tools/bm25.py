"""BM25 (Robertson and Zaragoza 2009, k1 = 1.2, b = 0.75) over a few hundred short texts, in process, deterministic."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping

K1 = 1.2
B = 0.75
_WORD = re.compile(r"[a-z0-9]+")
_ENDINGS = ("ing", "ies", "es", "ed", "s")


def words(text: str) -> list[str]:
    """Lower-case words without their commonest endings, so that `pods` finds `pod`."""
    return [_stem(w) for w in _WORD.findall(re.sub(r"([a-z])([A-Z])", r"\1 \2", text).lower())]


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


class Index:
    """Documents by name."""

    def __init__(self, documents: Mapping[str, str]) -> None:
        self._counts = {name: Counter(words(text)) for name, text in documents.items()}
        self._lengths = {name: sum(counts.values()) for name, counts in self._counts.items()}
        self._mean = sum(self._lengths.values()) / max(1, len(self._lengths))
        self._documents = Counter(word for counts in self._counts.values() for word in counts)

    def search(self, query: str, limit: int) -> list[tuple[str, float]]:
        """(name, score) of the best documents; ties in name order; documents without any word left out."""
        wanted = words(query)
        scored = [(name, self._score(name, wanted)) for name in self._counts]
        found = sorted((item for item in scored if item[1] > 0), key=lambda item: (-item[1], item[0]))
        return found[:limit]

    def _score(self, name: str, wanted: list[str]) -> float:
        counts, total = self._counts[name], len(self._counts)
        norm = K1 * (1 - B + B * self._lengths[name] / self._mean) if self._mean else K1
        score = 0.0
        for word in wanted:
            count = counts[word]
            if count:
                have = self._documents[word]
                rarity = math.log(1 + (total - have + 0.5) / (have + 0.5))
                score += rarity * count * (K1 + 1) / (count + norm)
        return score

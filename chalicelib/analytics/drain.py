"""Log templates by a tree of fixed depth: lines alike in length, first words and most others are one template.

After He et al. 2017, "Drain: An Online Log Parsing Approach with Fixed Depth Tree", section III.

Masks come first, so numbers, ids and times never make a difference. Structured lines (JSON, logfmt) keep their words,
because their quoted text is the message itself. Work is linear and memory bounded: lines are cut, a node holds a fixed
number of templates, and what finds no place keeps its masked text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.state.messages import masked, structured

LINE_CHARS = 1_000
TEMPLATE_CHARS = 400
MAX_TOKENS = 60
FEWEST_TOKENS = 4
"""Shorter lines are told apart by any word: `link up` and `link down` are two messages."""
PREFIX_TOKENS = 2
LIKE = 0.6
"""Share of equal words from which two lines are one message (Drain's `st`)."""
PER_NODE = 64
SEEN = 50_000
ANY = "*"


@dataclass(slots=True)
class _Cluster:
    tokens: list[str]

    def text(self) -> str:
        return " ".join(self.tokens)[:TEMPLATE_CHARS]


def drain_miner(lines: Sequence[str]) -> Sequence[str]:
    """The template of each line, in the order of the lines."""
    tree: dict[tuple[int, tuple[str, ...]], list[_Cluster]] = {}
    seen: dict[str, _Cluster] = {}
    found = []
    for line in lines:
        cut = line[:LINE_CHARS]
        text = masked(cut)
        cluster = seen.get(text)
        if cluster is None:
            cluster = _Cluster(text.split()[:MAX_TOKENS])
            if not structured(cut):
                cluster = _placed(cluster, tree)
            if len(seen) < SEEN:
                seen[text] = cluster
        found.append(cluster)
    return [cluster.text() for cluster in found]


def _placed(new: _Cluster, tree: dict[tuple[int, tuple[str, ...]], list[_Cluster]]) -> _Cluster:
    """The cluster of the tree that a line belongs to, generalised to fit it; the new one when there is none."""
    tokens = new.tokens
    if len(tokens) < FEWEST_TOKENS:
        return new
    node = tree.setdefault((len(tokens), tuple(_branch(t) for t in tokens[:PREFIX_TOKENS])), [])
    best, score = None, 0.0
    for cluster in node:
        same = sum(a == b for a, b in zip(cluster.tokens, tokens, strict=True)) / len(tokens)
        if same > score:
            best, score = cluster, same
    if best is not None and score >= LIKE:
        best.tokens = [a if a == b else ANY for a, b in zip(best.tokens, tokens, strict=True)]
        return best
    if len(node) < PER_NODE:
        node.append(new)
    return new


def _branch(token: str) -> str:
    """What a word says in the tree: one that was masked may be anything."""
    return ANY if "#" in token or token == ANY else token

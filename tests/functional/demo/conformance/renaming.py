"""The same recording with other names: what passes only for the recorded names would fail here.

Every namespace, object, user and label value of the recording gets another name, in requests and expected answers
alike. The new names sort as the old ones do, because pages of a list are cut in that order.
"""

from __future__ import annotations

import re
from typing import Any

NAMES = {
    "demo": "dorado", "tight": "tiny", "locked": "latched", "ghost": "gnome",
    "web": "wharf", "web2": "wharf2", "page-": "pane-", "gen": "gel", "ssa": "sst", "watched": "wavered",
    "stuck": "stiff", "frozen": "frosty", "hooked": "honed", "big": "bulky", "small": "sleek", "lim": "lid",
    "many": "masses", "guard": "gate", "nowhere": "nothing", "once": "only", "tick": "tock", "manual": "mankind",
    "reader": "rector", "inv": "inx", "dup": "duo", "widgets": "wickets", "widget": "wicket", "Widget": "Wicket",
    "w1": "x1", "w2": "x2", "w3": "x3", "n1": "m1", "n2": "m2", "n3": "m3", "editor": "eddie", "viewer": "vivian",
    "admin": "adele", "kubilitics": "kurt", "team-shop": "team-store", "other": "otto", "robot": "robin",
}  # fmt: skip
_ALL = "|".join(sorted(map(re.escape, NAMES), key=len, reverse=True))
_WORDS = re.compile(rf"(?<!\w)({_ALL})(?![A-Za-z_])")


def renamed(value: Any) -> Any:
    """The value with every name in it replaced, also inside texts."""
    if isinstance(value, dict):
        return {renamed(key): renamed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [renamed(item) for item in value]
    if isinstance(value, str):
        return _WORDS.sub(lambda match: NAMES[match.group(1)], value)
    return value

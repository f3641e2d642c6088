"""Text of users in Markdown: it reads as it was written, and does nothing.

`prose` is for sentences, `code` for names and values; both are one line without control characters.
Links of GitHub's Markdown are found in finished text, where no escape helps; so a word that looks
like an address is shown as code.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

LONGEST_PROSE = 1000
LONGEST_CODE = 120
HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn"}  # control, format (bidi among it), surrogate, private, none
_SPECIAL = re.compile(r"[\\`*_\[\]<>&~$^=#]")
_LIST = re.compile(r"^(\d*)([-+.)])")  # what would begin a list
_ADDRESS = re.compile(r"@|:/|www\.|\w\.[^\W\d_]{2,}", re.IGNORECASE)
Row = tuple[str, ...]


def visible(text: object) -> str:
    r"""Return text as one line; what can't be seen in it is shown as the replacement character.

    >>> visible("a\n b\u202e")
    'a b\ufffd'
    """
    line = " ".join(str(text).split())
    return "".join("\ufffd" if unicodedata.category(c) in HIDDEN else c for c in line)


def prose(text: object) -> str:
    r"""Return a sentence as inert Markdown.

    >>> prose("# <b>late</b> | see www.example.com")
    '\\# \\<b\\>late\\</b\\> &#124; see `www.example.com`'
    """
    words = _cut(visible(text), LONGEST_PROSE).split(" ")
    line = " ".join(code(word) if _ADDRESS.search(word) else _escaped(word) for word in words)
    return _LIST.sub(r"\1\\\2", line)


def code(text: object) -> str:
    """Return a name or a value as a code span.

    >>> code("JFK"), code("a`b"), code("")
    ('`JFK`', '``a`b``', '(empty)')
    """
    line = _cut(visible(text), LONGEST_CODE)
    if not line:
        return "(empty)"
    longest = max((len(run) for run in re.findall("`+", line)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if line[0] == "`" or line[-1] == "`" else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def table(header: Row, rows: Iterable[Row], *, numbers: Iterable[str] = ()) -> list[str]:
    """Return the lines of a table of inert cells; the columns named in `numbers` are set right.

    A bar within code would end the cell, so it is escaped; a backslash before it is kept apart, for
    renderers do not agree on what the two together mean.
    """
    right = set(numbers)
    rule = tuple("---:" if name in right else "---" for name in header)
    return [f"| {' | '.join(map(_cell, line))} |" for line in (header, rule, *rows)]


def _cell(text: str) -> str:
    return text.replace("\\|", "\\ |").replace("|", "\\|")


def _escaped(word: str) -> str:
    # An entity, for a backslash before a bar means one thing in a table and another outside.
    return _SPECIAL.sub(r"\\\g<0>", word).replace("|", "&#124;")


def _cut(line: str, longest: int) -> str:
    return line if len(line) <= longest else f"{line[: longest - 1]}…"

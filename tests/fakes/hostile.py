"""Text that wants to be more than text, and what a renderer makes of it."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tidegate.training.card.inert import visible

CHUNKS = (
    *(
        "<b>",
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "</style>",
        "<!--",
        "]]>",
    ),
    *("[a](javascript:alert(1))", "![a](http://x.example/p.png)", "<http://x.example>", "[r]: /u"),
    *("https://x.example/a_b", "www.x.example", "ann@x.example", "&lt;", "&#60;", "&amp;", "\\"),
    *(
        "|",
        "\\|",
        "`",
        "``",
        "```\n",
        "~~~\n",
        "~~a~~",
        "*a*",
        "**b**",
        "_c_",
        "__d__",
        "# ",
        "\n# ",
    ),
    *(
        "\n\n",
        "\n---\n",
        "\n===\n",
        "> ",
        "- ",
        "+ ",
        "1. ",
        "2) ",
        "    x",
        "\t",
        "\r\n",
        "\n| a |\n",
    ),
    *(
        "\u202e",
        "\u2066",
        "\u200b",
        "\x00",
        "\x1b[31m",
        "\x85",
        "\u2028",
        "\ufeff",
        "\ud800",
        "{{ 1 }}",
    ),
    *('" onload="x', "'", "{% raw %}", "$x$", "word", " ", "e\u0301", "\u6f22", "\u05d0"),
)
TEXT = st.lists(st.sampled_from(CHUNKS) | st.text(max_size=4), min_size=1, max_size=8)
HOSTILE = TEXT.map("".join).filter(lambda text: bool(visible(text)))


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.tags.append((f"!--{data}", ()))


def parsed(html: str) -> _Tags:
    """Return the start tags, with attributes, and the text of a page."""
    tags = _Tags()
    tags.feed(html)
    tags.close()
    return tags


def rendered(markdown: str) -> _Tags:
    """Return what a renderer that lets everything through makes of Markdown."""
    renderer = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    return parsed(renderer.render(markdown))


def structure(tags: _Tags) -> list[tuple[str, tuple[tuple[str, str | None], ...]]]:
    """Return the tags but for code spans, in which addresses within a sentence are shown."""
    return [tag for tag in tags.tags if tag != ("code", ())]

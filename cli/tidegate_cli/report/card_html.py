"""The package's card as HTML: what Markdown in it could load or lead to is not rendered."""

from __future__ import annotations

from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from tidegate.training.card.inert import visible

INERT = ["link", "image", "autolink", "html_inline", "html_block", "reference"]


def card_html(card: str) -> Markup:
    """Return the card without its title, which the page has; tables are set into boxes to scroll.

    The package is verified, but its maker is not trusted: links, images and HTML stay text.
    """
    renderer = MarkdownIt("commonmark", {"html": False}).enable("table").disable(INERT)
    text = "\n".join(visible(line) for line in card.split("\n"))
    tokens = _without_title(renderer.parse(text))
    for token in tokens:
        if token.type in {"th_open", "td_open"} and token.attrs.pop("style", ""):
            token.attrSet("class", "number")  # the page allows no style of an element's own
    html = str(renderer.renderer.render(tokens, renderer.options, {}))
    boxed = html.replace("<table>", '<div class="scroll"><table>')
    return Markup(boxed.replace("</table>", "</table></div>"))  # noqa: S704 - rendered without HTML


def _without_title(tokens: Sequence[Token]) -> list[Token]:
    ends = [number for number, token in enumerate(tokens) if token.type == "heading_close"]
    begins = bool(tokens) and tokens[0].type == "heading_open" and tokens[0].tag == "h1"
    return list(tokens[ends[0] + 1 :] if begins else tokens)

"""The switch of an environment: the governor may act, or somebody paused it.

Its text is `on` or `paused: <who>: <why>`. Any other text, like a switch that can't be read, means
"tell people, do nothing": whoever paused must not be overruled by a typing error or an outage.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tidegate.errors import RequestError
from tidegate.settings import AUTOMATION_ON

LONGEST_REASON = 1000  # characters; the whole text has room for 4,096
_PAUSED, _APART = "paused: ", ": "


@dataclass(frozen=True)
class Automation:
    """Whether the governor may act; if not, `reason` is a sentence for the record."""

    is_on: bool
    reason: str = ""
    who: str = ""
    why: str = ""


ON = Automation(is_on=True)


class Switch(Protocol):
    """Where the switch is kept."""

    def automation(self) -> Automation:
        """Return how the switch stands; one that can't be read is off, with the reason."""
        ...


def paused(who: str, why: str) -> Automation:
    """Return a switch that somebody turned off; raise `RequestError` without a plain reason.

    >>> paused("ann", "audit").reason
    'automation is paused by ann: audit'
    """
    for what, text in (("name", who), ("reason", why)):
        if not text.strip() or not text.isprintable() or len(text) > LONGEST_REASON:
            raise RequestError(
                f"pausing takes a {what} in one line of 1 to {LONGEST_REASON} characters"
            )
    if _APART in who:
        raise RequestError(f"{who!r}: a name can't contain {_APART!r}")
    return Automation(is_on=False, reason=f"automation is paused by {who}: {why}", who=who, why=why)


def text_of(automation: Automation) -> str:
    """Return the switch's text.

    >>> text_of(ON), text_of(paused("ann", "audit"))
    ('on', 'paused: ann: audit')
    """
    if automation.is_on:
        return AUTOMATION_ON
    return f"{_PAUSED}{automation.who}{_APART}{automation.why}"


def automation_of(text: str) -> Automation:
    """Read the switch's text.

    >>> automation_of("paused: ann: see: ticket 7").why
    'see: ticket 7'
    >>> automation_of("off").is_on
    False
    """
    if text.strip() == AUTOMATION_ON:
        return ON
    who, found, why = text.removeprefix(_PAUSED).partition(_APART)
    if not text.startswith(_PAUSED) or not found:
        return unreadable(f"it holds {text[:100]!r}")
    try:
        return paused(who, why)
    except RequestError as error:
        return unreadable(str(error))


def unreadable(problem: str) -> Automation:
    """Return a switch that nobody can tell the position of: nothing is done.

    >>> unreadable("access denied").reason
    "automation is taken as paused, its switch can't be read: access denied"
    """
    reason = f"automation is taken as paused, its switch can't be read: {problem}"
    return Automation(is_on=False, reason=reason)

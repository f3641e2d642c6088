"""The automation switch in memory: its text, as a parameter holds it."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.governance.automation import Automation, automation_of, text_of, unreadable


@dataclass
class MemorySwitch:
    """Implements `Switch`; a `text` of None can't be read."""

    text: str | None = "on"

    def automation(self) -> Automation:
        return unreadable("not there") if self.text is None else automation_of(self.text)

    def turn(self, automation: Automation) -> None:
        self.text = text_of(automation)

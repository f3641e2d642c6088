"""What the demo saw: facts by chapter, told as they happen and kept for tests and machines."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.status import Status
from rich.table import Table


@dataclass(frozen=True)
class Fact:
    """One thing that happened: words for people, data for machines, seconds since the start."""

    chapter: int
    text: str
    seconds: float
    data: dict[str, object]


@dataclass
class Teller:
    """Tell facts to a person, one line each, and keep them."""

    console: Console
    facts: list[Fact] = field(default_factory=list)
    chapter: int = 0
    _began: float = field(default_factory=time.monotonic)
    _status: Status | None = None

    def open_chapter(self, title: str) -> None:
        """Begin the next chapter."""
        self.chapter += 1
        self.console.print(f"\n[bold cyan]{self.chapter}  {title}[/]")

    def tell(self, text: str, **data: object) -> None:
        """State a fact."""
        seconds = time.monotonic() - self._began
        self.facts.append(Fact(self.chapter, text, round(seconds, 1), data))
        line = Table.grid(padding=(0, 1))
        line.add_column(width=8, justify="right", style="dim", no_wrap=True)
        line.add_column(overflow="fold")
        line.add_row(f"{seconds:.1f} s", text)
        self.console.print(line, highlight=False)

    def waiting(self, text: str) -> None:
        """Show what is being waited for, on a terminal."""
        if self._status is None:
            self._status = self.console.status(text)
            self._status.start()
        self._status.update(f"[dim]{text}[/]")

    def close(self) -> None:
        """Stop the waiting line."""
        if self._status is not None:
            self._status.stop()
            self._status = None

    @property
    def elapsed(self) -> float:
        """Seconds since the story began."""
        return time.monotonic() - self._began

    def save(self, file: Path) -> None:
        """Write all facts as JSON lines."""
        file.parent.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps(asdict(fact), default=str, sort_keys=True) for fact in self.facts]
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")

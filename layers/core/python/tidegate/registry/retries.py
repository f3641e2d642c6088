"""Retries: how long to wait before the same thing is tried again, with full jitter."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Retries:
    """At most `attempts` tries, with random waits of up to `base` * 2**i seconds in between.

    `sleep` and `chance` (uniform in [0, 1)) are arguments, so that tests need no time and no luck.
    Source: "full jitter", M. Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog 2015.
    """

    attempts: int = 20
    base: float = 0.02
    cap: float = 5.0  # long enough for a crowd to thin out; few writers never wait so long
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random

    def pause(self, attempt: int) -> None:
        """Wait after the failed try number `attempt`, counted from zero."""
        self.sleep(self.chance() * min(self.cap, self.base * 2**attempt))

    def is_last(self, attempt: int) -> bool:
        """Tell whether no try is left after number `attempt`."""
        return attempt + 1 >= self.attempts

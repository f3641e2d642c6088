"""Loss: which requests were counted in lines that never arrived."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from tidegate.windows.values import Window


def lost_requests(windows: Iterable[Window]) -> int:
    """Return how many requests lie in gaps between these windows.

    Each window tells how many requests its container had counted before, so a line that was lost
    leaves a gap up to the next one that arrived. What follows a container's last line, and what
    precedes its first one here, can't be known.

    >>> from tidegate.clock import parse_stamp
    >>> noon = parse_stamp("2026-11-22T12:00:00.000Z")
    >>> def window(id: str, requests: int, earlier: int) -> Window:
    ...     return Window(id, "m", 1, "r", noon, noon, requests, container="a", earlier=earlier)
    >>> lost_requests([window("1", 5, 0), window("3", 2, 9)])
    4
    """
    spans: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for window in windows:
        if window.container:
            spans[window.container].append((window.earlier, window.requests))
    return sum(map(_gaps, spans.values()))


def _gaps(spans: list[tuple[int, int]]) -> int:
    first = min(earlier for earlier, _ in spans)
    last = max(earlier + requests for earlier, requests in spans)
    return max(0, last - first - sum(requests for _, requests in spans))
